package server

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// request is one request of a mode: its meter, its trace, and the headers with what it cost.
type request struct {
	ctx   context.Context
	start time.Time
	route string
	mode  *probe.Mode
	meter *probe.Meter
	span  trace.Span // nil unless the request is sampled

	// Set by the handler, sent as headers.
	cache   api.CacheStatus
	age     time.Duration // of a cached page; negative for none
	version int64

	values  [8]string // of the answer's headers, in place: a hit makes no slice for each
	written int
}

// header sets a header of the answer, whose name is in its canonical form. A nil request, which is one that is not counted, has no place of its own.
func (rq *request) header(h http.Header, name, value string) {
	if rq == nil || rq.written == len(rq.values) {
		h[name] = []string{value}
		return
	}
	i := rq.written
	rq.values[i] = value
	rq.written++
	h[name] = rq.values[i:rq.written:rq.written]
}

// begin starts the accounting of a request. The caller ends it by answering through json, problem or send.
func (s *Server) begin(c *gin.Context, mode string) *request {
	m := s.Probe.Mode(mode)
	rq := &request{
		start: time.Now(), route: c.FullPath(), mode: m, meter: probe.NewMeter(m), cache: api.CacheStatus{Result: api.CacheBypass}, age: -1,
	}
	rq.ctx = probe.With(s.trace(c, rq), rq.meter)
	return rq
}

// trace continues the trace that the request came with, or starts one. A span is started only if somebody will see it: the caller
// that sampled the request, or nobody but the app's own sampler having been asked. Otherwise the ids alone go along, for logs and
// for the traceparent in Server-Timing.
func (s *Server) trace(c *gin.Context, rq *request) context.Context {
	ctx := c.Request.Context()
	parent := trace.SpanContext{}
	if values := c.Request.Header[api.HeaderTraceparent]; len(values) == 1 {
		parent = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(c.Request.Header)))
	}
	unsampled := parent.IsValid() && !parent.IsSampled() && s.Telemetry.ParentBased
	// Who asks every second whether the app lives would push the traces of a load out of a store that holds a few thousand.
	probed := rq.route == api.PathHealthz || rq.route == api.PathReadyz
	if !s.Telemetry.Tracing || unsampled || probed {
		if !parent.IsValid() {
			parent = newSpanContext()
		}
		return trace.ContextWithSpanContext(ctx, parent.WithTraceFlags(0))
	}
	if parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	ctx, rq.span = s.Telemetry.Tracer.Start(ctx, methodOf(c.Request)+" "+rq.route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(rq.start), trace.WithAttributes(
			attribute.String(signal.AttrHTTPMethod, methodOf(c.Request)),
			attribute.String(signal.AttrHTTPRoute, rq.route),
			attribute.String(signal.AttrURLPath, c.Request.URL.Path),
			attribute.String(signal.AttrMode, rq.mode.Name)))
	return ctx
}

// newSpanContext makes ids for a request that came without any and that nobody records.
func newSpanContext() trace.SpanContext {
	var cfg trace.SpanContextConfig
	binary.NativeEndian.PutUint64(cfg.TraceID[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(cfg.TraceID[8:], rand.Uint64()|1) // ids of zeros are invalid
	binary.NativeEndian.PutUint64(cfg.SpanID[:], rand.Uint64()|1)
	return trace.NewSpanContext(cfg)
}

// traceparent is the W3C header of the request's span.
func traceparent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	b := make([]byte, 0, 55)
	id, span := sc.TraceID(), sc.SpanID()
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, span[:])
	if sc.IsSampled() {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// finish writes the cost of the request to its headers, metrics and span. It is called right before the status is written: headers set
// after that are lost.
func (rq *request) finish(s *Server, c *gin.Context, status int) {
	s.Slow.wait(rq)
	timing := rq.meter.Timing()
	timing.Traceparent = traceparent(rq.ctx)
	h := c.Writer.Header()
	rq.header(h, api.HeaderCacheStatus, string(rq.cache.Append(make([]byte, 0, 64))))
	rq.header(h, api.HeaderServerTiming, string(timing.Append(make([]byte, 0, 160))))
	if rq.age >= 0 {
		rq.header(h, api.HeaderAge, api.FormatAge(rq.age))
	}
	if rq.version > 0 {
		rq.header(h, api.HeaderVersion, api.FormatVersion(rq.version))
	}
	rq.mode.Done(timing)
	s.observe(c, rq, status, timing)
}

// observe records the request's duration, with an exemplar if its trace can be looked at, and ends its span.
func (s *Server) observe(c *gin.Context, rq *request, status int, timing api.Timing) {
	took := time.Since(rq.start).Seconds()
	observer := s.durations.of(served{route: rq.route, method: methodOf(c.Request), status: status, mode: rq.mode.Name})
	if rq.span == nil || !rq.span.IsRecording() {
		observer.Observe(took)
		return
	}
	traceID := rq.span.SpanContext().TraceID().String()
	observer.(prometheus.ExemplarObserver).ObserveWithExemplar(took, prometheus.Labels{signal.LogTraceID: traceID})
	rq.span.SetAttributes(attribute.Int(signal.AttrHTTPStatus, status), attribute.Int(signal.AttrSQLQueries, timing.SQL),
		attribute.Float64(signal.AttrPoolWait, float64(timing.Wait.Microseconds())/1000))
	if repeated := rq.meter.Repeated(); repeated != "" {
		rq.span.SetAttributes(attribute.String(signal.AttrSQLRepeated, repeated))
	}
	if status >= http.StatusInternalServerError {
		rq.span.SetStatus(codes.Error, http.StatusText(status))
	}
	rq.span.End()
}
