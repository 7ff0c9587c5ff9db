package run_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
)

const laboratory = `why: figures that are known beforehand
app: {ttl: 90s, beta: 2}
modes:
  naive: GET /api/properties/live/naive/
  ttl:   GET /api/properties/cached/ttl/
rounds: 2
phases:
  - {name: prime, requests: 1, warmup: true, before: [flush]}
  - {name: warm,  rate: 100/s, for: 300ms}
  - {name: users, users: 3, requests: 12}
  - {name: burst, burst: 10, before: [flush, {wait: 1ms}, expire]}
gates:
  - errors() == 0
  - sql("naive", "warm") == 62 and sql("ttl", "warm") == 0
  - recomputes("ttl", "burst") == 1
`

// The spine: every mode has all phases in every round, and what is in the report is what the app counted.
func TestARunOnALab(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.busy = 3 // the first counters are asked for again until nothing runs any more
	cfg := p.start(t, laboratory)
	r := drive(t, cfg)

	if code := result.ExitCode(r); code != result.ExitPass {
		t.Errorf("exit code %d, want 0: %v %+v", code, r.Invalid, r.Gates)
	}
	if len(r.Cells) != 2*2*4 {
		t.Errorf("%d cells, want a round, mode and phase each", len(r.Cells))
	}
	for _, c := range r.Cells {
		want := map[string]int64{"prime": 1, "users": 12, "burst": 10}[c.Phase]
		if c.Phase != "warm" && c.Ledger.Scheduled != want || c.Ledger.Completed != c.Ledger.Scheduled {
			t.Errorf("%s in %s: ledger %+v, want %d", c.Mode, c.Phase, c.Ledger, want)
		}
		if n := c.Server.Counters; n == nil || n[api.CountRequests] != c.Ledger.Scheduled {
			t.Errorf("%s in %s: the app counted %+v, the ledger %+v", c.Mode, c.Phase, n, c.Ledger)
		}
		if c.Phase == "burst" && c.Mode == "ttl" && (c.Server.Counters[api.CountRecomputes] != 1 || c.Server.Cache["hit"] != 9) {
			t.Errorf("burst of ttl: counters %+v, cache %v", c.Server.Counters, c.Server.Cache)
		}
		checkCost(t, c)
		if c.Took <= 0 || c.Start <= 0 || c.Response.Count != c.Ledger.Completed || c.Server.Timed != c.Ledger.Completed {
			t.Errorf("%s in %s: start %s, took %s, %d response times, %d timed", c.Mode, c.Phase, c.Start, c.Took, c.Response.Count, c.Server.Timed)
		}
	}
	if want := (result.Stack{
		Kind: stack.Remote, Target: p.api.URL, Database: "paper 1.0", Cache: "memory 2.0", App: "abc1234, go9", Rows: 500, Replicas: 1, Config: r.Stack.Config,
	}); !cmp.Equal(r.Stack, want) || r.Stack.Config["ttl"] != "1m30s" || r.Stack.Config["beta"] != "2" {
		t.Error("the stack is", cmp.Diff(want, r.Stack), r.Stack.Config)
	}
	if want := map[string]string{"ttl": "1m30s", "beta": "2", "db_conns": "8"}; !maps.Equal(r.Stack.Config, want) {
		t.Errorf("the report has %v of the app, want %v: what can be changed and what is not the default", r.Stack.Config, want)
	}
	if p.config["ttl"] != "1m30s" || p.controls[0] != "PUT /lab/config" {
		t.Errorf("the app was configured with %+v, after %q", p.config, p.controls[0])
	}
	if len(r.Strategies) != 1 || r.Modes[1].Strategy != "ttl" || r.Seed != 7 || r.Took <= 0 || len(r.Warnings) > 0 {
		t.Errorf("strategies %+v, modes %+v, seed %d, took %s, warnings %q", r.Strategies, r.Modes, r.Seed, r.Took, r.Warnings)
	}
	checkProgress(t, cfg.Progress.(*watcher), r)
}

// checkCost checks that a cell has what the portal used during it, by its own account: no process is the run's.
func checkCost(t *testing.T, c result.Cell) {
	t.Helper()
	n := c.Server.Counters[api.CountRequests]
	if want := time.Second + time.Duration(n)*time.Millisecond; c.Server.CPU != want || c.Server.DatabaseCPU != 0 {
		t.Errorf("%s in %s: CPU %v and %v of the database, want %v and none", c.Mode, c.Phase, c.Server.CPU, c.Server.DatabaseCPU, want)
	}
	want := result.Redis{Evicted: 1, MaxMemory: 1 << 20}
	if c.Mode == "ttl" {
		commands := c.Server.Counters[api.CountRedis]
		want.CPU, want.BytesOut, want.Pages, want.PageBytes = time.Duration(commands)*100*time.Microsecond, 1000*commands, 3, 50_000
	}
	if c.Redis == nil || *c.Redis != want {
		t.Errorf("%s in %s: Redis %+v, want %+v", c.Mode, c.Phase, c.Redis, want)
	}
}

