package e2e_test

import (
	"regexp"
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
func nothing(q model.Query, p *promtest.Server, native bool) string {
	ofSteps := strings.Contains(q.Expr, "histogram_quantile") && strings.Contains(q.Expr, "offset")
	classic := regexp.MustCompile(`_(bucket|count)\b`).MatchString(q.Expr) && !strings.Contains(q.Expr, " or ")
	switch {
	case q.Dashboard == board.UIDAB && !strings.HasPrefix(q.Panel, "annotation"):
		return "it is no A/B test"
	case q.Dashboard == board.UIDTelemetry && q.Panel == "Spans in Jaeger":
		return "there is no Jaeger on this stack"
	case strings.Contains(q.Expr, "inside|outside)\"") && q.Panel == "Inside and outside of faults" || q.Panel == "What faults did" || q.Panel == "annotation Faults":
		return "there is no fault in the run"
	case strings.Contains(q.Expr, `"stale_max"`):
		return "no price changes in the run"
	case q.Dashboard == board.UIDModes && q.Panel == "Gates of the run":
		return "the scenario has no gates"
	case strings.Contains(q.Expr, signal.LoadFigureRatio):
		return "a run of one round has no intervals, and no ratio is without one"
	case strings.Contains(q.Expr, signal.LoadTLS):
		return "the target is without TLS"
	case strings.Contains(q.Expr, `"db_cpu"`):
		return "SQLite is in the app's process"
	case native && q.Dashboard != board.UIDRuntime && !p.Version.KeepsBoth() && (classic || ofSteps):
		return "it keeps no classic histograms, and does not subtract native ones"
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
					if at.Equal(l.settled) && q.Panel == "Verdict" {
						continue // it is not judged yet
					}
					if strings.Contains(q.Expr, signal.LoadWaited) || strings.Contains(q.Expr, `"page_memory"`) {
						continue // whether anybody waits in this phase, and a page outlives it, is chance: see TestReportInPrometheus
					}
					values := board.Values(l.run.ID, steady, every(), naive, window, at.Sub(l.begin))
					result := l.ask(t, p, q, values, at)
					if promtest.HasNaN(result) {
						t.Errorf("%s: %s %s has NaN, which is the mean of every legend: %s", q.Dashboard, q.Panel, q.RefID, q.Expr)
					}
					empty, why := promtest.Empty(result), nothing(q, p, p == l.native)
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

// ask asks as Grafana does: for one figure at a time, or for each second of the run.
func (l *lab) ask(t *testing.T, p *promtest.Server, q model.Query, values map[string]string, at time.Time) []promtest.Series {
	t.Helper()
	expr, missing := model.Expand(q.Expr, values)
	if len(missing) > 0 {
		t.Fatalf("%s: %s %s: no values for %q", q.Dashboard, q.Panel, q.RefID, missing)
	}
	result, err := p.Show(t.Context(), expr, q.Instant, l.begin, at)
	if err != nil {
		t.Fatalf("%s: %s %s: %v", q.Dashboard, q.Panel, q.RefID, err)
	}
	return result
}
