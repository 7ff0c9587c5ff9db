package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// ErrNoEndpoint is that logs are to be exported, and nobody has said where to.
var ErrNoEndpoint = errors.New("OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, is not set")

// ExportLogs returns a handler that sends records of a level and above by OTLP, with the trace and the span that they were logged in, to where the standard
// variables point. Its end sends what is left. An endpoint that does not answer is no error: records are dropped.
func ExportLogs(ctx context.Context, cfg Config, level slog.Leveler) (h slog.Handler, end func(context.Context) error, err error) {
	exporter, err := newLogExporter(ctx, cfg.Env)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the export of logs: %w", err)
	}
	res, err := describe(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	return from{otelslog.NewHandler(instrumentation, otelslog.WithLoggerProvider(provider)), level}, provider.Shutdown, nil
}

func newLogExporter(ctx context.Context, env func(string) string) (sdklog.Exporter, error) {
	if forSignal(env, "LOGS", "ENDPOINT") == "" {
		return nil, ErrNoEndpoint
	}
	overGRPC, err := grpcChosen(env, "LOGS")
	switch {
	case err != nil:
		return nil, err
	case overGRPC:
		return otlploggrpc.New(ctx, otlploggrpc.WithTimeout(exportTimeout))
	}
	return otlploghttp.New(ctx, otlploghttp.WithTimeout(exportTimeout))
}

// from is a handler for records of a level and above.
type from struct {
	slog.Handler
	level slog.Leveler
}

// Enabled implements slog.Handler.
func (h from) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level.Level() && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h from) WithAttrs(attrs []slog.Attr) slog.Handler {
	return from{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup implements slog.Handler.
func (h from) WithGroup(name string) slog.Handler { return from{h.Handler.WithGroup(name), h.level} }
