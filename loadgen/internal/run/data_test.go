package run_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
)

// asked are the requests that a portal has seen below a path, in order, without that path.
func (p *portal) asked(path string) []string {
	var list []string
	for _, r := range p.seen() {
		if rest, ok := strings.CutPrefix(r.path, "GET "+path); ok {
			list = append(list, rest)
		}
	}
	return list
}

// In a round every mode gets the same keys in the same order; another round gets others. Which are the popular ones is the run's.
func TestModesGetTheSameKeys(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	// With one connection the order in which requests come is the order in which they are due.
	r := drive(t, p.start(t, `why: x
data: {page: {zipf: 1.2, of: 100}}
modes: {a: "GET /a/{page}", b: "GET /b/{page}?again={{page}}", c: GET /c}
connections: 1
rounds: 2
phases: [{name: p, rate: 1000/s, for: 300ms}]
`))
	a, b := p.asked("/a/"), p.asked("/b/")
	for i, page := range b {
		b[i], _, _ = strings.Cut(page, "?")
		if page != b[i]+"?again="+b[i] {
			t.Errorf("one request has two pages: %s", page)
		}
	}
	first := int(cell(t, r, 1, "a", "p").Ledger.Scheduled)
	if diff := cmp.Diff(a, b); diff != "" || first < 200 || len(a) < 400 {
		t.Fatalf("mode a asked for %d pages, b for others: %s", len(a), diff)
	}
	if slices.Equal(a[:100], a[first:first+100]) {
		t.Error("both rounds asked for the same pages in the same order")
	}
	favourite := func(pages []string) (best string) {
		counts := map[string]int{}
		for _, page := range pages {
			if counts[page]++; counts[page] > counts[best] {
				best = page
			}
		}
		return best
	}
	if x, y := favourite(a[:first]), favourite(a[first:]); x != y {
		t.Errorf("the favourite page of one round is %s, of the other %s: a cache would be cold again", x, y)
	}
	want := []result.Mode{
		{Name: "a", Method: "GET", Path: "/a/{page}", Keys: &result.Keys{Kind: "zipf", S: 1.2, Of: 100}},
		{Name: "b", Method: "GET", Path: "/b/{page}?again={{page}}", Keys: &result.Keys{Kind: "zipf", S: 1.2, Of: 100}},
		{Name: "c", Method: "GET", Path: "/c"},
	}
	if diff := cmp.Diff(want, r.Modes); diff != "" {
		t.Errorf("the report's modes: -want +got\n%s", diff)
	}
}

