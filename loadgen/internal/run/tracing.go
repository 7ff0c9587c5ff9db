package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/impact"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/keep"
	"loadlab/loadgen/internal/trace/otlp"
)

// tracing is the observer that decides which requests are traced, receives the spans of the stack's own app or of services, and keeps the traces that are
// most worth a look. Its zero value traces nothing.
type tracing struct {
	phase atomic.Pointer[tracedPhase] // under way; nil between phases, and in one that is not traced

	keeper   *keep.Keeper // nil if the spans of the app cannot be had
	receiver *otlp.Receiver
	listens  bool            // for services that are not the run's own
	wait     time.Duration   // how long after the last traced request their spans are waited for
	last     atomic.Int64    // when that was, in nanoseconds of Unix time; 0 if there was none
	forward  *otlp.Forwarder // to the endpoint that the user named; nil for none
	export   *otlp.Exporter  // of the generator's own spans, to the same
}

// tracedPhase is a phase under way.
type tracedPhase struct {
	observedPhase
	faults []plannedFault
}

// plannedFault is a fault of a phase under way, by its text.
type plannedFault struct {
	impact.Band
	text string
}

// startTracing receives spans where the app is the run's own, or where cfg says that services export theirs, and passes all on to the OTLP endpoint that cfg names.
// With another app that runs already only the generator's own spans are there to be passed on.
func startTracing(ctx context.Context, cfg Config) (*tracing, error) {
	t := &tracing{}
	receives := stack.Own(cfg.Stack.Kind) || cfg.OTLPListen != ""
	if cfg.Traces < 0 || !receives && cfg.OTLP == "" {
		return t, nil
	}
	if cfg.OTLP != "" {
		var err error
		if t.forward, err = otlp.NewForwarder(ctx, otlp.ForwarderConfig{Endpoint: cfg.OTLP}); err != nil {
			return nil, UsageError{err}
		}
		t.export = otlp.NewExporter(t.forward)
	}
	if !receives {
		return t, nil
	}
	store := keep.NewStore(keep.Limits{}, time.Now)
	var err error
	if t.receiver, err = otlp.Receive(ctx, otlp.ReceiverConfig{Addr: cfg.OTLPListen, Sink: store, Forward: t.forward}); err != nil {
		t.close(ctx)
		if cfg.OTLPListen != "" {
			return nil, UsageError{err}
		}
		return nil, err
	}
	if cfg.OTLPListen != "" {
		t.listens, t.wait = true, cmp.Or(cfg.OTLPWait, DefaultOTLPWait)
	}
	t.keeper = keep.New(keep.Config{Store: store, Seed: cfg.Seed})
	return t, nil
}

// env returns the environment of the app: what it must have for its spans to come here, instead of what vars has of that.
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

// passedOn returns how many spans the endpoint took that the user named, and how many are lost.
func (t *tracing) passedOn() (exported, dropped int64) {
	if t.forward == nil {
		return 0, 0
	}
	s := t.forward.Stats()
	return s.Sent, s.Dropped + t.export.Dropped()
}

// on reports whether a trace would be seen anywhere.
func (t *tracing) on() bool { return t.keeper != nil || t.export != nil }

// Sample implements client.Sampler: every connection calls it before it sends.
func (t *tracing) Sample(mode int, k, user int64, at time.Time) bool {
	p := t.phase.Load()
	return p != nil && p.traced.Sample(mode, k, user, at)
}

// begin begins to trace a phase. Warm-up is not traced.
func (t *tracing) begin(p observedPhase) {
	if !t.on() || p.Warmup {
		return
	}
	traced := &tracedPhase{observedPhase: p}
	for _, f := range p.Faults {
		traced.faults = append(traced.faults, plannedFault{bandOf(f, p.Phase), f.Describe()})
	}
	t.phase.Store(traced)
}

// Scheduled implements measure.Observer.
func (t *tracing) Scheduled(int) {}

