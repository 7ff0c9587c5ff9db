package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/otel/telemetry"
)

// Records that are exported have the trace that they were logged in, their attributes and the name of their service; those below the level are not exported. The lines
// are written all the same.
func TestLogsAreExported(t *testing.T) {
	var mu sync.Mutex // guards requests
	var requests []*collectorpb.ExportLogsServiceRequest
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req collectorpb.ExportLogsServiceRequest
		if err != nil || r.URL.Path != "/v1/logs" || proto.Unmarshal(body, &req) != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
		mu.Lock()
		requests = append(requests, &req)
		mu.Unlock()
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	h, end, err := telemetry.ExportLogs(t.Context(), telemetry.Config{Service: "x", Version: "v1", Env: os.Getenv}, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	log := telemetry.NewLogger(&lines, slog.LevelDebug, h).With("k", "v")
	tel := start(t, telemetry.Config{Exporter: tracetest.NewInMemoryExporter()})
	defer tel.Close(context.Background())
	ctx, span := tel.Tracer.Start(t.Context(), "work")
	log.DebugContext(ctx, "not that important")
	log.InfoContext(ctx, "hello")
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(lines.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, &lines)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(requests) != 1 {
		t.Fatalf("%d exports, want 1", len(requests))
	}
	of := requests[0].GetResourceLogs()[0]
	records := of.GetScopeLogs()[0].GetLogRecords()
	if len(records) != 1 || records[0].GetBody().GetStringValue() != "hello" {
		t.Fatalf("got %v, want hello alone", records)
	}
	id := span.SpanContext().TraceID()
	if got := records[0].GetTraceId(); !bytes.Equal(got, id[:]) {
		t.Errorf("trace %x, want %s", got, id)
	}
	if text := records[0].String() + of.GetResource().String(); !strings.Contains(text, `"k"`) || !strings.Contains(text, `"service.name"`) || !strings.Contains(text, `"v1"`) {
		t.Errorf("got %s, want the attribute and the service", text)
	}
}

// Without an endpoint there is nowhere to send them: that is said at the start, not found out later.
func TestLogsNeedAnEndpoint(t *testing.T) {
	_, _, err := telemetry.ExportLogs(t.Context(), telemetry.Config{Env: func(string) string { return "" }}, slog.LevelInfo)
	if !errors.Is(err, telemetry.ErrNoEndpoint) {
		t.Errorf("got %v, want ErrNoEndpoint", err)
	}
}
