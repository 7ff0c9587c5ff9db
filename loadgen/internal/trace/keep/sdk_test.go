package keep_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/keep"
	"loadlab/loadgen/internal/trace/otlp"
)

// serve makes the spans of a naive page as the app does, below the span that the request's traceparent names.
func serve(t *testing.T, tracer oteltrace.Tracer, s trace.Sample) {
	t.Helper()
	parent := oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: s.TraceID, SpanID: s.SpanID, TraceFlags: oteltrace.FlagsSampled, Remote: true})
	ctx, server := tracer.Start(oteltrace.ContextWithRemoteSpanContext(t.Context(), parent), "GET /api", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	query := func(text string) {
		_, span := tracer.Start(ctx, "SELECT", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(
			attribute.String("db.system.name", "sqlite"), attribute.String("db.query.text", text)))
		span.End()
	}
	query(`SELECT count(*) FROM "properties" AS "p"`)
	query(`SELECT "p"."id" FROM "properties" AS "p" LIMIT 20`)
	for i := range 20 {
		for _, table := range []string{"agents", "offices", "locations"} {
			query(fmt.Sprintf(`SELECT * FROM %q WHERE (id = %d)`, table, i))
		}
	}
	server.End()
}

// TestWholeTracesOverHTTP has the real SDK send the traces of naive pages to a receiver.
func TestWholeTracesOverHTTP(t *testing.T) {
	store := keep.NewStore(keep.Limits{}, time.Now)
	receiver, err := otlp.Receive(t.Context(), otlp.ReceiverConfig{Sink: store})
	if err != nil {
		t.Fatal(err)
	}
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(receiver.Endpoint()+"/v1/traces"),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(1<<14), sdktrace.WithBlocking()))
	k := keep.New(keep.Config{Store: store})
	for i := range 50 {
		s := sample(i, "naive", "warm", float64(i+1))
		_, _ = rand.Read(s.TraceID[:])
		s.Due, s.Timed, s.SQL = time.Now(), true, 62
		serve(t, provider.Tracer("app"), s)
		k.Offer(s)
	}
	k.End("naive", "warm", 0)
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	traces := k.Assemble(ctx)
	if err := receiver.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(traces) != 4 {
		t.Fatalf("kept %s", describe(traces))
	}
	for _, tr := range traces {
		if tr.Problem != "" || len(tr.Spans) != 2+63 || trace.Orphans(&tr) != 0 || len(trace.Tree(&tr)) != 1 {
			t.Errorf("%s: %d spans, %s", tr.Why, len(tr.Spans), tr.Problem)
		}
		if got, want := trace.FindQueries(tr.Spans).String(), "agents by id x 20, offices by id x 20, locations by id x 20: 60 of 62 queries"; got != want {
			t.Errorf("got %q", got)
		}
		if server := tr.Spans[1]; tr.Spans[2].Start < 0 && server.Start < 0 {
			t.Errorf("spans begin %v before the request was due", -server.Start)
		}
	}
	if _, spans := keep.Size(store); spans != 50*63 || receiver.Lost() != nil || k.Lost() != nil {
		t.Errorf("%d spans arrived, want %d; lost: %v, %v", spans, 50*63, receiver.Lost(), k.Lost())
	}
}