// checkProgress checks that the progress was shown every cell, and at its end the figures of the report.
func checkProgress(t *testing.T, w *watcher, r *result.Run) {
	t.Helper()
	if len(w.phases) != len(r.Cells) || len(w.last) != len(r.Cells) {
		t.Fatalf("%d phases begun, %d ended, %d cells", len(w.phases), len(w.last), len(r.Cells))
	}
	for i, c := range r.Cells {
		p, l := w.phases[i], w.last[i]
		if p.Round != c.Round || p.Rounds != 2 || p.Mode != c.Mode || p.Name != c.Phase || l.Requests != c.Ledger.Scheduled || l.Elapsed != c.Took {
			t.Errorf("%+v ended with %+v, want %s in %s with %d requests in %s", p, l, c.Mode, c.Phase, c.Ledger.Scheduled, c.Took)
		}
	}
}

// In a round every mode gets the same load: the offsets are the round's and the phase's, not the mode's.
func TestModesGetTheSameLoad(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, p.start(t, `why: x
modes: {a: GET /a, b: GET /b, c: GET /c}
rounds: 3
phases: [{name: p, rate: 800/s, for: 100ms}, {name: q, rate: 800/s, for: 100ms}]
`))
	counts := map[int64]bool{}
	for round := 1; round <= 3; round++ {
		for _, phase := range []string{"p", "q"} {
			a, b, c := cell(t, r, round, "a", phase).Ledger.Scheduled, cell(t, r, round, "b", phase).Ledger.Scheduled, cell(t, r, round, "c", phase).Ledger.Scheduled
			if a != b || b != c {
				t.Errorf("round %d, phase %s: %d, %d and %d requests", round, phase, a, b, c)
			}
			counts[a] = true
		}
	}
	if len(counts) == 1 {
		t.Errorf("every phase of every round has %v requests: it is always the same draw", counts)
	}
}

// One seed is one load: the same requests are due at the same offsets, and the server sees them in that order.
func TestTheSameSeedReplaysTheSameRequests(t *testing.T) {
	t.Parallel()
	// One connection sends one request after the other: they leave in the order in which they are due.
	const mixed = `why: x
modes: {a: GET /a, b: GET /b, c: GET /c}
rounds: 1
phases: [{name: p, rate: 200/s, for: 500ms, connections: 1, trace: all, mix: {a: 3, b: 2, c: 1}}]
`
	replay := func(seed uint64) (paths []string, planned []root) {
		p, c := newPortal(t), newCollector(t)
		cfg := p.start(t, mixed)
		cfg.Seed, cfg.OTLP = seed, c.URL
		drive(t, cfg)
		for _, r := range p.seen() {
			paths = append(paths, r.path)
		}
		slices.SortFunc(c.roots, func(a, b root) int { return int(a.due - b.due) })
		for _, r := range c.roots {
			planned = append(planned, root{r.name, r.due - c.roots[0].due})
		}
		return paths, planned
	}
	paths, planned := replay(7)
	for i, p := range planned {
		if len(planned) != len(paths) || p.name != paths[i] {
			t.Fatalf("planned were\n%v\nthe server saw\n%v", planned, paths)
		}
	}
	if again, same := replay(7); !slices.Equal(paths, again) || !slices.Equal(planned, same) || len(paths) < 50 {
		t.Errorf("one seed, two loads:\n%v\n%v", planned, same)
	}
	if other, _ := replay(8); slices.Equal(paths, other) {
		t.Error("another seed, the same requests")
	}
}

// Modes share a mixed phase by their weights, and each is accounted for on its own.
func TestMix(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	cfg := p.start(t, `why: x
modes:
  cached: GET /api/properties/cached/
  naive:  GET /api/properties/live/naive/
  other:  GET /api/properties/live/naive/?page=2
  alone:  GET /api/properties/live/batched/
rounds: 1
phases:
  - {name: own,   requests: 2}
  - {name: users, users: 12, requests: 60, mix: {cached: 5, naive: 1}}
  - {name: open,  rate: 600/s, for: 300ms, mix: {cached: 5, naive: 1}}
  - {name: same,  requests: 8, users: 8, mix: {naive: 1, other: 1}}
`)
	r := drive(t, cfg)
	if a, b := cell(t, r, 1, "cached", "users").Ledger, cell(t, r, 1, "naive", "users").Ledger; a.Scheduled+b.Scheduled != 60 || b.Scheduled < 1 {
		t.Errorf("of 60 requests %d and %d", a.Scheduled, b.Scheduled)
	}
	a, b := cell(t, r, 1, "cached", "open"), cell(t, r, 1, "naive", "open")
	if ratio := float64(a.Ledger.Scheduled) / float64(b.Ledger.Scheduled); ratio < 3 || ratio > 9 {
		t.Errorf("weights 5 to 1 came to %d and %d", a.Ledger.Scheduled, b.Ledger.Scheduled)
	}
	if a.Server.Counters[api.CountRequests] != a.Ledger.Scheduled || b.Server.Counters[api.CountSQL] != 62*b.Ledger.Scheduled {
		t.Errorf("counters %+v and %+v of %d and %d requests", a.Server.Counters, b.Server.Counters, a.Ledger.Scheduled, b.Ledger.Scheduled)
	}
	// To the app both are the mode naive: what it counts is neither's.
	var requests, sql int64
	for _, mode := range []string{"naive", "other"} {
		c := cell(t, r, 1, mode, "same")
		requests, sql = requests+c.Ledger.Scheduled, sql+c.Server.SQL
		if c.Server.Counters != nil {
			t.Errorf("%s: counters %+v, want none", mode, c.Server.Counters)
		}
	}
	if requests != 8 || sql != 8*62 {
		t.Errorf("%d requests of %d queries, want 8 of 496", requests, sql)
	}
	// What a process used in a phase that modes shared is neither's; the pages are.
	if c := a; c.Server.CPU != 0 || c.Redis == nil || *c.Redis != (result.Redis{Pages: 3, PageBytes: 50_000, MaxMemory: 1 << 20}) {
		t.Errorf("a mode that shared its phase has CPU %v and Redis %+v", c.Server.CPU, c.Redis)
	}
	if n := len(r.Cells); n != 4+3*2 {
		t.Errorf("%d cells: a mode that takes no part in a phase has none in it", n)
	}
	for _, phase := range cfg.Progress.(*watcher).phases {
		if (phase.Mode == "mix") == (phase.Name == "own") {
			t.Errorf("phase %s is shown as one of %s", phase.Name, phase.Mode)
		}
	}
}

