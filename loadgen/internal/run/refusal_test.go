package run_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

// What cannot be run on this target is refused before its first request.
func TestRefused(t *testing.T) {
	scenario := func(phase string) string {
		return "name: mine\nwhy: x\nmodes: {a: GET /a}\nphases: [{name: p, requests: 1}, {name: q, rate: 1/s, for: 2s, " + phase + "}]\n"
	}
	for _, tt := range []struct{ name, yaml, want string }{
		{"flush", scenario("before: [{wait: 1ms}, flush]"), "mine does flush, which takes the app's lab controls: say where they are with --lab URL"},
		{"expire", scenario("during: {expire: 1s}"), "mine does expire, "},
		{"price change before", scenario("before: [price_change]"), "mine does price_change, "},
		{"price change during", scenario("during: {price_change: 1s}"), "mine does price_change, "},
		{"settings of a phase", scenario("app: {ttl: 2s, beta: 2}"), "phase q of mine sets the app's beta, ttl, which takes the app's lab controls: say where they are with --lab URL"},
		{"a distance that changes", scenario("world: {redis: {rtt: 1ms}}"), "a distance that is not that of the phase before takes links"},
		{"a body that HEAD has not", "why: x\nmodes: {a: {request: HEAD /, check: {min_bytes: 1}}}\nphases: [{name: p, requests: 1}]\n", "mode a: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPortal(t)
			cfg := p.start(t, tt.yaml)
			cfg.Stack.Labs = nil
			r, err := run.Run(t.Context(), cfg)
			if r != nil || !errors.As(err, new(run.UsageError)) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, %v, want a usage error of one line with %q", r, err, tt.want)
			}
			if seen := p.seen(); len(seen) > 0 {
				t.Errorf("the target saw %v", seen)
			}
		})
	}
}

// A scenario's checks of a body are all made: a response that fails one is an error.
func TestChecks(t *testing.T) {
	t.Parallel()
	for check, want := range map[string]string{
		"{count: 1000000, next: null, results.0.price: '450000.00', results.0.id: 7}": "",
		"{count: 1000001, results.0.id: 7}":                                           "check",
		"{results.0.id: 8, count: 1000000}":                                           "check",
		"{next: '', count: 1000000}":                                                  "check",
		"{results.0.nothing: 1}":                                                      "check",
	} {
		p := newPortal(t)
		r := drive(t, p.start(t, "why: x\nmodes:\n  a: {request: GET /api/properties/live/naive/, check: {min_bytes: 20, json: "+check+
			"}, headers: {X-Who: me}}\nrounds: 1\nphases: [{name: p, requests: 2}]\n"))
		l := r.Cells[0].Ledger
		if want == "" && l.Completed != 2 || want != "" && l.Failed[want] != 2 {
			t.Errorf("%s: ledger %+v, want 2 %s", check, l, want)
		}
	}
}

// aroundTheLoad asks the app for something before, during and after a load.
const aroundTheLoad = `why: x
modes: {a: GET /a}
rounds: 1
phases:
  - {name: first,  requests: 3}
  - {name: second, rate: 100/s, for: 300ms, during: {price_change: 20ms}, before: [flush]}
  - {name: third,  requests: 3}
gates: [errors() == 0]
`

// The app's own refusals and failures around the load make the run invalid, and keep what was measured.
func TestALabThatFails(t *testing.T) {
	t.Parallel()
	fail := func(method, path string, from int) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			if from--; from > 0 {
				return false
			}
			http.Error(w, "out of order", http.StatusInternalServerError)
			return true
		}
	}
	for name, tt := range map[string]struct {
		on    func(w http.ResponseWriter, r *http.Request) bool
		want  string
		cells int
	}{
		"flush":           {fail("POST", api.PathLabFlush, 1), "flush, before phase second: POST ", 1},
		"price change":    {fail("PATCH", "/", 1), "during phase second: change a price: PATCH ", 2},
		"counters before": {fail("GET", api.PathLabCounters, 3), "read the app's counters: GET ", 1},
		"counters after":  {fail("GET", api.PathLabCounters, 4), "read the app's counters: GET ", 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.on = tt.on
			r := drive(t, p.start(t, aroundTheLoad))
			if len(r.Invalid) != 1 || !strings.HasPrefix(r.Invalid[0], tt.want) || !strings.HasSuffix(r.Invalid[0], "500 Internal Server Error: out of order") {
				t.Errorf("invalid because of %q, want %q", r.Invalid, tt.want)
			}
			if len(r.Cells) != tt.cells || result.ExitCode(r) != result.ExitInvalid || r.Gates[0].Verdict != result.NotJudged {
				t.Errorf("%d cells, exit code %d, gates %+v; want %d, 4, not judged", len(r.Cells), result.ExitCode(r), r.Gates, tt.cells)
			}
		})
	}
}

// What fails before the load leaves nothing to report.
func TestALabThatFailsBeforeTheLoad(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		api.PathLabBuildInfo: "ask the app what it is: ",
		api.PathLabConfig:    "configure the app: ",
		api.PathLabStrategy:  "ask the app for its strategies: ",
		api.PathLive:         "look for a property whose price can be changed: ",
	} {
		p := newPortal(t)
		n := 0
		p.on = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, path) {
				n++
				if path != api.PathLabBuildInfo || n > 1 { // the first is the stack's own
					http.Error(w, "out of order", http.StatusInternalServerError)
					return true
				}
			}
			return false
		}
		if r, err := run.Run(t.Context(), p.start(t, aroundTheLoad)); r != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want an error: %s", path, r, err, want)
		}
	}
}

// Nobody at the target: one line, and no report.
func TestNobodyThere(t *testing.T) {
	p := newPortal(t)
	cfg := p.start(t, laboratory)
	p.api.Close()
	r, err := run.Run(t.Context(), cfg)
	if r != nil || err == nil || !strings.Contains(err.Error(), "does not answer") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run.Run(ctx, newPortal(t).start(t, laboratory)); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted before it began: %v", err)
	}
}

// A password in the target's address goes to the target, and not into the report.
func TestPassword(t *testing.T) {
	p := newPortal(t)
	var user, password string
	p.on = func(_ http.ResponseWriter, r *http.Request) bool {
		user, password, _ = r.BasicAuth()
		return false
	}
	cfg := p.start(t, "why: x\nmodes: {a: GET /a}\nrounds: 1\nphases: [{name: p, requests: 1}]\n")
	cfg.Stack.Targets, cfg.Stack.Labs = []string{strings.Replace(p.api.URL, "//", "//me:secret@", 1)}, nil
	r := drive(t, cfg)
	if user != "me" || password != "secret" || strings.Contains(r.Stack.Target, "secret") || !strings.Contains(r.Stack.Target, "me:xxxxx@") {
		t.Errorf("the target got %s and %s, the report has %s", user, password, r.Stack.Target)
	}
}
