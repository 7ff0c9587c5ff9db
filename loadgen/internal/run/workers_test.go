package run_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/shard"
)

// hand is a worker in this process.
type hand struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // after done
}

func (h *hand) Done() <-chan struct{} { return h.done }

func (h *hand) Ended(within time.Duration) string {
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-h.done:
		return fmt.Sprint("ended: ", h.err)
	case <-limit.C:
	}
	select { // both may have been
	case <-h.done:
		return fmt.Sprint("ended: ", h.err)
	default:
		return ""
	}
}

func (h *hand) Stop(time.Duration) {
	h.cancel()
	<-h.done
}

// withWorkers has workers in this process send the load of a run.
func withWorkers(cfg run.Config, n int) run.Config {
	if n == 0 {
		return cfg
	}
	secret := shard.NewSecret()
	limits := cfg.Workers.Limits
	cfg.Workers = run.Workers{N: n, Start: n, Addr: "127.0.0.1:0", Program: "test", Secret: secret, Limits: limits}
	cfg.Workers.Launch = func(ctx context.Context, i int, addr string) (run.Process, error) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		h := &hand{cancel: cancel, done: make(chan struct{})}
		id := shard.Identity{Index: i, UID: fmt.Sprint("uid-", i), Program: "test", Scenario: cfg.Scenario.SHA256}
		go func() {
			defer close(h.done)
			h.err = run.Work(ctx, cfg.Scenario, shard.WorkerConfig{Addr: addr, Secret: secret, Identity: id, Limits: limits})
		}()
		return h, nil
	}
	return cfg
}

// TestWorkersSendTheSame checks that any number of workers send together what a run sends by itself: as its service sees it, and by the hash of the requests,
// over every shape of load.
func TestWorkersSendTheSame(t *testing.T) {
	t.Parallel()
	const head = `why: x
seed: 11
rounds: 1
data: {page: {zipf: 0.9, of: 500}, id: {uniform: 1..5000}, user: {list: [a, b, c, d, e], order: shuffled}}
modes:
  a: GET /a/{page}
  b: {request: "GET /b?user={{user}}", headers: {X-Id: "{{id}}"}}
  c: GET /c
  visit: {steps: [{name: list, request: "GET /list/{page}", take: {found: results.0.id}}, {name: one, request: "GET /one/{{found}}/{id}"}], think: 1ms..3ms}
`
	for name, tt := range map[string]struct {
		phase   string
		without bool // the responses have a say in which requests there are
	}{
		"open":              {phase: "{name: p, rate: 600/s, arrivals: constant, for: 300ms}"},
		"poisson":           {phase: "{name: p, rate: 600/s, for: 300ms}"},
		"ramp":              {phase: "{name: p, rate: 1/s..900/s, for: 400ms}"},
		"steps":             {phase: "{name: p, steps: [{rate: 500/s, for: 100ms}, {rate: 1/s, for: 50ms}, {rate: 900/s, for: 100ms}]}"},
		"burst":             {phase: "{name: p, burst: 53}"},
		"one request":       {phase: "{name: p, requests: 1}"},
		"requests":          {phase: "{name: p, requests: 31}"},
		"requests of users": {phase: "{name: p, users: 5, requests: 101, think: 1ms..2ms}"},
		"mix":               {phase: "{name: p, rate: 600/s, for: 300ms, mix: {a: 5, b: 2, c: 1, visit: 2}}"},
		"mixed burst":       {phase: "{name: p, burst: 40, mix: {a: 1, b: 2, c: 3, visit: 1}}"},
		"one for each user": {phase: "{name: p, users: 12, requests: 12, think: 1ms, mix: {a: 1, b: 2, c: 3, visit: 1}}"},
		"users for a time":  {phase: "{name: p, users: 4, think: 5ms, for: 200ms}", without: true},
		"users of a mix":    {phase: "{name: p, users: 4, requests: 50, think: 1ms, mix: {a: 1, b: 2, c: 1, visit: 1}}", without: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first *result.Run
			var want []string
			for _, n := range []int{0, 1, 3, 8} {
				p := newPortal(t)
				cfg := withWorkers(p.start(t, head+"phases: ["+tt.phase+"]\n"), n)
				r := drive(t, cfg)
				got := p.asked("/")
				slices.Sort(got)
				if len(r.Workers) != n || len(r.Cells) == 0 {
					t.Fatalf("%d workers, %d cells", len(r.Workers), len(r.Cells))
				}
				if first == nil {
					first, want = r, got
				}
				if tt.without {
					if r.Requests.Arrivals != 0 || !slices.Equal(r.Requests.Without, []string{"p"}) {
						t.Errorf("%d workers: %+v", n, r.Requests)
					}
					continue
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%d workers sent other requests: -want +got\n%s", n, diff)
				}
				if diff := cmp.Diff(first.Requests, r.Requests); diff != "" || r.Requests.Arrivals == 0 {
					t.Errorf("%d workers: -want +got\n%s", n, diff)
				}
				for i, c := range r.Cells {
					if diff := cmp.Diff(first.Cells[i].Ledger, c.Ledger); diff != "" || c.Response.Count != first.Cells[i].Response.Count {
						t.Errorf("%d workers, %s: -want +got\n%s", n, c.Mode, diff)
					}
				}
			}
		})
	}
}

