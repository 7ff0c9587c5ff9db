package probe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// gathered returns the value of a metric of one series.
func gathered(t *testing.T, reg prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name && len(f.GetMetric()) == 1 {
			m := f.GetMetric()[0]
			if f.GetType() == dto.MetricType_COUNTER {
				return m.GetCounter().GetValue()
			}
			return m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s of one series", name)
	return 0
}

// pass lets time pass, in a synctest.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// What was over between two scrapes is in the next ones, whoever scrapes how often, and then no more.
func TestPeaksOutlastWhatTheyAreOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m := probe.NewMeter(probe.NewRegistry(reg).Mode("m"))
		check := func(when string, recomputes, most, waiters, mostWaiters float64) {
			t.Helper()
			for name, want := range map[string]float64{
				signal.RecomputeInflight: recomputes, signal.RecomputePeak: most, signal.CacheWaiters: waiters, signal.CacheWaitersPeak: mostWaiters,
			} {
				for range 2 { // a scraper takes nothing from another
					if got := gathered(t, reg, name); got != want {
						t.Errorf("%s: %s is %v, want %v", when, name, got, want)
					}
				}
			}
		}
		check("before", 0, 0, 0, 0)
		var done []func()
		for range 5 {
			done = append(done, m.Recompute(probe.Cold))
		}
		waited := m.Waiting()
		for _, d := range done[1:] {
			d()
		}
		waited()
		check("at once", 1, 5, 0, 1)
		pass(signal.PeakWindow * 2 / 3)
		check("later", 1, 5, 0, 1)
		pass(signal.PeakWindow)
		check("after the window", 1, 1, 0, 0)
		done[0]()
		check("the end of what lasted longer than the window", 0, 1, 0, 0)
		pass(2 * signal.PeakWindow)
		check("at last", 0, 0, 0, 0)
	})
}

// A request that waits several times, as one that polls does, is one that waited.
func TestRequestsThatWaitedAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		mode := probe.NewRegistry(reg).Mode("m")
		for range 2 {
			m := probe.NewMeter(mode)
			for range 3 {
				done := m.Waiting()
				pass(500 * time.Millisecond)
				done()
			}
		}
		if n, s := gathered(t, reg, signal.CacheWaited), gathered(t, reg, signal.CacheWaitSeconds); n != 2 || s != 3 {
			t.Errorf("%v requests waited for %v s, want 2 for 3 s", n, s)
		}
	})
}

// The totals in Prometheus are those of /lab/counters, background work included: what a request cost by them is what a report says.
func TestTotalsHaveBackgroundWork(t *testing.T) {
	reg := prometheus.NewRegistry()
	registry := probe.NewRegistry(reg)
	m := registry.Mode("m")
	m.Done(api.Timing{SQL: 2})
	if got := gathered(t, reg, signal.RequestsTotal); got != 1 {
		t.Errorf("%v requests, want 1", got)
	}
	for name, counter := range map[string]api.Counter{signal.SQLTotal: api.CountSQL, signal.RedisTotal: api.CountRedis} {
		if got := gathered(t, reg, name); got != float64(registry.Counters().Modes["m"].Counts[counter]) {
			t.Errorf("%s is %v", name, got)
		}
	}
}

// A wait for a connection that can be seen is a span below the request's; a shorter one, and one that nobody records, is none.
func TestWaitsForTheConnectionAreSpans(t *testing.T) {
	for name, test := range map[string]struct {
		sampler sdktrace.Sampler
		wait    time.Duration
		spans   int
	}{
		"long": {sdktrace.AlwaysSample(), 20 * time.Millisecond, 1}, "short": {sdktrace.AlwaysSample(), 100 * time.Microsecond, 0},
		"unsampled": {sdktrace.NeverSample(), 20 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spans := tracetest.NewSpanRecorder()
				provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(test.sampler))
				m := probe.NewMeter(probe.NewRegistry(prometheus.NewRegistry()).Mode("m"))
				ctx, request := provider.Tracer("test").Start(probe.With(t.Context(), m), "request")
				start := time.Now()
				pass(test.wait)
				probe.AddWait(ctx, start)
				ended := spans.Ended()
				if len(ended) != test.spans || m.Timing().Wait != test.wait {
					t.Fatalf("%d spans and %v, want %d and %v", len(ended), m.Timing().Wait, test.spans, test.wait)
				}
				for _, s := range ended {
					if s.Name() != signal.SpanPoolWait || s.Parent().SpanID() != request.SpanContext().SpanID() || s.EndTime().Sub(s.StartTime()) != test.wait {
						t.Errorf("got %s of %v below %s", s.Name(), s.EndTime().Sub(s.StartTime()), s.Parent().SpanID())
					}
				}
			})
		})
	}
}
