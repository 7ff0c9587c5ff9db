package probe

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"loadlab/otel/signal"
)

// SQLHook counts, times and traces every query that bun makes. A driver-level tracer would see the literals that bun has inlined and
// would not know the model.
type SQLHook struct {
	System string       // "postgresql" or "sqlite"
	Tracer trace.Tracer // spans are started only under a recording span
	Log    *slog.Logger // every statement at level info; nil for none
}

// BeforeQuery starts a span if the request is sampled.
func (h *SQLHook) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	op := h.operation(event)
	summary := op.summary()
	ctx, _ = h.Tracer.Start(ctx, summary, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(event.StartTime),
		trace.WithAttributes(
			attribute.String(signal.AttrDBSystem, h.System),
			attribute.String(signal.AttrDBOperation, op.name),
			attribute.String(signal.AttrDBCollection, op.collection),
			attribute.String(signal.AttrDBQueryText, event.Query),
			attribute.String(signal.AttrDBSummary, summary),
		))
	return ctx
}

// AfterQuery records what the query cost. If the span in ctx is recording it is the one that BeforeQuery started: a span that records
// has no child that does not.
func (h *SQLHook) AfterQuery(ctx context.Context, event *bun.QueryEvent) {
	took := time.Since(event.StartTime)
	m := From(ctx)
	m.addSQL(took, rowsOf(event))
	op := h.operation(event)
	if m != nil {
		m.mode.observe(op, took.Seconds())
	}
	failed := event.Err != nil && !errors.Is(event.Err, sql.ErrNoRows)
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		if m != nil {
			m.repeats.add(op.summary())
		}
		if failed {
			span.SetStatus(codes.Error, event.Err.Error())
		}
		span.End()
	}
	if h.Log != nil {
		h.Log.InfoContext(ctx, "sql", "query", event.Query, "took_ms", float64(took.Microseconds())/1000, "failed", failed)
	}
}

// rowsOf returns how many rows a query returned or changed; 0 if it failed or the driver does not know.
func rowsOf(event *bun.QueryEvent) int {
	if event.Err != nil || event.Result == nil {
		return 0
	}
	n, err := event.Result.RowsAffected()
	if err != nil {
		return 0
	}
	return int(n)
}

// summary is db.query.summary.
func (op operation) summary() string { return strings.TrimSpace(op.name + " " + op.collection) }

// operation names a query by its verb and table, both of few values: they are metric labels.
func (h *SQLHook) operation(event *bun.QueryEvent) operation {
	op := operation{system: h.System, name: event.Operation()}
	if q, ok := event.IQuery.(interface{ GetTableName() string }); ok {
		op.collection = q.GetTableName()
	}
	return op
}
