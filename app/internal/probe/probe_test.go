package probe_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/driver/sqliteshim"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// rig is a database, a Redis and a tracer with the hooks on them.
type rig struct {
	registry *probe.Registry
	metrics  *prometheus.Registry
	db       *bun.DB
	redis    *redis.Client
	spans    *tracetest.SpanRecorder
	tracer   trace.Tracer
	log      *bytes.Buffer
}

func newRig(t *testing.T, sampler sdktrace.Sampler) *rig {
	t.Helper()
	r := &rig{metrics: prometheus.NewRegistry(), spans: tracetest.NewSpanRecorder(), log: &bytes.Buffer{}}
	r.registry = probe.NewRegistry(r.metrics)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans), sdktrace.WithSampler(sampler))
	r.tracer = provider.Tracer("test")
	database, err := sql.Open(sqliteshim.ShimName, "file::memory:?cache=shared")
	if err != nil {
		t.Fatal(err)
	}
	database.SetMaxOpenConns(1)
	hook := &probe.SQLHook{System: "sqlite", Tracer: r.tracer, Log: slog.New(slog.NewJSONHandler(r.log, nil))}
	r.db = bun.NewDB(database, sqlitedialect.New()).WithQueryHook(hook)
	r.redis = redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	r.redis.AddHook(&probe.RedisHook{Tracer: r.tracer})
	t.Cleanup(func() {
		r.db.Close()
		r.redis.Close()
	})
	return r
}

type row struct {
	bun.BaseModel `bun:"table:rows"`
	ID            int64 `bun:",pk"`
}

// work makes two queries and three commands.
func (r *rig) work(ctx context.Context, t *testing.T) {
	t.Helper()
	for range 2 {
		var n int
		if err := r.db.NewRaw("SELECT 1").Scan(ctx, &n); err != nil {
			t.Error(err)
		}
	}
	if err := r.redis.Set(ctx, "k", "v", time.Minute).Err(); err != nil {
		t.Error(err)
	}
	pipe := r.redis.Pipeline()
	pipe.Get(ctx, "k")
	pipe.PTTL(ctx, "k")
	if _, err := pipe.Exec(ctx); err != nil {
		t.Error(err)
	}
}

func TestMetersCountWhatTheirRequestsSpend(t *testing.T) {
	r := newRig(t, sdktrace.NeverSample())
	mode := r.registry.Mode("m")
	const requests = 32
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			m := probe.NewMeter(mode)
			r.work(probe.With(t.Context(), m), t)
			timing := m.Timing()
			if timing.SQL != 2 || timing.Redis != 3 {
				t.Errorf("a request says %d queries and %d commands, want 2 and 3", timing.SQL, timing.Redis)
			}
			if timing.SQLTime <= 0 || timing.RedisTime <= 0 || timing.Total < max(timing.SQLTime, timing.RedisTime) {
				t.Errorf("times do not add up: %+v", timing)
			}
			mode.Done(timing)
		})
	}
	wg.Wait()
	got := r.registry.Counters().Modes["m"].Counts
	if got[api.CountRequests] != requests || got[api.CountSQL] != 2*requests || got[api.CountRedis] != 3*requests {
		t.Errorf("totals %+v, want %d requests, %d queries, %d commands", got, requests, 2*requests, 3*requests)
	}
	if n := len(r.spans.Ended()); n != 0 {
		t.Errorf("%d spans of unsampled requests", n)
	}
}

func TestBackgroundWorkIsInTheTotalsOnly(t *testing.T) {
	r := newRig(t, sdktrace.NeverSample())
	m := probe.NewMeter(r.registry.Mode("m"))
	ctx, cancel := context.WithCancel(probe.With(t.Context(), m))
	cancel()
	r.work(probe.Background(ctx), t)
	if timing := m.Timing(); timing.SQL != 0 || timing.Redis != 0 {
		t.Errorf("the request says %+v, want nothing", timing)
	}
	r.work(probe.Detach(ctx), t)
	if timing := m.Timing(); timing.SQL != 2 || timing.Redis != 3 {
		t.Errorf("the request says %+v, want what its detached work spent", timing)
	}
	if got := r.registry.Counters().Modes["m"].Counts; got[api.CountSQL] != 4 || got[api.CountRedis] != 6 {
		t.Errorf("totals %+v, want 4 queries and 6 commands", got)
	}
}