// TestWorkersSplitUsers checks that workers share the users of a closed load, each of whom keeps its rows.
func TestWorkersSplitUsers(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, withWorkers(p.start(t, `why: x
rounds: 1
data: {user: {list: [u0, u1, u2, u3, u4, u5, u6], order: sequential, sticky: true}}
modes: {a: "GET /a/{user}"}
phases: [{name: p, users: 7, think: 10ms, for: 300ms}]
`), 3))
	users := p.asked("/a/")
	slices.Sort(users)
	if users = slices.Compact(users); len(users) != 7 {
		t.Errorf("requests of the users %v, want 7", users)
	}
	var offered int64
	for _, d := range r.Drivers {
		offered += d.Offered
		if d.Offered == 0 || d.Worker == "" {
			t.Errorf("%q offered %d requests", d.Worker, d.Offered)
		}
	}
	if c := r.Cells[0]; len(r.Drivers) != 3 || c.Ledger.Scheduled != offered {
		t.Errorf("%d drivers with %d requests, and %d in the ledger", len(r.Drivers), offered, c.Ledger.Scheduled)
	}
}

// TestWorkersSeeStaleness checks that every read of workers is held against the price changes that the run itself makes.
func TestWorkersSeeStaleness(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, withWorkers(p.start(t, `why: x
rounds: 1
modes: {ttl: GET /api/properties/cached/ttl/}
phases:
  - {name: prime, requests: 1, warmup: true, before: [flush]}
  - {name: p, rate: 200/s, for: 600ms, during: {price_change: 100ms}}
`), 2))
	c := r.Cells[len(r.Cells)-1]
	if c.Stale == nil || c.Stale.Reads != c.Ledger.Completed || c.Stale.Writes < 4 || c.Stale.Stale < c.Stale.Reads/2 || c.Stale.Stale == c.Stale.Reads {
		t.Errorf("stale: %+v of %d requests", c.Stale, c.Ledger.Completed)
	}
}

// count calls a function at the nth request of /a.
func (p *portal) count(n int, call func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/a" {
			if n--; n == 0 {
				call()
			}
		}
		return false
	}
}

// TestWorkersInterrupted checks that the end of a run's context ends its workers, and that what they had done is in the report.
func TestWorkersInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := newPortal(t)
	p.count(20, cancel)
	r, err := run.Run(ctx, withWorkers(p.start(t, "why: x\nmodes: {a: GET /a}\nphases: [{name: p, rate: 100/s, for: 1h}]\n"), 2))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || len(r.Invalid) > 0 || len(r.Cells) != 1 || r.Cells[0].Ledger.Completed < 15 || !r.Cells[0].Ledger.Balanced() {
		t.Errorf("interrupted %t, invalid %v, cells %v", r.Interrupted, r.Invalid, r.Cells)
	}
}

// TestWorkerLost checks that a run whose worker ends is invalid, by its name, and ends soon.
func TestWorkerLost(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	cfg := withWorkers(p.start(t, "why: x\nmodes: {a: GET /a}\nphases: [{name: p, rate: 100/s, for: 1h}]\n"), 3)
	launch := cfg.Workers.Launch
	cfg.Workers.Launch = func(ctx context.Context, i int, addr string) (run.Process, error) {
		h, err := launch(ctx, i, addr)
		if i == 1 {
			p.count(30, h.(*hand).cancel)
		}
		return h, err
	}
	r, err := run.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Invalid) == 0 || !strings.HasPrefix(r.Invalid[0], "worker 1 ") || len(r.Cells) != 1 || r.Cells[0].Ledger.Completed < 15 || !r.Cells[0].Ledger.Balanced() {
		t.Errorf("invalid %v, cells %+v", r.Invalid, r.Cells)
	}
	if want := "phase p, mode a: the figures of worker 1 end at 0 s"; !slices.Contains(r.Warnings, want) {
		t.Errorf("warnings %q, want %q", r.Warnings, want)
	}
	if code := result.ExitCode(r); code != result.ExitInvalid {
		t.Errorf("exit code %d, want %d", code, result.ExitInvalid)
	}
}

