package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"loadlab/loadgen/internal/trace/otlp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what it is given.
type sink struct {
	mu    sync.Mutex
	spans []otlp.Span
}

func (s *sink) Add(span *otlp.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans = append(s.spans, *span)
}

func (s *sink) named(name string) *otlp.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.spans {
		if s.spans[i].Name == name {
			return &s.spans[i]
		}
	}
	return nil
}

func (s *sink) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spans)
}

// receive starts a receiver that the test ends with.
func receive(t *testing.T, cfg otlp.ReceiverConfig) *otlp.Receiver {
	t.Helper()
	r, err := otlp.Receive(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// provider makes spans with the SDK and sends them with its exporter.
func provider(t *testing.T, endpoint string, compression otlptracehttp.Compression) *sdktrace.TracerProvider {
	t.Helper()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"), otlptracehttp.WithCompression(compression))
	if err != nil {
		t.Fatal(err)
	}
	res := resource.NewSchemaless(attribute.String("host.name", "x"), attribute.String("service.name", "shop"))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	t.Cleanup(func() {
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestSpansOfTheSDKArriveWhole(t *testing.T) {
	for name, compression := range map[string]otlptracehttp.Compression{"plain": otlptracehttp.NoCompression, "gzip": otlptracehttp.GzipCompression} {
		t.Run(name, func(t *testing.T) {
			var got sink
			r := receive(t, otlp.ReceiverConfig{Sink: &got})
			p := provider(t, r.Endpoint(), compression)
			tracer := p.Tracer("test")
			start := time.Now()
			ctx, root := tracer.Start(t.Context(), "GET /", oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithTimestamp(start))
			_, other := tracer.Start(t.Context(), "other")
			for range 62 {
				_, child := tracer.Start(ctx, "SELECT agents", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(
					attribute.String("db.system.name", "sqlite"), attribute.String("db.query.text", "SELECT 'ü'"), attribute.Int64("lab.int", -3),
					attribute.Bool("lab.bool", true), attribute.Float64("lab.float", 2.5), attribute.StringSlice("lab.list", []string{"a", "b"}),
					attribute.String("thread.name", "dropped")))
				child.AddEvent("waited", oteltrace.WithTimestamp(start.Add(3)), oteltrace.WithAttributes(attribute.Float64("lab.cache.for_ms", 1.5)))
				child.AddLink(oteltrace.Link{SpanContext: other.SpanContext()})
				child.SetStatus(codes.Error, "no such table")
				child.End()
			}
			other.End()
			root.End(oteltrace.WithTimestamp(start.Add(time.Second)))
			if err := p.ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got.len() != 64 {
				t.Fatalf("%d spans arrived, want 64", got.len())
			}
			server, child := got.named("GET /"), got.named("SELECT agents")
			if server.TraceID != root.SpanContext().TraceID() || server.ID != root.SpanContext().SpanID() || server.Parent != [8]byte{} ||
				server.Kind != "server" || server.Service != "shop" || server.Start != start.UnixNano() || server.End-server.Start != 1e9 || server.Failed {
				t.Errorf("the server's span: %+v", server)
			}
			if child.Parent != server.ID || child.Kind != "client" || !child.Failed || child.Error != "no such table" || len(child.Attributes) != 6 ||
				len(child.Links) != 1 || child.Links[0].TraceID != other.SpanContext().TraceID() || child.Links[0].SpanID != other.SpanContext().SpanID() {
				t.Errorf("the query's span: %+v", child)
			}
			if diff := cmp.Diff([]otlp.Event{{At: start.UnixNano() + 3, Name: "waited", Attributes: []otlp.Attribute{{Name: "lab.cache.for_ms", Value: "1.5"}}}}, child.Events); diff != "" {
				t.Error(diff)
			}
			for name, want := range map[string]string{
				"db.query.text": "SELECT 'ü'", "lab.int": "-3", "lab.bool": "true", "lab.float": "2.5", "lab.list": "a, b", "thread.name": "",
			} {
				if got := child.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if err := r.Lost(); err != nil {
				t.Error(err)
			}
		})
	}
}

func packed(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReceiverRefuses(t *testing.T) {
	good, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	const limit = 1 << 16
	zeros := make([]byte, 2*limit)
	var got sink
	r := receive(t, otlp.ReceiverConfig{Sink: &got, MaxBody: limit})
	for _, test := range []struct {
		name, method, path, media, encoding string
		body                                []byte
		want                                int
	}{
		{"an empty request", "POST", "/v1/traces", "application/x-protobuf", "", good, 200},
		{"parameters of the media type", "POST", "/v1/traces", "application/x-protobuf; charset=utf-8", "identity", good, 200},
		{"another method", "GET", "/v1/traces", "", "", nil, 405},
		{"another signal", "POST", "/v1/metrics", "application/x-protobuf", "", good, 404},
		{"JSON", "POST", "/v1/traces", "application/json", "", []byte("{}"), 200},
		{"text", "POST", "/v1/traces", "text/plain", "", []byte("{}"), 415},
		{"JSON that is none", "POST", "/v1/traces", "application/json", "", []byte("{"), 400},
		{"no media type", "POST", "/v1/traces", "", "", good, 415},
		{"another packing", "POST", "/v1/traces", "application/x-protobuf", "zstd", good, 415},
		{"not packed", "POST", "/v1/traces", "application/x-protobuf", "gzip", []byte("hello, world"), 400},
		{"packed and cut off", "POST", "/v1/traces", "application/x-protobuf", "gzip", packed(t, zeros[:limit])[:30], 400},
		{"noise", "POST", "/v1/traces", "application/x-protobuf", "", []byte("\x0a\xff\xff"), 400},
		{"too large", "POST", "/v1/traces", "application/x-protobuf", "", zeros, 413},
		{"a bomb", "POST", "/v1/traces", "application/x-protobuf", "gzip", packed(t, zeros), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, r.Endpoint()+test.path, bytes.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", test.media)
			req.Header.Set("Content-Encoding", test.encoding)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.want {
				t.Errorf("got %d %s, want %d", resp.StatusCode, text, test.want)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
	const want = "9 export requests were refused: Content-Type must be application/x-protobuf or application/json"
	if err := r.Lost(); err == nil || err.Error() != want || got.len() != 0 {
		t.Errorf("got %v and %d spans, want %s and none", err, got.len(), want)
	}
}

func TestSpansWithoutAnIDAreRejected(t *testing.T) {
	var got sink
	r := receive(t, otlp.ReceiverConfig{Sink: &got})
	body := request(t, span(1, 1), span(0, 1), span(1, 0), span(2, 2))
	resp, err := http.Post(r.Endpoint()+"/v1/traces", "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var response collectorpb.ExportTraceServiceResponse
	if err := proto.Unmarshal(answer, &response); err != nil {
		t.Fatal(err)
	}
	if response.GetPartialSuccess().GetRejectedSpans() != 2 || got.len() != 2 || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %v, and %d spans", resp.StatusCode, &response, got.len())
	}
	const want = "2 spans were refused: they have no valid id"
	if err := r.Lost(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnAddressInUse(t *testing.T) {
	r := receive(t, otlp.ReceiverConfig{Sink: &sink{}})
	addr := strings.TrimPrefix(r.Endpoint(), "http://")
	if _, err := otlp.Receive(t.Context(), otlp.ReceiverConfig{Addr: addr, Sink: &sink{}}); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("got %v, want an error that names %s", err, addr)
	}
}

func TestEnvNamesTheReceiver(t *testing.T) {
	r := receive(t, otlp.ReceiverConfig{Sink: &sink{}})
	if env := strings.Join(r.Env(), "\n"); !strings.Contains(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+r.Endpoint()) || !strings.Contains(env, "=http/protobuf") {
		t.Error(env)
	}
}
