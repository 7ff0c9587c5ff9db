package housing_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/app/internal/housing"
	"loadlab/app/internal/probe"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// The wait for a connection is a span of the request's trace, before its queries: it would be a gap.
func TestWaitForAConnectionIsASpan(t *testing.T) {
	t.Parallel()
	const long = 5 * time.Millisecond
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	s := seeded(t, sqliteURL(t), 30, housing.Options{Connections: 1})
	held, err := s.DB().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waits := s.DB().Stats().WaitCount
	meter := probe.NewMeter(probe.NewRegistry(prometheus.NewRegistry()).Mode("optimized"))
	ctx, request := tracer.Start(probe.With(t.Context(), meter), "request")
	done := make(chan error, 1)
	go func() {
		_, err := s.Page(ctx, "optimized", housing.Query{Page: 1, PageSize: 20})
		done <- err
	}()
	var began time.Time
	testkit.Eventually(t, "the request waits", func() bool {
		if began.IsZero() && s.DB().Stats().WaitCount > waits {
			began = time.Now()
		}
		return !began.IsZero() && time.Since(began) > long
	})
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	request.End()
	found := 0
	for _, span := range spans.Ended() {
		if took := span.EndTime().Sub(span.StartTime()); span.Name() == signal.SpanPoolWait && span.Parent().SpanID() == request.SpanContext().SpanID() && took > long {
			found++
		}
	}
	if found != 1 || meter.Timing().Wait <= long {
		t.Errorf("%d spans of a wait of more than %s, and one of %s by the meter; want one", found, long, meter.Timing().Wait)
	}
}
