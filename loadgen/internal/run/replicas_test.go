package run_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

const spread = `why: requests are spread over replicas
world: {replicas: 3}
modes: {ttl: GET /api/properties/cached/ttl/}
rounds: 1
phases:
  - {name: prime, requests: 3, warmup: true}
  - {name: three, requests: 12}
  - {name: two,   requests: 12, world: {replicas: 2, balancing: random}}
gates:
  - errors() == 0
  - requests("ttl", "three") == 12 and recomputes("ttl", "three") == 0
`

// over is a run of a scenario that goes to all of these portals.
func over(t *testing.T, text string, portals ...*portal) run.Config {
	t.Helper()
	cfg := portals[0].start(t, text)
	for _, p := range portals[1:] {
		cfg.Stack.Targets, cfg.Stack.Labs = append(cfg.Stack.Targets, p.api.URL), append(cfg.Stack.Labs, p.lab.URL)
	}
	return cfg
}

// Requests go to the replicas of their phase in turn or at random, each cell has what became of them at each, and the counters of the whole are the
// sums.
func TestReplicas(t *testing.T) {
	t.Parallel()
	r := drive(t, over(t, spread, newPortal(t), newPortal(t), newPortal(t)))
	if code := result.ExitCode(r); code != result.ExitPass {
		t.Fatalf("exit code %d: %v %+v", code, r.Invalid, r.Gates)
	}
	if p := r.Phases[2]; r.Stack.Replicas != 3 || p.Replicas != 2 || p.Balancing != string(balance.Random) || p.Load != "12 requests, 2 replicas random" {
		t.Errorf("the stack has %d replicas, and the phase is %+v", r.Stack.Replicas, p)
	}
	for _, c := range r.Cells {
		var requests []int64
		var counted int64
		for _, x := range c.Replicas {
			requests, counted = append(requests, x.Requests), counted+x.Counters[api.CountRequests]
			if x.Requests != x.Counters[api.CountRequests] || x.Failed != 0 || x.Out != 0 {
				t.Errorf("%s: replica %+v", c.Phase, x)
			}
		}
		switch n := c.Server.Counters[api.CountRequests]; {
		case n != c.Ledger.Scheduled || counted != n:
			t.Errorf("%s: %d requests, the app counted %d, its replicas %d", c.Phase, c.Ledger.Scheduled, n, counted)
		case c.Phase == "three" && !slices.Equal(requests, []int64{4, 4, 4}):
			t.Errorf("in turn the replicas got %d", requests)
		case c.Phase == "two" && (len(requests) != 2 || min(requests[0], requests[1]) == 0):
			t.Errorf("at random the two replicas got %d", requests)
		}
	}
}

// A replica that says that it is not ready gets nothing more, and the run has how long it was out of service.
func TestAReplicaThatIsNotReady(t *testing.T) {
	t.Parallel()
	portals := []*portal{newPortal(t), newPortal(t)}
	var asked atomic.Int64
	portals[1].on = func(w http.ResponseWriter, r *http.Request) bool {
		// It drains when it has been asked twice, which is after the phase has begun.
		if r.URL.Path == api.PathReadyz && asked.Add(1) > 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	r := drive(t, over(t, `why: one of two drains
world: {replicas: 2}
modes: {live: GET /api/properties/live/optimized/}
rounds: 1
phases:
  - {name: p, rate: 100/s, for: 1s}
gates:
  - errors() == 0
`, portals...))
	if code := result.ExitCode(r); code != result.ExitPass {
		t.Fatalf("exit code %d: %v %+v", code, r.Invalid, r.Gates)
	}
	all := r.Cells[0].Replicas
	if all[0].Out != 0 || all[1].Out <= 0 || all[1].Out >= r.Cells[0].Took || all[1].Requests == 0 || all[0].Requests <= all[1].Requests {
		t.Errorf("got %+v, want that the second replica went after some requests", all)
	}
}

// More replicas than there are addresses of a service that runs already are refused, at the line that asks for them.
func TestMoreReplicasThanTargets(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	_, err := run.Run(t.Context(), p.start(t, spread))
	if !errors.As(err, new(run.UsageError)) || !strings.Contains(err.Error(), ":2:1: 3 replicas take as many addresses of a service that runs already, and there is 1: give --target") {
		t.Errorf("got %v", err)
	}
	if seen := p.seen(); len(seen) > 0 {
		t.Errorf("the target saw %v", seen)
	}
}
