package otlp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
)

func forwarder(t *testing.T, cfg otlp.ForwarderConfig) *otlp.Forwarder {
	t.Helper()
	f, err := otlp.NewForwarder(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(context.Background()) })
	return f
}

// backend answers with one status after the other, the last one for ever, and keeps what it was sent.
type backend struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	header http.Header
}

func newBackend(t *testing.T, answer []byte, statuses ...int) *backend {
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.header = r.Header
		status := statuses[min(len(b.bodies), len(statuses)-1)]
		if r.URL.Path != "/v1/traces" || r.Method != http.MethodPost {
			status = http.StatusNotFound
		}
		b.bodies = append(b.bodies, body)
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(b.Close)
	return b
}

func TestForwarder(t *testing.T) {
	rejected, err := proto.Marshal(&collectorpb.ExportTraceServiceResponse{PartialSuccess: &collectorpb.ExportTracePartialSuccess{RejectedSpans: 3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name          string
		answer        []byte
		statuses      []int
		calls         int
		sent, dropped int64
		err           string
	}{
		{"taken", nil, []int{200}, 1, 10, 0, ""},
		{"asked to come again", nil, []int{503, 429, 200}, 3, 10, 0, ""},
		{"asked to come again for ever", nil, []int{503}, 3, 0, 10, "503"},
		{"refused", nil, []int{400}, 1, 0, 10, "400"},
		{"some rejected", rejected, []int{200}, 1, 7, 3, "rejected"},
		{"an answer that is not protobuf", []byte("ok!"), []int{200}, 1, 10, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, test.answer, test.statuses...)
			f := forwarder(t, otlp.ForwarderConfig{Endpoint: b.URL, Headers: map[string]string{"Authorization": "Bearer x"}})
			if !f.Send([]byte("spans"), 10) {
				t.Fatal("there was no room")
			}
			f.Close(t.Context())
			s := f.Stats()
			if s.Sent != test.sent || s.Dropped != test.dropped || (s.Err == nil) != (test.err == "") {
				t.Errorf("got %+v", s)
			}
			if s.Err != nil && !strings.Contains(s.Err.Error(), test.err) {
				t.Errorf("got error %v", s.Err)
			}
			if len(b.bodies) != test.calls || string(b.bodies[0]) != "spans" || b.header.Get("Authorization") != "Bearer x" ||
				b.header.Get("Content-Type") != "application/x-protobuf" {
				t.Errorf("%d calls with %v", len(b.bodies), b.header)
			}
			if f.Send([]byte("late"), 5) || f.Stats().Dropped != test.dropped+5 {
				t.Error("a closed forwarder took spans")
			}
		})
	}
}

func TestForwarderIsBounded(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer server.Close()
	defer close(release)
	f := forwarder(t, otlp.ForwarderConfig{Endpoint: server.URL, QueueBytes: 100})
	for range 2 { // both senders hang
		f.Send(make([]byte, 50), 1)
		<-arrived
	}
	var took int
	for range 10 {
		if f.Send(make([]byte, 30), 1) {
			took++
		}
	}
	if s := f.Stats(); took != 3 || s.Dropped != 7 {
		t.Errorf("took %d requests of 30 bytes into 100: %+v", took, s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Close(ctx) // does not wait for what hangs
	if s := f.Stats(); s.Sent != 0 || s.Dropped != 12 || s.Err == nil {
		t.Errorf("after closing: %+v", s)
	}
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	f := forwarder(t, otlp.ForwarderConfig{Endpoint: server.URL + "/v1/traces"})
	f.Send([]byte("x"), 2)
	f.Close(t.Context())
	if s := f.Stats(); s.Dropped != 2 || s.Err == nil {
		t.Errorf("got %+v", s)
	}
}

func TestForwarderEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "localhost:4318", "grpc://localhost:4317", "http://", "http://[::1"} {
		if _, err := otlp.NewForwarder(t.Context(), otlp.ForwarderConfig{Endpoint: endpoint}); err == nil {
			t.Errorf("%q is no endpoint", endpoint)
		}
	}
}

// TestPassThrough sends spans of the SDK through one receiver into another, beside the generator's own.
func TestPassThrough(t *testing.T) {
	var near, far sink
	behind := receive(t, otlp.ReceiverConfig{Sink: &far})
	f := forwarder(t, otlp.ForwarderConfig{Endpoint: behind.Endpoint()})
	e := otlp.NewExporter(f)
	front := receive(t, otlp.ReceiverConfig{Sink: &near, Forward: f})
	p := provider(t, front.Endpoint(), otlptracehttp.GzipCompression)
	for range 1000 {
		_, span := p.Tracer("test").Start(t.Context(), "work")
		span.End()
	}
	if err := p.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	due := time.Unix(1e9, 0)
	for i := range 300 {
		e.Add(trace.Sample{
			TraceID: [16]byte{1, byte(i), byte(i >> 8)}, SpanID: [8]byte{7: 1}, Mode: "ttl", Phase: "expiry", Round: 3, Method: "GET", Path: "/x", Due: due,
			Response: 12 * time.Millisecond, Service: 10 * time.Millisecond, Lag: 2 * time.Millisecond, Status: 500, Failed: "status",
		})
	}
	e.Close()
	f.Close(t.Context())
	if s := f.Stats(); s.Sent != 1600 || s.Dropped != 0 || e.Dropped() != 0 || near.len() != 1000 || far.len() != 1600 {
		t.Fatalf("%+v: %d spans in front and %d behind", s, near.len(), far.len())
	}
	root, wait := far.named("GET /x"), far.named("wait to be sent")
	if root.Service != "loadgen" || root.Kind != "client" || root.Start != due.UnixNano() || root.End != due.Add(12*time.Millisecond).UnixNano() ||
		!root.Failed || root.Error != "status" || root.Parent != [8]byte{} {
		t.Errorf("the root: %+v", root)
	}
	if wait.Parent != root.ID || wait.ID == root.ID || wait.Start != due.UnixNano() || wait.End != due.Add(2*time.Millisecond).UnixNano() {
		t.Errorf("the wait: %+v", wait)
	}
	for name, want := range map[string]string{
		"lab.mode": "ttl", "lab.phase": "expiry", "lab.round": "3", "lab.lag_ms": "2", "http.response.status_code": "500", "error.type": "status", "url.path": "/x",
	} {
		if got := root.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestExportedAttributesHaveTheirTypes(t *testing.T) {
	body, n, err := otlp.Encode([]trace.Sample{{TraceID: [16]byte{1}, SpanID: [8]byte{1}, Due: time.Unix(1, 0), Status: 200, Round: 1}})
	if err != nil || n != 1 {
		t.Fatalf("%d spans, %v", n, err)
	}
	var req collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, a := range req.GetResourceSpans()[0].GetResource().GetAttributes() {
		named[a.GetKey()] = a.GetValue().GetStringValue()
	}
	for _, name := range []string{"service.name", "service.version", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"} {
		if named[name] == "" {
			t.Errorf("the resource has no %s: %v", name, named)
		}
	}
	span := req.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
	for _, a := range span.GetAttributes() {
		if a.GetKey() == "http.response.status_code" && a.GetValue().GetIntValue() != 200 {
			t.Errorf("the status is %v", a.GetValue())
		}
	}
	if !bytes.Equal(span.GetTraceId(), append([]byte{1}, make([]byte, 15)...)) {
		t.Errorf("trace id %x", span.GetTraceId())
	}
}
