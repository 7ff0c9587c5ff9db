package pagecache

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"loadlab/otel/signal"
)

// startSpan starts a child of the context's span if that is recorded; else it costs next to nothing and the span is nil.
func startSpan(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	return parent.TracerProvider().Tracer(scope).Start(ctx, name)
}

func endSpan(span trace.Span, strategy, key string, out Outcome, err error) {
	if span == nil {
		return
	}
	span.SetAttributes(
		attribute.String(signal.AttrCacheStrategy, strategy),
		attribute.String(signal.AttrCacheKey, key),
		attribute.String(signal.AttrCacheResult, out.Result.String()),
		attribute.Int64(signal.AttrCacheAge, out.Age.Milliseconds()),
		attribute.Bool(signal.AttrCacheStored, out.Stored),
		attribute.Bool(signal.AttrCacheCollapsed, out.Collapsed),
		attribute.String(signal.AttrCacheDetail, out.Detail),
	)
	if err != nil && !errors.Is(err, ErrAbsent) {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// startRefresh starts a trace of its own for work that outlives its request, linked to the request that caused it: a request's trace
// that goes on after its response would look as if somebody had waited.
func startRefresh(ctx context.Context) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	return startRefreshFor(ctx, parent)
}

// startRefreshFor is startRefresh for the request of a span that was recorded and may have ended.
func startRefreshFor(ctx context.Context, cause trace.Span) (context.Context, trace.Span) {
	return cause.TracerProvider().Tracer(scope).Start(ctx, "cache refresh", trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: cause.SpanContext()}))
}

func endRefresh(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

const scope = "loadlab/app/internal/pagecache"

// linkToLeader links a waiter's span to the leader whose recompute it waits for, which may be in another trace.
func linkToLeader(ctx context.Context, leader trace.SpanContext) {
	if leader.IsValid() && leader.IsSampled() {
		trace.SpanFromContext(ctx).AddLink(trace.Link{SpanContext: leader})
	}
}
