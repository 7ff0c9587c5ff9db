package otlp

import (
	"encoding/hex"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/result"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/internal/revision"
	"loadlab/loadgen/internal/trace"
	"loadlab/otel/signal"
)

// Sizes of what waits between the requests and the Forwarder.
const (
	exporterQueue = 4096
	exporterBatch = 256
	exporterDelay = 500 * time.Millisecond
)

// Exporter sends the generator's own spans, so that another tracing backend shows a request from when it was due.
type Exporter struct {
	forward *Forwarder
	samples chan trace.Sample
	stop    chan struct{}
	once    sync.Once
	running sync.WaitGroup
	dropped atomic.Int64
}

// NewExporter starts an Exporter. The caller closes it, before the Forwarder.
func NewExporter(forward *Forwarder) *Exporter {
	e := &Exporter{forward: forward, samples: make(chan trace.Sample, exporterQueue), stop: make(chan struct{})}
	e.running.Go(e.work)
	return e
}

// Add queues the spans of a request. It never waits: its caller is measuring.
func (e *Exporter) Add(s trace.Sample) {
	select {
	case e.samples <- s:
	default:
		e.dropped.Add(1)
	}
}

// Dropped returns for how many requests there was no room. What the Forwarder could not get rid of is in its own count.
func (e *Exporter) Dropped() int64 { return e.dropped.Load() }

// Close hands what is queued to the Forwarder. What is added after that stays where it is.
func (e *Exporter) Close() {
	e.once.Do(func() { close(e.stop) })
	e.running.Wait()
}

func (e *Exporter) work() {
	tick := time.NewTicker(exporterDelay)
	defer tick.Stop()
	var batch []trace.Sample
	for {
		select {
		case s := <-e.samples:
			if batch = append(batch, s); len(batch) == exporterBatch {
				batch = e.send(batch)
			}
		case <-tick.C:
			batch = e.send(batch)
		case <-e.stop:
			e.drain(batch)
			return
		}
	}
}

func (e *Exporter) drain(batch []trace.Sample) {
	for {
		select {
		case s := <-e.samples:
			if batch = append(batch, s); len(batch) == exporterBatch {
				batch = e.send(batch)
			}
		default:
			e.send(batch)
			return
		}
	}
}

func (e *Exporter) send(batch []trace.Sample) []trace.Sample {
	if len(batch) == 0 {
		return batch
	}
	body, spans, err := Encode(batch)
	if err != nil {
		e.dropped.Add(int64(len(batch)))
		return batch[:0]
	}
	e.forward.Send(body, spans)
	return batch[:0]
}

// Encode returns an export request of the generator's own spans of requests, and how many they are.
func Encode(samples []trace.Sample) (body []byte, spans int, err error) {
	scope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "loadlab/loadgen"}}
	for i := range samples {
		s := &samples[i]
		due := s.Due.UnixNano()
		for _, span := range s.Spans() {
			scope.Spans = append(scope.Spans, encodeSpan(s.TraceID[:], due, &span))
		}
	}
	body, err = proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   generator(),
		ScopeSpans: []*tracepb.ScopeSpans{scope},
	}}})
	return body, len(scope.Spans), err
}

// generator is the resource of the generator's spans. It has no SDK of OpenTelemetry, and names what makes its spans instead, as the conventions want it.
func generator() *resourcepb.Resource {
	version := revision.Get()
	return &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
		keyValue("service.name", trace.Service), keyValue("service.version", version),
		keyValue("telemetry.sdk.name", "loadlab/loadgen/internal/trace/otlp"), keyValue("telemetry.sdk.language", "go"), keyValue("telemetry.sdk.version", version),
	}}
}

func encodeSpan(traceID []byte, due int64, s *result.Span) *tracepb.Span {
	id, _ := hex.DecodeString(s.ID) // it was encoded by trace
	parent, _ := hex.DecodeString(s.Parent)
	kind := tracepb.Span_SPAN_KIND_INTERNAL
	if s.Kind == "client" {
		kind = tracepb.Span_SPAN_KIND_CLIENT
	}
	span := &tracepb.Span{
		TraceId: traceID, SpanId: id, ParentSpanId: parent, Name: s.Name, Kind: kind, Flags: 1,
		StartTimeUnixNano: uint64(due + int64(s.Start)), EndTimeUnixNano: uint64(due + int64(s.End())),
	}
	for name, value := range s.Attributes {
		span.Attributes = append(span.Attributes, keyValue(name, value))
	}
	if s.Failed {
		span.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: s.Error}
	}
	return span
}

// keyValue gives an attribute the type that its convention requires.
func keyValue(name, value string) *commonpb.KeyValue {
	v := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}
	switch name {
	case signal.AttrHTTPStatus, signal.AttrRound:
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			v.Value = &commonpb.AnyValue_IntValue{IntValue: n}
		}
	case signal.AttrLag:
		if x, err := strconv.ParseFloat(value, 64); err == nil {
			v.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: x}
		}
	}
	return &commonpb.KeyValue{Key: name, Value: v}
}
