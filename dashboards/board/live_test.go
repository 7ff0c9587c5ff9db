package board_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/uptrace/bun/driver/sqliteshim"

	"loadlab/app/api"
	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/browsertest"
	"loadlab/internal/grafanatest"
	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// Every expression of every dashboard has a number when a real Prometheus is asked, whichever form of histograms it keeps. The targets
// expose the lab's metrics with made-up values: that joins have something to join is what this is about.
func TestExpressionsHaveData(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		t.Run(map[bool]string{false: "classic", true: "native"}[native], func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			p, err := promtest.Start(ctx, promtest.Options{
				Config: "../../otel/prometheus/prometheus.yml", Native: native,
				Targets: map[string][]string{"app": {appTarget(t)}, "loadgen": {loadTarget(t)}, "jaeger": {jaegerTarget(t)}, "prometheus": nil},
			})
			testkit.Need(t, err, localserver.ErrMissing)
			t.Cleanup(func() { _ = p.Stop() })
			scraped(ctx, t, p, 8)
			for _, f := range board.All() {
				for _, q := range f.Dashboard.Queries() {
					ofSteps := strings.Contains(q.Expr, "histogram_quantile") && strings.Contains(q.Expr, "offset")
					classic := regexp.MustCompile(`_(bucket|count)\b`).MatchString(q.Expr) && !strings.Contains(q.Expr, " or ")
					if native && !p.Version.KeepsBoth() && (classic || ofSteps) {
						continue // there are no classic histograms, and it does not subtract native ones
					}
					ask(ctx, t, p, q, values())
				}
			}
			if !native {
				t.Run("drawn", func(t *testing.T) { draw(t, p) })
			}
		})
	}
}

// draw draws each dashboard by each version of Grafana's parts.
func draw(t *testing.T, p *promtest.Server) {
	t.Helper()
	versions := grafanatest.Versions(t)
	to := time.Now()
	from := to.Add(-8 * time.Second)
	for _, f := range board.All() {
		asked := grafanatest.Ask(f.Dashboard, func(q model.Target) []promtest.Series {
			expr, _ := model.Expand(q.Expr, values())
			result, err := p.Show(t.Context(), expr, q.Instant, from, to)
			if err != nil {
				t.Fatal(err)
			}
			return result
		})
		t.Run(f.Dashboard.UID, func(t *testing.T) {
			browser := browsertest.Start(t)
			for _, v := range versions {
				panels, page := v.Draw(t, browser, grafanatest.Dashboard{Asked: asked, Variables: values(), From: from, To: to, Width: 1400})
				page.Keep(f.Dashboard.UID + " " + v.Name)
				for _, panel := range panels {
					panel.Check(t)
				}
			}
		})
	}
}

func ask(ctx context.Context, t *testing.T, p *promtest.Server, q model.Query, values map[string]string) {
	t.Helper()
	expr, _ := model.Expand(q.Expr, values)
	now := time.Now()
	result, err := p.Show(ctx, expr, q.Instant, now.Add(-8*time.Second), now) // a busy machine scrapes late
	if err != nil {
		t.Errorf("%s: %s %s: %v", q.Dashboard, q.Panel, q.RefID, err)
		return
	}
	if promtest.Empty(result) {
		t.Errorf("%s: %s %s has no data: %s", q.Dashboard, q.Panel, q.RefID, expr)
	}
}

// scraped waits until every target has been scraped a number of times.
func scraped(ctx context.Context, t *testing.T, p *promtest.Server, times int) {
	t.Helper()
	if err := p.AwaitUp(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Await(ctx, fmt.Sprintf("min(sum_over_time(up[1m])) >= %d", times)); err != nil {
		t.Fatal(err)
	}
}

// exposition makes series of made-up values that move with every scrape.
type exposition struct {
	reg   prometheus.Registerer
	moves []func()
}

type series = prometheus.Labels

func (e *exposition) histogram(name string, buckets []float64, value float64, each ...series) {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Buckets: buckets,
		NativeHistogramBucketFactor: signal.NativeBucketFactor, NativeHistogramMaxBucketNumber: signal.NativeMaxBuckets,
	}, names(each))
	e.reg.MustRegister(v)
	for _, l := range each {
		e.moves = append(e.moves, func() { v.With(l).Observe(value) })
	}
}

func (e *exposition) counter(name string, each ...series) {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, names(each))
	e.reg.MustRegister(v)
	for _, l := range each {
		e.moves = append(e.moves, v.With(l).Inc)
	}
}

