package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func start(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	if cfg.Env == nil {
		cfg.Env = environment(nil)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// metric returns the value of a counter without labels.
func metric(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestEverySpanIsExportedAndCounted(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	tel := start(t, telemetry.Config{Service: "test", Exporter: keep{exporter}})
	const spans = 5000
	for range spans {
		_, span := tel.Tracer.Start(t.Context(), "work")
		span.End()
	}
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := len(exporter.GetSpans()); got != spans {
		t.Errorf("exported %d spans, want %d", got, spans)
	}
	if got := metric(t, tel.Registry, signal.SpansExported); got != spans {
		t.Errorf("%s = %v, want %d", signal.SpansExported, got, spans)
	}
	if got := metric(t, tel.Registry, signal.SpansDropped); got != 0 {
		t.Errorf("%s = %v, want 0", signal.SpansDropped, got)
	}
}

// keep hides Shutdown, which empties an InMemoryExporter.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }

// refusing is an exporter whose collector is not there.
type refusing struct{ calls atomic.Int64 }

func (r *refusing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	r.calls.Add(1)
	return errors.New("connection refused")
}

func (r *refusing) Shutdown(context.Context) error { return nil }

func TestNoCollectorIsSaidOnceAndCounted(t *testing.T) {
	var log bytes.Buffer
	exporter := &refusing{}
	tel := start(t, telemetry.Config{Exporter: exporter, Log: telemetry.NewLogger(&log, slog.LevelInfo)})
	const spans = 3000
	for range spans {
		_, span := tel.Tracer.Start(t.Context(), "work")
		span.End()
	}
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := metric(t, tel.Registry, signal.SpansDropped); got != spans {
		t.Errorf("%s = %v, want %d", signal.SpansDropped, got, spans)
	}
	if exporter.calls.Load() < 2 {
		t.Fatalf("%d batches: too few to see that the warning is not repeated", exporter.calls.Load())
	}
	if got := strings.Count(log.String(), "\n"); got != 1 {
		t.Errorf("%d log lines, want 1:\n%s", got, log.String())
	}
}

func TestEnvironmentDecides(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	for _, test := range []struct {
		name    string
		env     map[string]string
		tracing bool
		err     string
	}{
		{name: "nothing set"},
		{name: "endpoint", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}, tracing: true},
		{name: "traces endpoint", env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.URL + "/v1/traces"}, tracing: true},
		{name: "grpc", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, tracing: true},
		{name: "exporter alone", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, tracing: true},
		{name: "none", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_TRACES_EXPORTER": "none"}},
		{name: "disabled", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_SDK_DISABLED": "true"}},
		{name: "unknown exporter", env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, err: "OTEL_TRACES_EXPORTER"},
		{name: "unknown protocol", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, err: "OTEL_EXPORTER_OTLP_PROTOCOL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tel, err := telemetry.New(t.Context(), telemetry.Config{Env: environment(test.env), Log: slog.New(slog.DiscardHandler)})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one that names %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer tel.Close(context.Background())
			if tel.Tracing != test.tracing {
				t.Errorf("tracing %v, want %v", tel.Tracing, test.tracing)
			}
		})
	}
}

func TestLogLinesCarryTheTrace(t *testing.T) {
	var out bytes.Buffer
	tel := start(t, telemetry.Config{Exporter: tracetest.NewInMemoryExporter()})
	defer tel.Close(context.Background())
	ctx, span := tel.Tracer.Start(t.Context(), "work")
	telemetry.NewLogger(&out, slog.LevelInfo).With("k", "v").InfoContext(ctx, "hello")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if got, want := line[signal.LogTraceID], span.SpanContext().TraceID().String(); got != want {
		t.Errorf("%s = %v, want %s", signal.LogTraceID, got, want)
	}
	if line["k"] != "v" {
		t.Errorf("the logger's own attribute is gone: %v", line)
	}
}
