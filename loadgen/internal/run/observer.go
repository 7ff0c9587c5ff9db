package run

import (
	"context"
	"slices"
	"time"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
)

// observer sees a run from the side: it gets the requests of every phase, and returns what it has collected of them when it is closed. It
// knows nothing of the run but what begin passes to it.
type observer interface {
	measure.Observer
	// begin comes before the first request of a phase.
	begin(observedPhase)
	// end comes when the last request of the phase has ended, with what each of the scenario's modes came to.
	end(modes []measure.Tally)
	// close ends the observer. It comes after the end of the app, which exports the last of its spans then.
	close(context.Context) collected
}

// observedPhase is what an observer knows of a phase under way.
type observedPhase struct {
	scenario.Phase
	round  int
	rounds int             // of how many; 0 if that is unknown
	turn   string          // the mode in whose turn the phase runs; "mix" if modes share it
	modes  []scenario.Mode // by their place in the scenario; those that take no part are empty
	traced *sampling       // which requests are
}

// collected is what an observer adds to the report.
type collected struct {
	traces   []result.Trace
	warnings []string
}

// observers are all observers of a run.
type observers struct {
	tracing *tracing // is one of all
	metrics *metrics // likewise, where somebody asked for them
	all     []observer
}

// startObservers starts the observers that cfg asks for. If one cannot start, none is left behind.
func startObservers(ctx context.Context, cfg Config, report *result.Run) (*observers, error) {
	tracing, err := startTracing(ctx, cfg)
	if err != nil {
		return nil, err
	}
	o := &observers{tracing: tracing, metrics: &metrics{stop: func() {}}, all: []observer{tracing}}
	if cfg.Live != nil {
		cfg.Live.Started(report)
		o.all = append(o.all, watched{cfg.Live})
	}
	if cfg.MetricsAddr == "" {
		return o, nil
	}
	if o.metrics, err = serveMetrics(ctx, cfg, report, tracing); err != nil {
		o.close(ctx)
		return nil, err
	}
	o.all = append(o.all, o.metrics)
	return o, nil
}

// attach prepares a subject that is not up yet to be observed: its app will export its spans to the run, and its requests will be sampled.
func (o *observers) attach(s *subject) {
	s.config.Env = o.tracing.env(s.config.Env)
	s.client.Sampler = o.tracing
}

func (o *observers) begin(p observedPhase) {
	for _, each := range o.all {
		each.begin(p)
	}
}

func (o *observers) end(modes []measure.Tally) {
	for _, each := range o.all {
		each.end(modes)
	}
}

// Scheduled implements measure.Observer.
func (o *observers) Scheduled(mode int) {
	for _, each := range o.all {
		each.Scheduled(mode)
	}
}

// Record implements measure.Observer.
func (o *observers) Record(mode int, due time.Duration, start time.Time, out *measure.Outcome) {
	for _, each := range o.all {
		each.Record(mode, due, start, out)
	}
}

// close closes all observers, the last first, and returns what they have collected.
func (o *observers) close(ctx context.Context) collected {
	var sum collected
	for _, each := range slices.Backward(o.all) {
		c := each.close(ctx)
		sum.traces = append(sum.traces, c.traces...)
		sum.warnings = append(sum.warnings, c.warnings...)
	}
	return sum
}
