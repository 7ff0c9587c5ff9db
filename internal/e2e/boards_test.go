package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/promtest"
	"loadlab/otel/signal"
)

// window is what an expression over time looks back: what $__rate_interval is where a scrape is a second.
const window = 4 * time.Second

// every is what Grafana puts in the place of a variable of which all values are chosen.
func every() string { return "(" + strings.Join(modes(), "|") + ")" }

// nothing says why a panel has no data here; empty if it must have some.
func nothing(q model.Query, native bool) string {
	switch {
	case q.Dashboard == board.UIDTelemetry && q.Panel == "Spans in Jaeger":
		return "there is no Jaeger on this stack"
	case q.Format == "heatmap" && !native:
		return "a heatmap is of native histograms, which this Prometheus does not keep beside classic ones"
	}
	return ""
}

// Every expression of every dashboard has data, whichever form of histograms is kept: over the time of the run, and where it is one figure
// both while the run goes on and when it is over.
func (l *lab) testDashboards(t *testing.T) {
	for _, p := range l.servers() {
		for _, f := range board.All() {
			for _, q := range f.Dashboard.Queries() {
				for _, at := range []time.Time{l.settled, time.Now()} {
					values := board.Values(l.run.ID, steady, every(), naive, window, at.Sub(l.begin))
					empty, why := promtest.Empty(l.ask(t, p, q, values, at)), nothing(q, p == l.native)
					switch {
					case empty && why == "":
						t.Errorf("%s: %s %s has no data at %v: %s", q.Dashboard, q.Panel, q.RefID, at.Sub(l.begin), q.Expr)
					case !empty && why != "":
						t.Errorf("%s: %s %s has data, though %s", q.Dashboard, q.Panel, q.RefID, why)
					}
				}
			}
		}
	}
}

// Each mode has data of its own in each panel of Mode comparison.
func (l *lab) testModes(t *testing.T) {
	for _, p := range l.servers() {
		for _, q := range board.Modes().Queries() {
			for _, mode := range modes() {
				values := board.Values(l.run.ID, steady, mode, naive, window, time.Since(l.begin))
				ofCache := strings.Contains(q.Expr, signal.CacheRequests)
				want := nothing(q, p == l.native) == "" && (!ofCache || slices.Contains([]string{ttl, singleflight}, mode))
				if got := !promtest.Empty(l.ask(t, p, q, values, time.Now())); got != want {
					t.Errorf("%s %s of %s has data: got %t, want %t: %s", q.Panel, q.RefID, mode, got, want, q.Expr)
				}
			}
		}
	}
}

// ask asks as Grafana does: for one figure at a time, or for each second of the run.
func (l *lab) ask(t *testing.T, p *promtest.Server, q model.Query, values map[string]string, at time.Time) []promtest.Series {
	t.Helper()
	expr, missing := model.Expand(q.Expr, values)
	if len(missing) > 0 {
		t.Fatalf("%s: %s %s: no values for %q", q.Dashboard, q.Panel, q.RefID, missing)
	}
	var result []promtest.Series
	var err error
	if q.Instant {
		result, err = p.Query(t.Context(), expr, at)
	} else {
		result, err = p.QueryRange(t.Context(), expr, l.begin, at, time.Second)
	}
	if err != nil {
		t.Fatalf("%s: %s %s: %v", q.Dashboard, q.Panel, q.RefID, err)
	}
	return result
}
