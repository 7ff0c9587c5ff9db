package pagecache_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/pagecache"
	"loadlab/otel/signal"
)

// traced returns a request whose server span is recorded, or not, and what was recorded.
func (l *lab) traced(t *testing.T, sampler sdktrace.Sampler) (context.Context, trace.Span, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(sampler))
	ctx, span := provider.Tracer("test").Start(l.request(t), "GET /")
	return ctx, span, recorder
}

func TestSpanOfTheDecision(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx, server, recorder := l.traced(t, sdktrace.AlwaysSample())
		start := time.Now()
		l.get(t, "swr", page(1))
		l.pass(ttl)
		if _, _, err := get(ctx, l.cache, "swr", key, failing); err != nil {
			t.Fatal(err)
		}
		most := ttl + time.Since(start) + time.Millisecond
		server.End()
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Fatal(err)
		}
		spans := map[string]sdktrace.ReadOnlySpan{}
		for _, s := range recorder.Ended() {
			spans[s.Name()] = s
		}
		get, refresh := spans["cache get"], spans["cache refresh"]
		if get == nil || refresh == nil {
			t.Fatalf("got spans %v", spans)
		}
		if get.Parent().SpanID() != server.SpanContext().SpanID() {
			t.Error("the decision is not below the request")
		}
		if refresh.SpanContext().TraceID() == get.SpanContext().TraceID() || len(refresh.Links()) != 1 ||
			refresh.Links()[0].SpanContext.SpanID() != get.SpanContext().SpanID() {
			t.Error("the refresh is not a trace of its own that is linked to the decision")
		}
		if refresh.Status().Code != codes.Error || get.Status().Code == codes.Error {
			t.Errorf("got status %v of the refresh and %v of the decision", refresh.Status(), get.Status())
		}
		searched := attribute.NewSet(attribute.String(signal.AttrCacheStrategy, "swr"), attribute.String(signal.AttrCacheKey, key))
		if of := attribute.NewSet(refresh.Attributes()...); !of.Equals(&searched) {
			t.Errorf("the refresh has %v, want what it is searched by: %v", of.ToSlice(), searched.ToSlice())
		}
		set := attribute.NewSet(get.Attributes()...)
		for name, want := range map[attribute.Key]string{
			signal.AttrCacheStrategy: "swr", signal.AttrCacheKey: key, signal.AttrCacheResult: "stale", signal.AttrCacheDetail: "refresh",
			signal.AttrCacheStored: "false", signal.AttrCacheCollapsed: "false",
		} {
			if got, _ := set.Value(name); got.String() != want {
				t.Errorf("%s: got %q, want %q", name, got.String(), want)
			}
		}
		if age, _ := set.Value(signal.AttrCacheAge); age.AsInt64() < ttl.Milliseconds() || age.AsInt64() > most.Milliseconds() {
			t.Errorf("got an age of %d ms, want %s and at most %s", age.AsInt64(), ttl, most)
		}
	})
}

func TestUnsampledHasNoSpan(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx, server, recorder := l.traced(t, sdktrace.NeverSample())
		if _, _, err := get(ctx, l.cache, "ttl", key, page(1)); err != nil {
			t.Fatal(err)
		}
		server.End()
		if n := len(recorder.Started()); n != 0 {
			t.Errorf("%d spans were started", n)
		}
	})
}

func TestWaiterLinksToItsLeader(t *testing.T) {
	for _, strategy := range []string{"singleflight", "lock", "lease", "swr", "failsafe", "warm"} {
		t.Run(strategy, func(t *testing.T) { waiterLinksToItsLeader(t, strategy) })
	}
}

// A waiter whose leader is in no trace says so, and has no link.
func TestWaiterOfAnUnsampledLeader(t *testing.T) {
	for _, strategy := range []string{"singleflight", "lock", "swr", "negative"} {
		t.Run(strategy, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				waiterCtx, waiter, recorder := l.traced(t, sdktrace.AlwaysSample())
				var computing count
				done := make(chan error, 1)
				go func() {
					_, _, err := get(t.Context(), l.cache, strategy, key, func(ctx context.Context) (pagecache.Page, error) {
						computing.add()
						l.waiting(t, 1)
						return page(1)(ctx)
					})
					done <- err
				}()
				computing.reach(t, 1)
				if _, out, err := get(waiterCtx, l.cache, strategy, key, mustNotCompute(t)); err != nil || !out.Collapsed {
					t.Fatalf("got %+v, %v", out, err)
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				waiter.End()
				span, events := recorder.Ended()[0], 0
				for _, e := range span.Events() {
					if e.Name == signal.EventLeaderUnsampled {
						events++
					}
				}
				if len(span.Links()) != 0 || events != 1 {
					t.Errorf("%s: got links %v and %d events, want none and 1", span.Name(), span.Links(), events)
				}
			})
		})
	}
}

// waiterLinksToItsLeader finds a waiter's leader by the flight it joined, or by the page that the leader left in Redis.
func waiterLinksToItsLeader(t *testing.T, strategy string) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		leaderCtx, leader, _ := l.traced(t, sdktrace.AlwaysSample())
		waiterCtx, waiter, recorder := l.traced(t, sdktrace.AlwaysSample())
		var computing count
		done := make(chan error, 1)
		go func() {
			_, _, err := get(leaderCtx, l.cache, strategy, key, func(ctx context.Context) (pagecache.Page, error) {
				computing.add()
				l.waiting(t, 1)
				return page(1)(ctx)
			})
			done <- err
		}()
		computing.reach(t, 1)
		if _, out, err := get(waiterCtx, l.cache, strategy, key, mustNotCompute(t)); err != nil || !out.Collapsed {
			t.Fatalf("got %+v, %v", out, err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		leader.End()
		waiter.End()
		links := recorder.Ended()[0].Links()
		if len(links) != 1 || links[0].SpanContext.TraceID() != leader.SpanContext().TraceID() {
			t.Errorf("got links %v, want one to the leader's trace", links)
		}
	})
}
