package run_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/world/link"
)

// TestWorkersAreCutOff checks that a worker whose wire breaks goes on sending meanwhile, and that the run is then what it would have been: to the service, in the ledger, and by the hash of the
// requests. The wire is whole again only when the service has had more requests than others would have sent.
func TestWorkersAreCutOff(t *testing.T) {
	t.Parallel()
	const text = `why: x
seed: 11
rounds: 1
data: {page: {zipf: 0.9, of: 500}}
modes: {a: "GET /a/{page}", b: "GET /b/{page}"}
phases: [{name: p, rate: 100/s, for: 2s, mix: {a: 2, b: 1}}, {name: q, rate: 100/s, for: 500ms, mix: {a: 1, b: 1}}]
`
	whole := newPortal(t)
	want := drive(t, whole.start(t, text))
	asked := whole.asked("/")
	slices.Sort(asked)
	var inFirst int
	for _, c := range want.Cells {
		if c.Phase == "p" {
			inFirst += int(c.Ledger.Scheduled)
		}
	}
	more := 5 + (inFirst-30)*2/3 // than the other two workers have
	for name, tt := range map[string]struct {
		fault     string
		silence   time.Duration
		at, whole int // the requests at which the wire breaks, and is whole again
	}{
		"during a phase":        {"refuse", 0, 30, 30 + more},
		"at the end of a phase": {"cut", 0, inFirst - 3, inFirst - 3},
		"without a word":        {"half-open", 2 * time.Second, 30, 30 + more},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			cfg := p.start(t, text)
			cfg.Workers.Limits.Silence = tt.silence
			cfg = withWorkers(cfg, 3)
			var wire *link.Link
			launch := cfg.Workers.Launch
			cfg.Workers.Launch = func(ctx context.Context, i int, addr string) (run.Process, error) {
				if i != 1 {
					return launch(ctx, i, addr)
				}
				wire = newLink(t, addr)
				return launch(ctx, i, wire.Addr().Address)
			}
			breaks, heals := make(chan bool, 1), make(chan bool, 1)
			seen := 0
			p.on = func(http.ResponseWriter, *http.Request) bool {
				if seen++; seen == tt.at {
					breaks <- true
				}
				if seen == tt.whole {
					heals <- true
				}
				return false
			}
			broke := make(chan error, 1)
			go func() {
				<-breaks
				_, err := wire.Begin(t.Context(), link.Fault{Kind: tt.fault})
				<-heals
				_, eerr := wire.End(t.Context())
				broke <- errors.Join(err, eerr)
			}()
			r := drive(t, cfg)
			if err := <-broke; err != nil {
				t.Fatal(err)
			}
			got := p.asked("/")
			slices.Sort(got)
			if diff := cmp.Diff(asked, got); diff != "" {
				t.Errorf("other requests: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(want.Requests, r.Requests); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for i, c := range r.Cells {
				if diff := cmp.Diff(want.Cells[i].Ledger, c.Ledger); diff != "" || c.Response.Count != want.Cells[i].Response.Count {
					t.Errorf("%s, %s: -want +got\n%s", c.Phase, c.Mode, diff)
				}
			}
			for _, w := range r.Workers {
				if (w.Cuts > 0) != (w.Index == 1) || (w.CutMax > 0) != (w.Cuts > 0) {
					t.Errorf("worker %d was cut off %d times, %s at most", w.Index, w.Cuts, w.CutMax)
				}
			}
		})
	}
}

// newLink forwards to an address until the test ends.
func newLink(t *testing.T, to string) *link.Link {
	l, err := link.Listen(t.Context(), link.Config{Listen: link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, To: link.Addr{Network: "tcp", Address: to}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l
}
