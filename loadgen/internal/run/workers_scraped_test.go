package run_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"loadlab/otel/signal"
)

// TestWorkersAreScraped checks that what a Prometheus gets of a run's bytes and connections is the same whoever sends the load, in phases with faults and without.
func TestWorkersAreScraped(t *testing.T) {
	t.Parallel()
	const body = `{"price": "450000.00"}`
	var alone map[string]float64
	for _, n := range []int{0, 1, 3} {
		p := newPortal(t)
		service := httptest.NewUnstartedServer(http.HandlerFunc(p.page))
		service.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of the connection by which the run asks whether there is a service
		service.StartTLS()
		t.Cleanup(service.Close)
		cfg := withWorkers(p.start(t, `why: x
rounds: 1
modes:
  read:  {request: GET /api/properties/live/naive/, headers: {Connection: close}}
  write: {request: PATCH /api/properties/7/, headers: {Connection: close}, body: '`+body+`'}
phases:
  - {name: calm,   requests: 12}
  - {name: struck, rate: 60/s, arrivals: constant, for: 300ms, faults: [{at: 100ms, redis: flush}]}
`), n)
		cfg.Stack.Targets, cfg.Client.Insecure, cfg.MetricsAddr = []string{service.URL}, true, "127.0.0.1:0"
		last := make(chan string, 1)
		cfg.Stack.Log = logged(func(line string) {
			if _, url, ok := strings.Cut(strings.TrimSpace(line), "metrics are at "); ok {
				go func() { last <- scrapeUntilItEnds(url) }()
			}
		})
		r := drive(t, cfg)
		if len(r.Invalid) > 0 || len(r.Workers) != n {
			t.Fatalf("%d workers, invalid %q", len(r.Workers), r.Invalid)
		}
		got := transferred(t, <-last)
		for _, c := range r.Cells {
			of := c.Mode + " in " + c.Phase + ": "
			sent := 0.0
			if c.Mode == "write" {
				sent = float64(c.Ledger.Completed) * float64(len(body))
			}
			for name, want := range map[string]float64{
				signal.LoadConnect: float64(c.Ledger.Completed), signal.LoadTLS: float64(c.Ledger.Completed), signal.LoadSent: sent, signal.LoadCompleted: float64(c.Ledger.Scheduled),
			} {
				if got[of+name] != want {
					t.Errorf("%d workers, %s%s: got %v, want %v", n, of, name, got[of+name], want)
				}
			}
			if got[of+signal.LoadReceived] == 0 || len(c.Faults) != map[string]int{"calm": 0, "struck": 1}[c.Phase] {
				t.Errorf("%d workers, %s%v bytes received, %d faults", n, of, got[of+signal.LoadReceived], len(c.Faults))
			}
		}
		if alone == nil {
			alone = got
		}
		if diff := cmp.Diff(alone, got); diff != "" {
			t.Errorf("%d workers: -a run by itself +workers\n%s", n, diff)
		}
	}
}

// transferred is what was scraped of bytes and connections, and of how many requests, by mode and phase. Of durations it is how many there were.
func transferred(t *testing.T, scraped string) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scraped))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, name := range []string{signal.LoadConnect, signal.LoadTLS, signal.LoadSent, signal.LoadReceived, signal.LoadCompleted} {
		for _, m := range families[name].GetMetric() {
			var mode, phase string
			for _, l := range m.GetLabel() {
				switch l.GetName() {
				case signal.LabelMode:
					mode = l.GetValue()
				case signal.LabelPhase:
					phase = l.GetValue()
				}
			}
			all[mode+" in "+phase+": "+name] += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}