func (e *exposition) gauge(name string, each ...series) {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name}, names(each))
	e.reg.MustRegister(v)
	for _, l := range each {
		v.With(l).Set(1)
	}
}

func names(each []series) []string {
	var all []string
	for name := range each[0] {
		all = append(all, name)
	}
	return all
}

// serve serves metrics and returns the address. It moves the values before every scrape.
func (e *exposition) serve(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, move := range e.moves {
			move()
		}
		metrics.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// runtimeRegistry is what each of the lab's programs exposes of itself.
func runtimeRegistry(t *testing.T) *prometheus.Registry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Env: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return tel.Registry
}

func appTarget(t *testing.T) string {
	t.Helper()
	reg := runtimeRegistry(t)
	db, err := sql.Open(sqliteshim.ShimName, ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	reg.MustRegister(collectors.NewDBStatsCollector(db, "sqlite"))
	e := &exposition{reg: reg}
	naive, ttl := series{signal.LabelMode: "naive"}, series{signal.LabelMode: "ttl"}
	request := func(mode, status string) series {
		return series{signal.LabelRoute: "/", signal.LabelMethod: "GET", signal.LabelStatus: status, signal.LabelMode: mode}
	}
	operation := func(mode, system, name, collection string) series {
		return series{signal.LabelMode: mode, signal.LabelDBSystem: system, signal.LabelDBOp: name, signal.LabelCollection: collection}
	}
	e.histogram(signal.HTTPServerDuration, signal.HTTPBuckets(), .05, request("naive", "200"), request("ttl", "200"), request("ttl", "500"))
	e.histogram(signal.DBOperationDuration, signal.DBBuckets(), .001,
		operation("naive", "sqlite", "SELECT", "agents"), operation("ttl", "sqlite", "SELECT", "agents"),
		operation("ttl", "redis", "pipeline get", ""))
	e.histogram(signal.DBConnectionWait, signal.DBBuckets(), .002, series{signal.LabelPool: "database"})
	e.histogram(signal.SQLQueriesPerRequest, signal.QueryBuckets(), 62, naive, ttl)
	e.histogram(signal.RedisPerRequest, signal.QueryBuckets(), 2, naive, ttl)
	e.histogram(signal.RecomputeDuration, signal.HTTPBuckets(), .05, ttl)
	e.counter(signal.CacheRequests, series{signal.LabelMode: "ttl", signal.LabelResult: api.CacheHit.String()},
		series{signal.LabelMode: "ttl", signal.LabelResult: api.CacheMiss.String()})
	for _, name := range []string{signal.RequestsTotal, signal.SQLTotal, signal.RedisTotal, signal.ExpirationsTotal, signal.ExpiredSeconds, signal.CacheWaited} {
		e.counter(name, ttl)
	}
	e.counter(signal.RecomputeTotal, series{signal.LabelMode: "ttl", signal.LabelCause: signal.CauseExpired},
		series{signal.LabelMode: "ttl", signal.LabelCause: signal.CauseCold})
	e.gauge(signal.RecomputePeak, ttl)
	e.gauge(signal.CacheWaitersPeak, ttl)
	redis := series{signal.LabelDependency: api.DependencyRedis}
	e.counter(signal.OutageAttempts, redis)
	e.counter(signal.BreakerSkipped, redis)
	e.gauge(signal.OutageActive, redis)
	e.gauge(signal.BreakerState, redis)
	return e.serve(t, reg)
}

// loadTarget exposes no error: that there was none is a number, too.
func loadTarget(t *testing.T) string {
	t.Helper()
	reg := runtimeRegistry(t)
	e := &exposition{reg: prometheus.WrapRegistererWith(series{signal.LabelRunID: "r1"}, reg)}
	phase := series{signal.LabelMode: "ttl", signal.LabelPhase: "warm"}
	taken := series{signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelReplica: "1"}
	e.counter(signal.LoadScheduled, phase)
	e.counter(signal.LoadCompleted, taken)
	e.histogram(signal.LoadResponse, signal.LoadBuckets(), .06, taken)
	e.histogram(signal.LoadService, signal.LoadBuckets(), .05, taken)
	e.histogram(signal.LoadLag, signal.LoadBuckets(), .0001, taken)
	e.gauge(signal.LoadInFlight, phase)
	e.counter(signal.LoadReceived, phase)
	e.counter(signal.LoadSent, phase)
	e.histogram(signal.LoadConnect, signal.LoadBuckets(), .001, phase)
	e.histogram(signal.LoadTLS, signal.LoadBuckets(), .002, phase)
	e.counter(signal.LoadCPU, series{signal.LabelServer: signal.ServerRedis})
	server := series{signal.LabelPhase: "warm", signal.LabelServer: "redis"}
	e.gauge(signal.LoadDistance, series{signal.LabelPhase: "warm", signal.LabelServer: "redis", signal.LabelQuantile: "0.5"},
		series{signal.LabelPhase: "warm", signal.LabelServer: "redis", signal.LabelQuantile: "0.99"})
	e.gauge(signal.LoadRTT, server)
	e.gauge(signal.LoadMode, series{signal.LabelMode: "ttl", signal.LabelAppMode: "ttl"})
	e.gauge(signal.LoadFault, series{signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelRound: "1", signal.LabelFault: "redis: stop"})
	e.gauge(signal.RunInfo, series{signal.LabelScenario: "stampede", signal.LabelGitSHA: "0123456789ab", signal.LabelStack: "compose", signal.LabelBaseline: "naive"})
	e.gauge(signal.LoadLinks, series{signal.LabelJaeger: "http://localhost:16686"})
	e.phases()
	e.figures()
	e.test()
	return e.serve(t, reg)
}

// test exposes an A/B test.
func (e *exposition) test() {
	point := func(more series) series {
		all := series{signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelQuantile: "0.99"}
		maps.Copy(all, more)
		return all
	}
	e.gauge(signal.ABInfo, series{signal.LabelScenario: "warm", signal.LabelArmA: "HEAD", signal.LabelArmB: "."})
	e.gauge(signal.ABVerdict, series{signal.LabelVerdict: "PASS"})
	e.gauge(signal.ABQuantile, point(series{signal.LabelArm: "A", signal.LabelEpoch: "01"}), point(series{signal.LabelArm: "B", signal.LabelEpoch: "01"}))
	e.gauge(signal.ABRatio, point(series{signal.LabelEpoch: "01"}))
	e.gauge(signal.ABInterval, point(series{signal.LabelBound: signal.BoundPoint}), point(series{signal.LabelBound: signal.BoundLow}), point(series{signal.LabelBound: signal.BoundHigh}))
}

// phases begins a phase with every scrape.
func (e *exposition) phases() {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: signal.LoadPhase}, []string{signal.LabelScenario, signal.LabelMode, signal.LabelPhase, signal.LabelRound})
	e.reg.MustRegister(v)
	round := 0
	e.moves = append(e.moves, func() {
		round++
		v.Reset()
		v.WithLabelValues("stampede", "ttl", "warm", strconv.Itoa(round)).Set(1)
	})
}

