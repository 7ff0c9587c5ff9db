package promql_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/promql/parser"

	"loadlab/dashboards/promql"
	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
)

// took has 10 observations of 20 ms in mode slow and 10 of 2 ms in mode fast with every scrape; failed counts the slow ones.
var (
	took   = promql.Metric{Name: "took_seconds", Match: `mode=~"slow|fast"`, Window: "4s"}
	each   = took.In(promql.Step)
	failed = promql.Metric{Name: "failed_total", Window: "4s"}
)

// expressions with what they should say of the slow and of the fast mode, each within bounds: wide ones for what depends on how regular
// the scrapes are, on a machine that does other work too.
var expressions = []struct {
	name, expr string
	slow, fast [2]float64
}{
	{"quantile", promql.Quantile("0.5", took, "mode"), [2]float64{.018, .022}, [2]float64{.0018, .0022}},
	{"greatest", promql.Quantile("1", took, "mode"), [2]float64{.018, .022}, [2]float64{.0018, .0022}},
	{"mean", promql.Mean(took, "mode"), [2]float64{.02, .02}, [2]float64{.002, .002}},
	{"total", promql.Total(took, "mode"), [2]float64{.02, .3}, [2]float64{.002, .03}},
	{"count", promql.Count(took, "mode"), [2]float64{1, 15}, [2]float64{1, 15}},
	{"quantile of a step", promql.Quantile("0.5", each, "mode"), [2]float64{.018, .022}, [2]float64{.0018, .0022}},
	{"mean of a step", promql.Mean(each, "mode"), [2]float64{.02, .02}, [2]float64{.002, .002}},
	{"count of a step", promql.Count(each, "mode"), [2]float64{10, 60}, [2]float64{10, 60}}, // whole scrapes; a busy machine makes up for late ones
	{"or zero", promql.OrZero(promql.Rate(failed, "mode"), promql.Count(took, "mode")), [2]float64{1, 15}, [2]float64{0, 0}},
	{"each", promql.OrZero(promql.Each(failed, "mode"), promql.Count(took, "mode")), [2]float64{10, 60}, [2]float64{0, 0}},
	{"increase", promql.OrZero(promql.Increase(failed, "mode"), promql.Count(took, "mode")), [2]float64{4, 60}, [2]float64{0, 0}},
	{
		"precedence", promql.Div(promql.OrZero(promql.Rate(failed, "mode"), promql.Count(took, "mode")), promql.Count(took, "mode")),
		[2]float64{1, 1}, [2]float64{0, 0},
	},
}

// inSeconds is an expression whose steps are of one second, as a graph's of a run are.
func inSeconds(expr string) string { return strings.ReplaceAll(expr, promql.Step, "1s") }