// What a scenario sets and a target that runs already cannot be given is a warning, unless the target has that value.
func TestSettingsThatAreNotApplied(t *testing.T) {
	t.Parallel()
	const runsAlready = "the target runs already, so that not every setting of the scenario is applied: "
	for name, tt := range map[string]struct {
		app  string
		lab  bool
		want string // empty for no such warning
	}{
		"a value that it does not have":       {"{index: true}", true, runsAlready + "index=true (it has false)"},
		"a value that nobody knows":           {"{properties: 5000}", true, runsAlready + "properties=5000"},
		"some of many, in the table's order":  {"{properties: 60, ttl: 2s, db_conns: 9, index: true}", true, runsAlready + "properties=60, index=true (it has false), db_conns=9 (it has 8)"},
		"the value that it has":               {"{db_conns: 8, index: false}", true, ""},
		"what can be changed at run time":     {"{ttl: 2s, beta: 2, sqlite_rtt: 1ms}", true, ""},
		"nothing can be without lab controls": {"{ttl: 2s, db_conns: 8}", false, runsAlready + "ttl=2s, db_conns=8"},
		"nothing is asked for":                {"{}", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newPortal(t).start(t, "why: x\napp: "+tt.app+"\nmodes: {a: GET /a}\nrounds: 1\nphases: [{name: p, requests: 1}]\n")
			if !tt.lab {
				cfg.Stack.Labs = nil
			}
			warnings := slices.DeleteFunc(drive(t, cfg).Warnings, func(w string) bool { return strings.HasPrefix(w, "no lab controls: ") })
			if got := strings.Join(warnings, "\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWithoutLabControls(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	cfg := p.start(t, `why: x
modes: {naive: GET /api/properties/live/naive/, ttl: GET /api/properties/cached/ttl/}
rounds: 1
phases: [{name: p, requests: 4}]
gates: ['sql("naive") == 62', errors() == 0]
`)
	cfg.Stack.Labs = nil
	cfg.Rounds = 3
	r := drive(t, cfg)
	if code := result.ExitCode(r); code != result.ExitPass || r.Scenario.Rounds != 3 || len(r.Cells) != 6 {
		t.Errorf("exit code %d, %d rounds, %d cells: %v", code, r.Scenario.Rounds, len(r.Cells), r.Invalid)
	}
	for _, c := range r.Cells {
		if c.Server.Counters != nil || c.Server.Timed != 4 {
			t.Errorf("%s: counters %+v, %d timed; want none, 4", c.Mode, c.Server.Counters, c.Server.Timed)
		}
	}
	if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "no lab controls: ") || len(p.controls) > 0 {
		t.Errorf("warnings %q, the lab was asked %q", r.Warnings, p.controls)
	}
}

// A distance that all phases have is that of the target's own where there are no links: the report says so, and shows none that was asked for.
func TestDistanceIsNotMade(t *testing.T) {
	t.Parallel()
	cfg := newPortal(t).start(t, "why: x\nworld: {database: {rtt: 1ms}, redis: {rtt: 200us}}\nmodes: {a: GET /a}\nrounds: 1\nphases: [{name: p, requests: 1}, {name: q, requests: 1}]\n")
	r := drive(t, cfg)
	const want = "the scenario's distances (1ms to database, 200µs to redis), for which its gates were made, take links (--links)"
	if code := result.ExitCode(r); code != result.ExitPass || len(r.Warnings) != 1 || !strings.HasSuffix(r.Warnings[0], want) {
		t.Errorf("exit code %d, warnings %q, want 0 and %q", code, r.Warnings, want)
	}
	for _, d := range r.Stack.Distances {
		if d.RTT != 0 || d.Link {
			t.Errorf("distance %+v: nothing was to make one", d)
		}
	}
}
