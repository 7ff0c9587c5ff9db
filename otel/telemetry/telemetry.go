// Package telemetry sets up traces, metrics and logs for a program of the lab. It knows the OpenTelemetry SDK and Prometheus, and
// nothing of what is observed.
//
// Traces are exported by OTLP when the standard OTEL_* variables ask for it and not at all otherwise; whoever starts a trace decides
// whether it is sampled (the traceparent's flag), and the unsampled path starts no span.
package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Telemetry is a program's set of instruments. Close flushes what has not been exported.
type Telemetry struct {
	Tracer   trace.Tracer
	Registry *prometheus.Registry
	// Tracing is whether spans are exported at all.
	Tracing bool
	Spans   Spans
	// ParentBased is whether the flag of an incoming traceparent decides alone; then a request with an unsampled parent needs no span.
	ParentBased bool

	shutdown func(context.Context) error
}

// Config is what is observed and where it goes.
type Config struct {
	Service string // service.name, unless OTEL_SERVICE_NAME is set
	Version string
	Env     func(string) string // looks an OTEL_* variable up
	Log     *slog.Logger
	// Exporter replaces the OTLP exporter in tests.
	Exporter sdktrace.SpanExporter
}

// instrumentation is the scope of every span of the lab.
const instrumentation = "loadlab"

// New sets telemetry up. An OTLP endpoint that does not answer is no error: spans are dropped, with a count.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	t := &Telemetry{
		Tracer:      noop.NewTracerProvider().Tracer(instrumentation),
		Registry:    NewRegistry(),
		ParentBased: parentBased(cfg.Env),
		shutdown:    func(context.Context) error { return nil },
	}
	RegisterSpans(t.Registry, func() (exported, dropped int64) { return t.Spans.Exported(), t.Spans.Dropped() })
	exporter := cfg.Exporter
	if exporter == nil {
		var err error
		if exporter, err = newExporter(ctx, cfg.Env); err != nil {
			return nil, fmt.Errorf("set up the OTLP exporter: %w", err)
		}
	}
	if exporter == nil {
		return t, nil
	}
	res, err := describe(ctx, cfg)
	if err != nil {
		return nil, err
	}
	counted := &countingExporter{next: exporter, spans: &t.Spans, log: cfg.Log}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithSpanProcessor(newQueue(counted, &t.Spans)))
	t.Tracing = true
	t.Tracer = provider.Tracer(instrumentation)
	t.shutdown = provider.Shutdown
	return t, nil
}

// describe returns the resource of what is exported.
func describe(ctx context.Context, cfg Config) (*resource.Resource, error) {
	service := cfg.Service
	if name := cfg.Env("OTEL_SERVICE_NAME"); name != "" {
		service = name
	}
	res, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", service), attribute.String("service.version", cfg.Version)))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe the service: %w", err)
	}
	return res, nil
}

// Close flushes and stops the export of spans.
func (t *Telemetry) Close(ctx context.Context) error { return t.shutdown(ctx) }

// NewRegistry returns a registry with the runtime's own metrics: scheduler latencies and GC pauses are what a slow request is often
// made of.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsGC, collectors.MetricsScheduler)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newPauses(),
	)
	return reg
}

// newExporter returns the exporter that the standard variables ask for; nil if they ask for none.
func newExporter(ctx context.Context, env func(string) string) (sdktrace.SpanExporter, error) {
	endpoint := forSignal(env, "TRACES", "ENDPOINT")
	kind := env("OTEL_TRACES_EXPORTER")
	if env("OTEL_SDK_DISABLED") == "true" || kind == "none" || endpoint == "" && kind == "" {
		return nil, nil
	}
	if kind != "" && kind != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: only otlp and none are built in", kind)
	}
	overGRPC, err := grpcChosen(env, "TRACES")
	switch {
	case err != nil:
		return nil, err
	case overGRPC:
		return otlptracegrpc.New(ctx, otlptracegrpc.WithTimeout(exportTimeout))
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithTimeout(exportTimeout))
}

// forSignal is the value of a variable of the exporter: that of the signal, TRACES or LOGS, or else that of all signals.
func forSignal(env func(string) string, of, name string) string {
	return cmp.Or(env("OTEL_EXPORTER_OTLP_"+of+"_"+name), env("OTEL_EXPORTER_OTLP_"+name))
}

// grpcChosen reports whether a signal goes over gRPC, and not over HTTP.
func grpcChosen(env func(string) string, of string) (bool, error) {
	switch protocol := forSignal(env, of, "PROTOCOL"); protocol {
	case "", "http/protobuf":
		return false, nil
	case "grpc":
		return true, nil
	default:
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: only http/protobuf and grpc are built in", protocol)
	}
}

// exportTimeout bounds the export of one batch, and with it how long a program that ends waits for a collector that does not answer.
const exportTimeout = 3 * time.Second

func parentBased(env func(string) string) bool {
	switch env("OTEL_TRACES_SAMPLER") {
	case "", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio":
		return true
	}
	return false
}