func TestSampledRequestsHaveASpanForEveryQueryAndRoundTrip(t *testing.T) {
	r := newRig(t, sdktrace.AlwaysSample())
	ctx, root := r.tracer.Start(t.Context(), "request")
	r.work(probe.With(ctx, probe.NewMeter(r.registry.Mode("m"))), t)
	if _, err := r.db.NewCreateTable().Model((*row)(nil)).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.db.NewSelect().Model((*row)(nil)).Where("id = 7").Scan(ctx); err == nil {
		t.Fatal("scanned a row of an empty table")
	}
	if err := r.db.NewRaw("SELECT nonsense").Scan(ctx, new(int)); err == nil {
		t.Fatal("nonsense was selected")
	}
	root.End()
	names := map[string]int{}
	for _, span := range r.spans.Ended() {
		names[span.Name()]++
		if span.SpanContext().TraceID() != root.SpanContext().TraceID() {
			t.Errorf("span %s is in another trace", span.Name())
		}
	}
	want := map[string]int{"request": 1, "SELECT": 3, "CREATE TABLE rows": 1, "SELECT rows": 1, "set": 1, "get+pttl": 1}
	for name, n := range want {
		if names[name] != n {
			t.Errorf("%d spans %q, want %d (all: %v)", names[name], name, n, names)
		}
	}
	failed := 0
	for _, span := range r.spans.Ended() {
		if span.Status().Description != "" {
			failed++
			if !strings.Contains(span.Status().Description, "nonsense") {
				t.Errorf("span %s failed with %q", span.Name(), span.Status().Description)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d spans failed, want 1: no row found is no failure", failed)
	}
	if got := strings.Count(r.log.String(), `"msg":"sql"`); got != 5 {
		t.Errorf("%d statements logged, want 5:\n%s", got, r.log.String())
	}
}

func TestRecomputesAreCountedWithTheirConcurrency(t *testing.T) {
	r := newRig(t, sdktrace.NeverSample())
	m := probe.NewMeter(r.registry.Mode("m"))
	first, second := m.Recompute(probe.Cold), m.Recompute(probe.Expired)
	if got := r.registry.Counters().Running; got != 2 {
		t.Errorf("%d recomputes run, want 2", got)
	}
	first()
	second()
	m.Count(api.CountExpirations)
	m.Count(api.CountCold)
	done := m.Waiting()
	done()
	r.registry.Mode("m").Result(api.CacheStale)
	got := r.registry.Counters()
	c, cache := got.Modes["m"].Counts, got.Modes["m"].Cache
	if got.Running != 0 || c[api.CountRecomputes] != 2 || c[api.CountExpirations] != 1 || c[api.CountCold] != 1 || cache[api.CacheStale.String()] != 1 {
		t.Errorf("counters %+v", got)
	}
	want := `
# HELP lab_cache_requests_total Requests by what the cache had for them.
# TYPE lab_cache_requests_total counter
lab_cache_requests_total{mode="m",result="coalesced"} 0
lab_cache_requests_total{mode="m",result="down"} 0
lab_cache_requests_total{mode="m",result="error"} 0
lab_cache_requests_total{mode="m",result="hit"} 0
lab_cache_requests_total{mode="m",result="miss"} 0
lab_cache_requests_total{mode="m",result="stale"} 1
# HELP lab_cache_recompute_total Recomputes of a page, by what they were for.
# TYPE lab_cache_recompute_total counter
lab_cache_recompute_total{cause="cold",mode="m"} 1
lab_cache_recompute_total{cause="expired",mode="m"} 1
lab_cache_recompute_total{cause="unknown",mode="m"} 0
# HELP lab_cache_cold_total Times a page was wanted that was never cached, or flushed.
# TYPE lab_cache_cold_total counter
lab_cache_cold_total{mode="m"} 1
# HELP lab_cache_expirations_total Cached pages found expired, or about to expire, and replaced.
# TYPE lab_cache_expirations_total counter
lab_cache_expirations_total{mode="m"} 1
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(want), signal.CacheRequests, signal.RecomputeTotal, signal.ColdTotal, signal.ExpirationsTotal); err != nil {
		t.Error(err)
	}
}

// TestEvents counts what has no metric of its own, in the totals and in one vector.
func TestEvents(t *testing.T) {
	r := newRig(t, sdktrace.NeverSample())
	const own = api.Counter("of_a_strategy")
	ctx := probe.With(t.Context(), probe.NewMeter(r.registry.Mode("m")))
	if got, ok := r.registry.Counters().Modes["m"].Counts[api.CountCold]; got != 0 || !ok {
		t.Errorf("before any event: got %d, %t, want a 0", got, ok)
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() { probe.From(ctx).Count(own) })
	}
	wg.Wait()
	if got := r.registry.Counters().Modes["m"].Counts[own]; got != 32 {
		t.Errorf("got %d events, want 32", got)
	}
	want := `
# HELP lab_cache_events_total Events that have no metric of their own.
# TYPE lab_cache_events_total counter
lab_cache_events_total{event="of_a_strategy",mode="m"} 32
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(want), signal.CacheEvents); err != nil {
		t.Error(err)
	}
}

func TestAContextWithoutAMeterCostsNothingAndFailsNothing(t *testing.T) {
	m := probe.From(t.Context())
	probe.AddWait(t.Context(), time.Now().Add(-time.Second))
	m.Count(api.CountExpirations)
	m.Count(api.CountCold)
	m.Recompute(probe.Cold)()
	m.Waiting()()
	if got := m.Timing(); got.SQL != 0 || got.Wait != 0 {
		t.Errorf("no meter says %+v", got)
	}
	newRig(t, sdktrace.NeverSample()).work(probe.Background(t.Context()), t)
}

// BenchmarkUnsampledQuery is what the hooks add to a query that nobody traces.
func BenchmarkUnsampledQuery(b *testing.B) {
	hook := &probe.SQLHook{System: "sqlite", Tracer: noop.NewTracerProvider().Tracer("")}
	ctx := probe.With(b.Context(), probe.NewMeter(probe.NewRegistry(prometheus.NewRegistry()).Mode("m")))
	event := &bun.QueryEvent{Query: "SELECT 1", StartTime: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		hook.AfterQuery(hook.BeforeQuery(ctx, event), event)
	}
}

// BenchmarkUnsampledHit is what counting adds to a request that makes one round trip to Redis.
func BenchmarkUnsampledHit(b *testing.B) {
	hook := &probe.RedisHook{Tracer: noop.NewTracerProvider().Tracer("")}
	mode := probe.NewRegistry(prometheus.NewRegistry()).Mode("m")
	cmds := []redis.Cmder{redis.NewDurationCmd(b.Context(), time.Millisecond, "pttl", "k"), redis.NewStringCmd(b.Context(), "get", "k")}
	pipe := hook.ProcessPipelineHook(func(context.Context, []redis.Cmder) error { return nil })
	b.ReportAllocs()
	for b.Loop() {
		m := probe.NewMeter(mode)
		if err := pipe(probe.With(b.Context(), m), cmds); err != nil {
			b.Fatal(err)
		}
		mode.Result(api.CacheHit)
		mode.Done(m.Timing())
	}
}
