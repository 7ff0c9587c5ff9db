package pagecache

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"loadlab/app/api"
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
	if out.Result == api.CacheStale {
		addEvent(span, signal.EventServedStale, out.whyStale(), max(-out.TTL, 0))
	}
	endWork(span, err)
}

// whyStale is why a request got a page past its TTL, for people.
func (o Outcome) whyStale() string {
	switch o.Detail {
	case "", DetailNotModified:
		return "in its grace, another request recomputes it"
	case DetailRefresh:
		return "in its grace, this request started its refresh"
	case DetailRefreshFailed:
		return "in its grace, its recompute failed"
	case DetailFailsafe:
		return "its recompute failed"
	case DetailSoftTimeout:
		return "its recompute took longer than a request waits for it, and went on"
	case DetailThrottled:
		return "the last recompute had failed, and no other was tried yet"
	}
	return o.Detail
}

// event adds an event to the context's span if that is recorded; else it costs next to nothing. Without a reason, or a time that something lasted, the
// event has none.
func event(ctx context.Context, name, reason string, lasted time.Duration) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		addEvent(span, name, reason, lasted)
	}
}

func addEvent(span trace.Span, name, reason string, lasted time.Duration) {
	var attributes []attribute.KeyValue
	if reason != "" {
		attributes = append(attributes, attribute.String(signal.AttrCacheReason, reason))
	}
	if lasted > 0 {
		attributes = append(attributes, attribute.Float64(signal.AttrCacheFor, float64(lasted.Microseconds())/1000))
	}
	span.AddEvent(name, trace.WithAttributes(attributes...))
}

// fillFailed adds that Redis has not stored a page.
func fillFailed(ctx context.Context, err error) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		addEvent(span, signal.EventFillFailed, err.Error(), 0)
	}
}

// waitedFor adds that a request has waited since then for another one of its process.
func waitedFor(ctx context.Context, whom string, since time.Time) {
	event(ctx, signal.EventWaited, whom, time.Since(since))
}

// noteWaiters adds to the span of a recompute how many requests of this process wait for it.
func noteWaiters(ctx context.Context, n int) {
	if span := trace.SpanFromContext(ctx); n > 0 && span.IsRecording() {
		span.SetAttributes(attribute.Int(signal.AttrCacheWaiters, n))
	}
}

// startRefresh starts a trace of its own for work that outlives its request, linked to the request that caused it: a request's trace
// that goes on after its response would look as if somebody had waited.
func (r *request) startRefresh(ctx context.Context) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	return r.startRefreshFor(ctx, parent)
}

// startRefreshFor is startRefresh for the request of a span that was recorded and may have ended.
func (r *request) startRefreshFor(ctx context.Context, cause trace.Span) (context.Context, trace.Span) {
	return cause.TracerProvider().Tracer(scope).Start(ctx, signal.SpanCacheRefresh, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: cause.SpanContext()}),
		trace.WithAttributes(attribute.String(signal.AttrCacheStrategy, r.strategy), attribute.String(signal.AttrCacheKey, r.key)))
}

// endWork ends the span of a recompute or of a refresh.
func endWork(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil && !errors.Is(err, ErrAbsent) {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

const scope = "loadlab/app/internal/pagecache"

// linkToLeader links a waiter's span to the leader whose recompute it has the page from, which may be in another trace. Most requests are in none: then the
// span says so, as there is nothing to look for. leader is not valid if the page came without one.
func linkToLeader(ctx context.Context, leader trace.SpanContext) {
	span := trace.SpanFromContext(ctx)
	switch {
	case !span.IsRecording():
	case leader.IsValid() && leader.IsSampled():
		span.AddLink(trace.Link{SpanContext: leader})
	default:
		span.AddEvent(signal.EventLeaderUnsampled)
	}
}