// Each expression has the same value whichever form of the histogram is kept. The classic buckets are made as narrow as the native ones, so
// that one set of bounds does for both.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		t.Run(map[bool]string{false: "classic", true: "native"}[native], func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			p, err := promtest.Start(ctx, promtest.Options{
				Config: "../../otel/prometheus/prometheus.yml", Native: native, Targets: map[string][]string{"app": {target(t)}},
			})
			testkit.Need(t, err, localserver.ErrMissing)
			t.Cleanup(func() { _ = p.Stop() })
			at := scraped(ctx, t, p)
			for _, e := range expressions {
				if e.name == "quantile of a step" && native && !p.Version.KeepsBoth() {
					continue // it does not subtract histograms
				}
				got, err := p.Query(ctx, inSeconds(e.expr), at)
				if err != nil || len(got) != 2 {
					t.Errorf("%s: got %v, %v; want two modes", e.name, got, err)
					continue
				}
				for _, s := range got {
					want := map[string][2]float64{"slow": e.slow, "fast": e.fast}[s.Labels["mode"]]
					if v := s.Points[0].Value; v < want[0]*(1-1e-9) || v > want[1]*(1+1e-9) {
						t.Errorf("%s: mode %s: got %g, want %g to %g: %s", e.name, s.Labels["mode"], v, want[0], want[1], e.expr)
					}
				}
			}
			if !native {
				got, err := p.Query(ctx, inSeconds(promql.Growth(took)), at)
				if err != nil || len(got) != 5 || got[0].Labels["le"] == "" {
					t.Errorf("growth: got %+v, %v; want a series for each of five bounds", got, err)
				}
			}
			for name, expr := range map[string]string{
				"divided by nothing":  promql.Div(promql.Rate(failed), "(0 * "+promql.Rate(failed)+")"),
				"quantile of nothing": promql.Quantile("0.5", promql.Metric{Name: "idle_seconds", Window: "4s"}),
			} {
				if got, err := p.Query(ctx, expr, at); err != nil || len(got) != 0 {
					t.Errorf("%s: got %+v, %v; want no series", name, got, err)
				}
			}
			none := promql.OrNone(promql.Rate(promql.Metric{Name: "missing_total", Window: "4s"}, "kind"), "kind")
			got, err := p.Query(ctx, none, at)
			if err != nil || len(got) != 1 || got[0].Labels["kind"] != "none" || got[0].Points[0].Value != 0 {
				t.Errorf("or none: got %+v, %v; want one zero of kind none", got, err)
			}
			some, err := p.Query(ctx, promql.OrNone(promql.Rate(failed, "mode"), "mode"), at)
			if err != nil || len(some) != 1 || some[0].Labels["mode"] != "slow" {
				t.Errorf("or none, of some: got %+v, %v; want the slow mode alone", some, err)
			}
			nothing, err := p.Query(ctx, promql.OrNothing(promql.Rate(promql.Metric{Name: "missing_total", Window: "4s"})), at)
			if err != nil || len(nothing) != 1 || nothing[0].Points[0].Value != 0 {
				t.Errorf("or nothing: got %+v, %v; want 0", nothing, err)
			}
		})
	}
}

// scraped returns the time of a scrape that fills the window of the expressions.
func scraped(ctx context.Context, t *testing.T, p *promtest.Server) time.Time {
	t.Helper()
	got, err := p.Await(ctx, `timestamp(up{job="app"}) and count_over_time(up[1m]) >= 6`)
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(int64(got[0].Points[0].Value * 1000))
}

func target(t *testing.T) string {
	t.Helper()
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "took_seconds", Buckets: []float64{.0019, .0021, .019, .021}, NativeHistogramBucketFactor: 1.1,
	}, []string{"mode"})
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "failed_total"}, []string{"mode"})
	idle := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "idle_seconds", NativeHistogramBucketFactor: 1.1})
	reg := prometheus.NewRegistry()
	reg.MustRegister(h, c, idle)
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			h.WithLabelValues("slow").Observe(.02)
			h.WithLabelValues("fast").Observe(.002)
			c.WithLabelValues("slow").Inc()
		}
		metrics.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// Every expression can be an operand: put into a larger one it still means the same.
func TestOperands(t *testing.T) {
	t.Parallel()
	p := parser.NewParser(parser.Options{})
	for _, e := range expressions {
		alone, err := p.ParseExpr(inSeconds(e.expr))
		if err != nil {
			t.Errorf("%s: %v: %s", e.name, err, e.expr)
			continue
		}
		within, err := p.ParseExpr(inSeconds("2 * " + e.expr))
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		product, ok := within.(*parser.BinaryExpr)
		if !ok || product.Op != parser.MUL || product.RHS.String() != alone.String() {
			t.Errorf("%s: got %s, want 2 times %s", e.name, within, alone)
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	m := promql.Metric{Name: "x"}
	for _, test := range []struct{ got, want string }{
		{m.Select(), "x"},
		{m.Where(`a="1"`).Select(), `x{a="1"}`},
		{m.Where(`a="1"`).Where(`b="2"`).Select(), `x{a="1", b="2"}`},
		{promql.Rate(m), "sum(rate(x[$__rate_interval]))"},
		{promql.Rate(m.In(promql.InRange), "a", "b"), "sum by (a, b) (rate(x[$__range]))"},
		{promql.Max(m.Select(), "a"), "max by (a) (x)"},
		{promql.Last(m, "a"), "max by (a) (last_over_time(x[$__range]))"},
		{promql.Each(m, "a"), "sum by (a) (clamp_min(x - x offset $__interval, 0))"},
		{promql.ClassicQuantile(.99, m, "a"), "(histogram_quantile(0.99, sum by (a, le) (rate(x_bucket[$__rate_interval]))) >= 0)"},
	} {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}
