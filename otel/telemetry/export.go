package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"loadlab/otel/signal"
)

// countingExporter counts the spans that an exporter took and those that it failed to deliver, and says once that it fails: a lab
// without a collector must run, but must not claim whole traces.
type countingExporter struct {
	next              sdktrace.SpanExporter
	exported, dropped prometheus.Counter
	log               *slog.Logger
	failing           atomic.Bool
}

func newCountingExporter(next sdktrace.SpanExporter, reg prometheus.Registerer, log *slog.Logger) *countingExporter {
	e := &countingExporter{
		next:     next,
		exported: prometheus.NewCounter(prometheus.CounterOpts{Name: signal.SpansExported, Help: "Spans delivered to the collector."}),
		dropped:  prometheus.NewCounter(prometheus.CounterOpts{Name: signal.SpansDropped, Help: "Spans lost: the queue was full or the collector did not take them."}),
		log:      log,
	}
	reg.MustRegister(e.exported, e.dropped)
	return e
}

func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.next.ExportSpans(ctx, spans)
	if err != nil {
		e.dropped.Add(float64(len(spans)))
		if !e.failing.Swap(true) {
			e.log.WarnContext(ctx, "spans are being dropped: the OTLP endpoint does not take them (said once; "+signal.SpansDropped+" counts)", "error", err)
		}
		return nil
	}
	e.failing.Store(false)
	e.exported.Add(float64(len(spans)))
	return nil
}

func (e *countingExporter) Shutdown(ctx context.Context) error { return e.next.Shutdown(ctx) }