// What a server is asked for is as popular as the distribution has it, by a chi-square test. Users of a closed load share the keys: who is
// fast takes more of them, and all together take the first n.
func TestKeysAreAsPopularAsTheirDistribution(t *testing.T) {
	t.Parallel()
	const of, requests = 50, 4000
	p := newPortal(t)
	drive(t, p.start(t, fmt.Sprintf(`why: x
data: {page: {zipf: 0.9, of: %d}}
modes: {a: "GET /a/{page}"}
rounds: 1
phases: [{name: p, users: 8, requests: %d}]
`, of, requests)))
	counts := map[string]float64{}
	for _, page := range p.asked("/a/") {
		counts[page]++
	}
	z, err := keys.New(keys.Spec{Kind: keys.Zipf, S: 0.9, From: 1, To: of}, "page", run.Derive(7, run.DataStream, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var chi, sum float64
	for rank := 1; rank <= of; rank++ {
		got, want := counts[string(z.Append(nil, z.RowOf(rank)))], requests*z.P(rank)
		chi += (got - want) * (got - want) / want
		sum += got
	}
	if chi > 85.4 || sum != requests { // the 0.999 quantile of 49 degrees of freedom
		t.Errorf("chi-square is %.1f of %.0f requests, want at most 85.4 of %d", chi, sum, requests)
	}
	taken := map[string]float64{}
	for k := range int64(requests) {
		taken[string(z.Append(nil, z.Row(run.Derive(7, run.DataStream, 1, 0), k, 0)))]++
	}
	if diff := cmp.Diff(taken, counts); diff != "" {
		t.Errorf("not the rows of the first %d arrivals: %s", requests, diff)
	}
}

// withUsers is a run of a scenario with three users in a file beside it.
func withUsers(t *testing.T, p *portal, yaml string) run.Config {
	t.Helper()
	cfg := p.start(t, laboratory)
	var err error
	cfg.Scenario, err = scenario.ParseIn(fstest.MapFS{"users.csv": {Data: []byte("name,pass\nann,1\nbob,2\ncid,3\n")}}, "x.yaml", []byte(yaml), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A file whose rows are to be taken once ends the run when they have been: each was taken once, and there were more requests.
func TestDataRunsOut(t *testing.T) {
	t.Parallel()
	for _, load := range []string{"users: 2, for: 20s", "rate: 15/s, for: 600ms"} {
		p := newPortal(t)
		r := drive(t, withUsers(t, p, `why: x
modes: {a: {request: "GET /u/{user}?p={pass}", data: {user: {csv: users.csv, column: name, order: once}, pass: {csv: users.csv, column: pass, order: once}}}}
rounds: 1
phases: [{name: p, `+load+`}]
gates: [errors() == 0]
`))
		got := p.asked("/u/")
		slices.Sort(got)
		if want := []string{"ann?p=1", "bob?p=2", "cid?p=3"}; !slices.Equal(got, want) {
			t.Errorf("%s: asked for %q, want %q", load, got, want)
		}
		want := []string{`phase p, mode a: the data "pass" has 3 rows, each to be taken once, and there are more requests`}
		if diff := cmp.Diff(want, r.Invalid); diff != "" || result.ExitCode(r) != result.ExitInvalid {
			t.Errorf("%s: exit code %d, invalid: -want +got\n%s", load, result.ExitCode(r), diff)
		}
		if l := cell(t, r, 1, "a", "p").Ledger; l.Scheduled != 3 || l.Completed != 3 {
			t.Errorf("%s: ledger %+v, want the 3 requests", load, l)
		}
	}
}

// Data that sticks to users is each user's own.
func TestStickyData(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, withUsers(t, p, `why: x
data: {user: {csv: users.csv, column: name, sticky: true}}
modes: {a: "GET /u/{user}"}
rounds: 1
phases: [{name: p, users: 2, think: 2ms, requests: 20}]
`))
	counts := map[string]int{}
	for _, user := range p.asked("/u/") {
		counts[user]++
	}
	if len(counts) != 2 || counts["ann"] < 5 || counts["bob"] < 5 || r.Modes[0].Keys.Of != 3 {
		t.Errorf("asked for %v, keys %+v, want two users of three", counts, r.Modes[0].Keys)
	}
}

// A session takes from one response what the next request needs, and is in the report with its steps.
func TestSessions(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	cfg := p.start(t, `why: x
data: {page: {uniform: 9}}
modes:
  visit:
    steps:
      - {name: list, request: "GET /api/properties/live/optimized/?page={page}", take: {id: results.0.id}}
      - {name: property, request: "GET /api/properties/{id}/", check: {json: {count: 1000000}}}
    think: 5ms..20ms
  broken:
    steps:
      - {name: list, request: "GET /l?page={page}", take: {id: results.1.id}}
      - {name: property, request: "GET /p/{id}/"}
  plain: GET /api/properties/live/naive/
rounds: 2
phases:
  - {name: open, rate: 100/s, for: 300ms}
  - {name: users, users: 3, requests: 6}
  - {name: both, rate: 100/s, for: 300ms, mix: {visit: 2, plain: 1}}
gates:
  - requests("visit/property", "open") == requests("visit", "open")
  - p99("visit/list", "users") <= 60*s
  - errors("broken") == requests("broken") and requests("visit/list", "both") > 0
`)
	r := drive(t, cfg)
	for _, g := range r.Gates {
		if g.Verdict == result.Fail {
			t.Errorf("%+v", g)
		}
	}
	for _, round := range []int{1, 2} {
		visit, list := cell(t, r, round, "visit", "open"), cell(t, r, round, "visit/list", "open")
		if visit.Ledger.Scheduled != list.Ledger.Scheduled || visit.Ledger.Scheduled != cell(t, r, round, "plain", "open").Ledger.Scheduled {
			t.Errorf("round %d: %d sessions, %d first steps, want as many as plain has requests", round, visit.Ledger.Scheduled, list.Ledger.Scheduled)
		}
		if n := cell(t, r, round, "visit/property", "users").Ledger.Completed; n != 6 {
			t.Errorf("round %d: %d properties, want 6", round, n)
		}
		if n := list.Server.Counters["requests"]; n != list.Ledger.Scheduled || list.Server.SQL != 62*n {
			t.Errorf("round %d: the app counted %v, the ledger %+v", round, list.Server, list.Ledger)
		}
		broken := cell(t, r, round, "broken/list", "users")
		if broken.Ledger.Failed["check"] != 6 || len(broken.Failures) != 1 || broken.Failures[0].Example != `take id: results.1.id: no element "1" of 1` ||
			cell(t, r, round, "broken", "users").Ledger.Failed["check"] != 6 || cell(t, r, round, "broken/property", "users").Ledger.Scheduled != 0 {
			t.Errorf("round %d: ledger %+v, failures %v", round, broken.Ledger, broken.Failures)
		}
	}
	for _, path := range p.asked("/api/properties/7") {
		if path != "/" {
			t.Errorf("asked for property 7%s", path)
		}
	}
	f, err := figure.New(r)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, mode := range []string{"visit/list", "visit/property", "broken/list", "plain"} {
		n, _, err := f.Value("requests", mode, "")
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	all, _, err := f.Value("requests", "", "")
	if err != nil || math.Abs(all-sum) > 0.01 || int(all) != len(p.seen()) {
		t.Errorf("%v requests in all, %v by mode, %d seen: %v", all, sum, len(p.seen()), err)
	}
	if last := cfg.Progress.(*watcher).last[0]; last.Requests > 2*60 {
		t.Errorf("the progress counted %d", last.Requests)
	}
}

func TestAppMode(t *testing.T) {
	for _, tt := range []struct{ method, path, mode, strategy string }{
		{"GET", "/api/properties/cached/swr/?page={page}&loader=batched", "swr+batched", "swr"},
		{"GET", "/api/properties/cached/{strategy}/", "", ""},
		{"GET", "/api/properties/cached/ttl/?loader={loader}", "", "ttl"},
		{"GET", "/api/properties/{id}/", "property", ""},
		{"GET", "/api/properties/cached/negative/{id}/", "negative+property", "negative"},
		{"PATCH", "/api/properties/{{id}}/", "price-change", ""},
		{"GET", "/api/properties/live/naive/?q={", "naive", ""},
	} {
		if mode, strategy := run.AppMode(tt.method, tt.path), run.StrategyOf(tt.path); mode != tt.mode || strategy != tt.strategy {
			t.Errorf("%s %s: got %q and %q, want %q and %q", tt.method, tt.path, mode, strategy, tt.mode, tt.strategy)
		}
	}
}
