package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/keep"
	"loadlab/loadgen/internal/trace/otlp"
)

// tracing decides which requests are traced, receives the spans of the stack's own app, and keeps the traces that say most. Its zero
// value traces nothing.
type tracing struct {
	perSecond float64                       // of a phase that does not say
	budget    atomic.Pointer[client.Budget] // of the phase under way; nil between phases

	keeper   *keep.Keeper // nil if the spans of the app cannot be had
	receiver *otlp.Receiver
	forward  *otlp.Forwarder // to the endpoint that the user named; nil for none
	export   *otlp.Exporter  // of the generator's own spans, to the same
}

// startTracing receives spans where the app is the run's own, and passes all on to the OTLP endpoint that the environment names. With a
// remote app only the generator's own spans are there to be passed on.
func startTracing(ctx context.Context, cfg Config) (*tracing, error) {
	t := &tracing{perSecond: cfg.Traces}
	own := cfg.Stack.Kind != stack.Remote
	if cfg.Traces < 0 || !own && cfg.OTLP == "" {
		return t, nil
	}
	if cfg.OTLP != "" {
		var err error
		if t.forward, err = otlp.NewForwarder(ctx, otlp.ForwarderConfig{Endpoint: cfg.OTLP}); err != nil {
			return nil, UsageError{err}
		}
		t.export = otlp.NewExporter(t.forward)
	}
	if !own {
		return t, nil
	}
	store := keep.NewStore(keep.Limits{}, time.Now)
	kept := keep.Config{Store: store, Seed: cfg.Seed}
	if t.export != nil {
		kept.Export = t.export.Add
	}
	t.keeper = keep.New(kept)
	var err error
	if t.receiver, err = otlp.Receive(ctx, otlp.ReceiverConfig{Sink: store, Forward: t.forward}); err != nil {
		return nil, fmt.Errorf("receive spans: %w", err)
	}
	return t, nil
}

// env is what the app must have in its environment for its spans to come here, instead of whatever is there.
func (t *tracing) env(vars []string) []string {
	var kept []string
	for _, v := range vars {
		if !strings.HasPrefix(v, "OTEL_EXPORTER_OTLP_") && !strings.HasPrefix(v, "OTEL_TRACES_") {
			kept = append(kept, v)
		}
	}
	if t.receiver != nil {
		kept = append(kept, t.receiver.Env()...)
	}
	return kept
}

// on reports whether anybody would see a trace.
func (t *tracing) on() bool { return t.keeper != nil || t.export != nil }

// Sample is asked by every connection before it sends.
func (t *tracing) Sample(mode int, at time.Time) bool {
	b := t.budget.Load()
	return b != nil && b.Sample(mode, at)
}

// begin gives a phase its budget: what the scenario says of it, or the run's. Warm-up is not traced.
func (t *tracing) begin(p scenario.Phase) {
	if !t.on() || p.Warmup {
		return
	}
	rate := t.perSecond
	if p.Trace.Said {
		rate = p.Trace.PerSecond
	}
	b := client.NewBudget(rate)
	b.Everything(p.Trace.Said && p.Trace.All)
	t.budget.Store(b)
}

// end ends a phase: what is kept of each of its modes is decided.
func (t *tracing) end(phase string, medians map[string]time.Duration) {
	t.budget.Store(nil)
	if t.keeper == nil {
		return
	}
	for mode, p50 := range medians {
		t.keeper.End(mode, phase, p50)
	}
}

// record is told of a request that was sampled.
func (t *tracing) record(r *runner, d *driven, mode int, due time.Time, o *measure.Outcome) {
	m := r.Scenario.Modes[mode]
	s := trace.Sample{
		TraceID: o.TraceID, SpanID: o.SpanID, Mode: m.Name, Phase: d.phase.Name, Round: d.block.round, Method: m.Method, Path: m.Path,
		Due: due, Response: o.Done.Sub(due), Service: o.Done.Sub(o.Sent), Lag: o.Sent.Sub(due), Status: o.Status, Timed: o.Timed, SQL: o.Timing.SQL,
	}
	if o.Kind != measure.OK {
		s.Failed = o.Kind.String()
	}
	switch {
	case t.keeper != nil:
		t.keeper.Offer(s)
	case t.export != nil:
		t.export.Add(s)
	}
}

// assembleLimit is how long spans are waited for that the app should have sent before it ended.
const assembleLimit = 2 * time.Second

// close returns the kept traces, once the app has ended and with it has sent what it had, and what went wrong.
func (t *tracing) close(ctx context.Context) (traces []result.Trace, problem error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), assembleLimit)
	defer cancel()
	if t.keeper != nil {
		traces = t.keeper.Assemble(ctx)
		problem = errors.Join(t.receiver.Close(ctx), t.receiver.Lost(), t.keeper.Lost())
	}
	if t.export == nil {
		return traces, problem
	}
	t.export.Close()
	t.forward.Close(ctx)
	if s := t.forward.Stats(); s.Dropped > 0 || t.export.Dropped() > 0 {
		problem = errors.Join(problem, fmt.Errorf("%d spans were not passed on: %w", s.Dropped+t.export.Dropped(), s.Err))
	}
	return traces, problem
}
