package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"loadlab/otel/signal"
)

// NewLogger returns a logger that writes JSON lines to w, with the trace and span of the context where there is one, and hands each record to the other
// handlers too.
func NewLogger(w io.Writer, level slog.Leveler, others ...slog.Handler) *slog.Logger {
	lines := traceHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})}
	if len(others) == 0 {
		return slog.New(lines)
	}
	return slog.New(slog.NewMultiHandler(append([]slog.Handler{lines}, others...)...))
}

// traceHandler adds trace_id and span_id to every record whose context carries a span.
type traceHandler struct{ slog.Handler }

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String(signal.LogTraceID, sc.TraceID().String()), slog.String(signal.LogSpanID, sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs)}
}

func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name)}
}
