package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"loadlab/otel/signal"
)

// Spans counts what became of ended spans that were sampled.
type Spans struct{ exported, dropped atomic.Int64 }

// Exported is how many the collector took.
func (s *Spans) Exported() int64 { return s.exported.Load() }

// Dropped is how many were lost: the queue was full, or the collector did not take them.
func (s *Spans) Dropped() int64 { return s.dropped.Load() }

// RegisterSpans exposes what became of spans, also while nothing is traced: no series and no drops look alike on a dashboard.
func RegisterSpans(reg prometheus.Registerer, spans func() (exported, dropped int64)) {
	counter := func(name, help string, of func() int64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of()) }))
	}
	counter(signal.SpansExported, "Spans delivered to the collector.", func() int64 { n, _ := spans(); return n })
	counter(signal.SpansDropped, "Spans lost: the queue was full or the collector did not take them.", func() int64 { _, n := spans(); return n })
}

// countingExporter counts the spans that an exporter took and those that it failed to deliver, and logs once that it fails: a lab
// without a collector must run, but must not claim whole traces.
type countingExporter struct {
	next    sdktrace.SpanExporter
	spans   *Spans
	log     *slog.Logger
	failing atomic.Bool
}

func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.next.ExportSpans(ctx, spans)
	if err != nil {
		e.spans.dropped.Add(int64(len(spans)))
		if !e.failing.Swap(true) {
			e.log.WarnContext(ctx, "spans are being dropped: the OTLP endpoint does not take them (said once; "+signal.SpansDropped+" counts)", "error", err)
		}
		return nil
	}
	e.failing.Store(false)
	e.spans.exported.Add(int64(len(spans)))
	return nil
}

func (e *countingExporter) Shutdown(ctx context.Context) error { return e.next.Shutdown(ctx) }
