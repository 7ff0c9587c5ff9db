package run_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/otel/signal"
)

// Wherever an interrupt comes, the run ends soon with a report of what there is, and nothing is judged.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const scenario = `why: x
modes: {a: GET /api/properties/cached/ttl/, b: GET /api/properties/live/naive/}
rounds: 2
phases:
  - {name: first,  requests: 2}
  - {name: second, %, timeout: 300ms}
  - {name: third,  requests: 2}
gates: [errors() == 0]
`
	// The run is interrupted at the nth request of either port for which when holds.
	for name, tt := range map[string]struct {
		second string
		when   func(r *http.Request) bool
		nth    int
		cells  int
	}{
		"open phase":            {"rate: 50/s, for: 1h", isAPI, 5, 2},
		"closed phase":          {"users: 2, think: 1ms..5ms, for: 1h", isAPI, 5, 2},
		"users who think long":  {"users: 2, think: 1h, for: 2h", isAPI, 3, 2},
		"many requests":         {"users: 2, requests: 100000", isAPI, 50, 2},
		"first phase":           {"requests: 1", isAPI, 1, 1},
		"prices change":         {"rate: 50/s, for: 1h, during: {price_change: 10ms}", isPatch, 2, 2},
		"while it waits":        {"requests: 1, before: [flush, {wait: 1h}]", isFlush, 1, 1},
		"last phase of a block": {"requests: 1", isAPI, 5, 3},
		"the very last phase":   {"requests: 1", isAPI, 4 * 5, 4 * 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := newPortal(t)
			n := 0
			p.on = func(_ http.ResponseWriter, r *http.Request) bool {
				if tt.when(r) {
					if n++; n == tt.nth {
						cancel()
					}
				}
				return false
			}
			cfg := p.start(t, strings.Replace(scenario, "%", tt.second, 1))
			r := driveUntil(ctx, t, cfg)
			if !r.Interrupted || len(r.Invalid) > 0 || result.ExitCode(r) != result.ExitInterrupted {
				t.Errorf("interrupted: %t, invalid: %q, exit code %d", r.Interrupted, r.Invalid, result.ExitCode(r))
			}
			if len(r.Cells) != tt.cells {
				t.Errorf("%d cells, want %d", len(r.Cells), tt.cells)
			}
			if g := r.Gates[0]; g.Verdict != result.NotJudged || g.Reason != "the run was interrupted" {
				t.Errorf("gate %+v", g)
			}
			if last := r.Cells[len(r.Cells)-1]; last.Ledger.Scheduled == 0 || last.Server.Counters == nil {
				t.Errorf("the last cell is without requests, or counters: %+v", last)
			}
		})
	}
}

// Whoever scrapes a run that is interrupted gets its verdict.
func TestInterruptedIsScraped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newPortal(t)
	n := 0
	p.on = func(_ http.ResponseWriter, r *http.Request) bool {
		if isAPI(r) {
			if n++; n == 3 {
				cancel()
			}
		}
		return false
	}
	cfg := p.start(t, "why: x\nmodes: {a: GET /api/properties/live/naive/}\nphases: [{name: p, rate: 50/s, for: 1h}]\n")
	cfg.MetricsAddr = "127.0.0.1:0"
	last := make(chan string, 1)
	cfg.Stack.Log = logged(func(line string) {
		if _, url, ok := strings.Cut(strings.TrimSpace(line), "metrics are at "); ok {
			go func() { last <- scrapeUntilItEnds(url) }()
		}
	})
	r := driveUntil(ctx, t, cfg)
	if want := signal.LoadVerdict + "{"; !r.Interrupted || !strings.Contains(<-last, want) {
		t.Errorf("interrupted: %t, or no scrape has %s", r.Interrupted, want)
	}
}

// logged gets what is written to a log.
type logged func(line string)

func (l logged) Write(b []byte) (int, error) {
	l(string(b))
	return len(b), nil
}

// scrapeUntilItEnds returns the last that was scraped.
func scrapeUntilItEnds(url string) (last string) {
	for {
		resp, err := http.Get(url) //nolint:noctx // it ends with the server
		if err != nil {
			return last
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil {
			last = string(body)
		}
	}
}

func isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, api.PathProperties) && r.Method == http.MethodGet
}
func isPatch(r *http.Request) bool { return r.Method == http.MethodPatch }
func isFlush(r *http.Request) bool { return r.URL.Path == api.PathLabFlush }