// TestWorkersTraceTheSame checks that workers trace together the requests that a run traces by itself, whatever the shape of its open load, and whole sessions.
func TestWorkersTraceTheSame(t *testing.T) {
	t.Parallel()
	const head = `why: x
seed: 11
rounds: 1
data: {id: {uniform: 1..1000000}}
modes:
  a: GET /a/{id}
  visit: {steps: [{name: list, request: "GET /list/{id}"}, {name: one, request: "GET /one/{id}"}]}
`
	for name, tt := range map[string]struct {
		phase           string
		least, greatest int // that are traced
	}{
		"poisson": {"{name: p, rate: 600/s, for: 300ms, mix: {a: 3, visit: 1}, trace: 50/s}", 8, 22},
		"ramp":    {"{name: p, rate: 1/s..900/s, for: 400ms, mix: {a: 3, visit: 1}, trace: 50/s}", 8, 34},
		"burst":   {"{name: p, burst: 53, mix: {a: 1, visit: 1}, trace: 10/s}", 6, 14},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, n := range []int{0, 1, 3, 8} {
				p := newPortal(t)
				var got []string
				p.on = func(_ http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.Header.Get(api.HeaderTraceparent), "-01") {
						got = append(got, r.URL.Path)
					}
					return false
				}
				cfg := withWorkers(p.start(t, head+"phases: ["+tt.phase+"]\n"), n)
				cfg.OTLP = newCollector(t).URL
				drive(t, cfg)
				p.mu.Lock()
				slices.Sort(got)
				p.mu.Unlock()
				if len(got) < tt.least || len(got) > tt.greatest {
					t.Errorf("%d workers trace %d requests, want %d to %d", n, len(got), tt.least, tt.greatest)
				}
				if want == nil {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%d workers trace others: -want +got\n%s", n, diff)
				}
			}
			for _, path := range want {
				if id, of := strings.CutPrefix(path, "/list/"); of && !slices.Contains(want, "/one/"+id) {
					t.Errorf("of the session of %s only the first request is traced", id)
				}
			}
		})
	}
}

// TestWorkersTraceTheSameOfUsers checks that workers trace together, of each user, the arrivals that a run traces by itself: which they are does not depend on when they are sent.
func TestWorkersTraceTheSameOfUsers(t *testing.T) {
	t.Parallel()
	const text = `why: x
seed: 11
rounds: 1
data: {user: {list: [u0, u1, u2, u3, u4, u5, u6], order: sequential, sticky: true}}
modes:
  a: GET /list/{user}
  visit: {steps: [{name: list, request: "GET /list/{user}"}, {name: one, request: "GET /one/{user}"}]}
phases: [{name: p, users: 7, think: 8ms..12ms, for: 400ms, mix: {a: 4, visit: 3}, trace: 4/s}]
`
	var want map[string][]bool // by user: whether each arrival was traced
	for _, n := range []int{0, 1, 3} {
		p := newPortal(t)
		got, visits := map[string][]bool{}, map[string][]bool{}
		p.on = func(_ http.ResponseWriter, r *http.Request) bool {
			traced := strings.HasSuffix(r.Header.Get(api.HeaderTraceparent), "-01")
			if user, ok := strings.CutPrefix(r.URL.Path, "/list/"); ok {
				got[user] = append(got[user], traced)
			} else if user, ok := strings.CutPrefix(r.URL.Path, "/one/"); ok {
				visits[user] = append(visits[user], traced)
			}
			return false
		}
		cfg := withWorkers(p.start(t, text), n)
		cfg.OTLP = newCollector(t).URL
		drive(t, cfg)
		p.mu.Lock()
		traced, all := 0, 0
		for user, list := range got {
			for i, is := range list {
				all++
				if is {
					traced++
				}
				if i < len(visits[user]) && visits[user][i] != is {
					t.Errorf("%d workers, %s: of session %d one request is traced, and another is not", n, user, i)
				}
				if want != nil && i < len(want[user]) && want[user][i] != is {
					t.Errorf("%d workers, %s: arrival %d is traced: %t, want %t", n, user, i, is, want[user][i])
				}
			}
		}
		p.mu.Unlock()
		if len(got) != 7 || len(visits) != 3 || traced == 0 || traced == all {
			t.Errorf("%d workers trace %d of %d arrivals of %d users, %d of them with sessions", n, traced, all, len(got), len(visits))
		}
		if want == nil {
			want = got
		}
	}
}