// figures exposes the figures that dashboards ask for (package figure checks that the report has them), with what goes with them. Of errors there are none.
func (e *exposition) figures() {
	asked := map[string]bool{}
	for _, f := range board.All() {
		for _, q := range f.Dashboard.Queries() {
			for _, match := range regexp.MustCompile(signal.LabelFigure+`="(\w+)"`).FindAllStringSubmatch(q.Expr, -1) {
				asked[match[1]] = match[1] != "error_ratio"
			}
		}
	}
	var values, ratios []series
	for name, exposed := range asked {
		if !exposed {
			continue
		}
		for _, phase := range []string{"warm", "warm/inside"} {
			values = append(values, series{signal.LabelMode: "ttl", signal.LabelPhase: phase, signal.LabelFigure: name})
		}
		for _, bound := range []string{signal.BoundPoint, signal.BoundLow, signal.BoundHigh} {
			ratios = append(ratios, series{
				signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelFigure: name, signal.LabelBaseline: "naive", signal.LabelBound: bound,
			})
		}
	}
	e.gauge(signal.LoadFigure, values...)
	e.gauge(signal.LoadFigureRatio, ratios...)
	e.gauge(signal.LoadGate, series{signal.LabelGate: "errors() == 0", signal.LabelVerdict: "pass"})
	e.gauge(signal.LoadVerdict, series{signal.LabelVerdict: "PASS"})
	e.gauge(signal.LoadPhaseResponse, series{
		signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelSecond: "000", signal.LabelQuantile: "0.99",
	})
	for _, name := range []string{signal.LoadRecomputes, signal.LoadWaited} {
		e.gauge(name, series{signal.LabelMode: "ttl", signal.LabelPhase: "warm", signal.LabelSecond: "000"})
	}
}

func jaegerTarget(t *testing.T) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	e := &exposition{reg: reg}
	e.counter("otelcol_receiver_accepted_spans_total", series{"receiver": "otlp"})
	e.counter("otelcol_receiver_refused_spans", series{"receiver": "otlp"})
	return e.serve(t, reg)
}