// Record implements measure.Observer: it keeps and exports the requests that were sampled.
func (t *tracing) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	if !o.Sampled || o.Sent.IsZero() {
		return
	}
	p := t.phase.Load()
	if p == nil {
		return
	}
	s := p.sample(mode, start.Add(due), o)
	if t.keeper != nil {
		t.last.Store(o.Done.UnixNano())
		t.keeper.Offer(s, p.faultsMet(due, o.Done.Sub(start))...)
	}
	if t.export != nil {
		t.export.Add(s)
	}
}

// faultsMet returns the faults that are planned to last when a request is due or under way.
func (p *tracedPhase) faultsMet(due, done time.Duration) []string {
	var texts []string
	for _, f := range p.faults {
		if f.Meets(due, done) {
			texts = append(texts, f.text)
		}
	}
	return texts
}

// sample returns a request of the phase as the trace's root.
func (p *tracedPhase) sample(mode int, due time.Time, o *measure.Outcome) trace.Sample {
	m := p.modes[mode]
	s := trace.Sample{
		TraceID: o.TraceID, SpanID: o.SpanID, Mode: m.Name, Phase: p.Name, Round: p.round, Method: m.Method, Path: redact.URL(m.Path),
		Due: due, Response: o.Done.Sub(due), Service: o.Done.Sub(o.Sent), Lag: o.Sent.Sub(due), Status: o.Status, Timed: o.Timed, SQL: o.Timing.SQL,
	}
	if o.Kind != measure.OK {
		s.Failed = o.Kind.String()
	}
	return s
}

// end decides what is kept of each of the phase's modes.
func (t *tracing) end(modes []measure.Tally) {
	p := t.phase.Swap(nil)
	if p == nil || t.keeper == nil {
		return
	}
	for i, m := range p.modes {
		if m.Name != "" {
			t.keeper.End(m.Name, p.Name, modes[i].P50)
		}
	}
}

// DefaultOTLPWait is for exporters that send every five seconds, which is the default of OpenTelemetry's.
const DefaultOTLPWait = 6 * time.Second

// settle waits for services that send their spans in their own time. A trace may look whole before: what of another service is missing does not show.
func (t *tracing) settle() {
	if last := t.last.Load(); t.listens && last > 0 {
		<-time.NewTimer(time.Until(time.Unix(0, last).Add(t.wait))).C
	}
}

// silent is a warning that no span came of requests that were traced; empty if one did.
func (t *tracing) silent(traces []result.Trace) string {
	if !t.listens || t.last.Load() == 0 {
		return ""
	}
	for i := range traces {
		for _, s := range traces[i].Spans {
			if s.Service != trace.Service {
				return ""
			}
		}
	}
	return fmt.Sprintf("no span of the traced requests came to %s within %s: does the service export there, and take its sampling decision from traceparent "+
		"(OTEL_EXPORTER_OTLP_ENDPOINT=%s OTEL_TRACES_SAMPLER=parentbased_always_off)?", t.receiver.Endpoint(), t.wait, t.receiver.Endpoint())
}

// assembleLimit is how long spans are waited for that the app should have sent before it ended.
const assembleLimit = 2 * time.Second

// close returns the kept traces, once the app has ended and with it has sent what it had, and warns of spans that were lost.
func (t *tracing) close(ctx context.Context) (c collected) {
	t.settle()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), assembleLimit)
	defer cancel()
	if t.keeper != nil {
		c.traces = t.keeper.Assemble(ctx)
		if text := t.silent(c.traces); text != "" {
			c.warnings = append(c.warnings, text)
		}
		if err := errors.Join(t.receiver.Close(ctx), t.receiver.Lost(), t.keeper.Lost()); err != nil {
			c.warnings = append(c.warnings, "receive spans: "+err.Error())
		}
	}
	if t.export == nil {
		return c
	}
	t.export.Close()
	t.forward.Close(ctx)
	if _, lost := t.passedOn(); lost > 0 {
		reason := "there was no room for them"
		if err := t.forward.Stats().Err; err != nil {
			reason = err.Error()
		}
		c.warnings = append(c.warnings, fmt.Sprintf("%d spans were not passed on: %s", lost, reason))
	}
	return c
}
