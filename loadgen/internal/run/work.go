package run

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/shard"
)

// Work sends a worker's share of the load of a run, phase by phase, as its coordinator says. The scenario is that of the run, with all of its modes.
func Work(ctx context.Context, s *scenario.Scenario, c shard.WorkerConfig) error {
	w := &working{scenario: s, index: c.Index}
	defer w.close()
	return shard.Work(ctx, c, w)
}

// working is a worker at work. It implements shard.Driver: it is a run that has no stack and no observers, and drives a share.
type working struct {
	scenario *scenario.Scenario
	index    int
	job      job
	runner   *runner
	sampler  sampler
	last     load // the phase before
}

// Join implements shard.Driver.
func (w *working) Join(ctx context.Context, text json.RawMessage) error {
	if err := json.Unmarshal(text, &w.job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	s, err := w.scenario.Only(w.job.Modes)
	if err != nil {
		return err
	}
	options, err := w.job.Connect.options()
	if err != nil {
		return err
	}
	options.Sampler = &w.sampler
	p := plan{seed: w.job.Seed}
	sub := &subject{
		scenario: s, client: options, data: p.derive(dataStream, 0, 0),
		seed: p.derive(callerStream, w.index, 0), // no two workers send the same trace ids
	}
	if sub.health, err = newHealth(w.job.URLs, options); err != nil {
		return err
	}
	if sub.connections, err = newConnections(w.job.URLs, sub.health.group, s.Modes, options, sub.seed, sub.data); err != nil {
		return err
	}
	sub.health.watch(ctx)
	w.runner = &runner{Config: Config{Scenario: s, Seed: w.job.Seed, Traces: w.job.Traces}, plan: p, subject: sub}
	return nil
}

func (w *working) close() {
	if w.runner != nil {
		w.runner.subject.health.end()
		w.runner.subject.connections.close()
	}
}

// Prepare implements shard.Driver.
func (w *working) Prepare(text json.RawMessage) (shard.Load, error) {
	var l load
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("read what the phase is: %w", err)
	}
	r := w.runner
	if l.Phase < 0 || l.Phase >= len(r.Scenario.Phases) {
		return nil, fmt.Errorf("the scenario has no phase %d", l.Phase)
	}
	if l.Round != w.last.Round || l.Mode != w.last.Mode {
		r.subject.connections.forget() // as the run does at the begin of a block
	}
	w.last = l
	p := indexed{r.Scenario.Phases[l.Phase], l.Phase}
	p.World.Replicas = l.Replicas
	d := r.newDriven(block{round: l.Round, mode: l.Mode}, p)
	d.share = arrival.Share{Index: w.index, Of: w.job.Workers}
	part := &partOfLoad{working: w, driven: d, wanted: wanted(p.Phase)}
	d.own = measure.NewRecorder(measure.Config{
		Modes: len(r.Scenario.Modes), Sessions: areSessions(r.Scenario.Modes), Observer: part, Replicas: l.Replicas, Deltas: true,
	})
	w.sampler.of.Store(nil)
	if w.job.Traced && !p.Warmup {
		w.sampler.of.Store(r.sampling(d))
	}
	return part, nil
}

// partOfLoad is a worker's part of a phase. It implements shard.Load, and measure.Observer for the requests that the coordinator wants to know of by
// themselves.
type partOfLoad struct {
	working *working
	driven  *driven
	wanted  func(*measure.Outcome) bool

	mu   sync.Mutex // guards seen
	seen []shard.Seen
}

// wanted returns which requests of a phase the coordinator wants to know of by themselves: those that are traced, those that show how old a page
// is where prices change, and all where there are faults.
func wanted(p scenario.Phase) func(*measure.Outcome) bool {
	all, versions := len(p.Faults) > 0, does(p, changesPrices)
	return func(o *measure.Outcome) bool {
		return all || o.Sampled || versions && o.Kind == measure.OK && o.Version != 0
	}
}

// Scheduled implements measure.Observer.
func (p *partOfLoad) Scheduled(int) {}

// Record implements measure.Observer.
func (p *partOfLoad) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	if !p.wanted(o) {
		return
	}
	s := shard.NewSeen(mode, due, start, o)
	p.mu.Lock()
	p.seen = append(p.seen, s)
	p.mu.Unlock()
}

// Drive implements shard.Load.
func (p *partOfLoad) Drive(ctx context.Context, at time.Time) (done shard.Done) {
	r := p.working.runner
	p.driven.at = at
	result, err := r.loop(ctx, p.driven)
	if err != nil {
		done.Failed = err.Error()
	}
	done.Result = result
	return done
}

// Flush implements shard.Load.
func (p *partOfLoad) Flush(last bool) (measure.Delta, []shard.Seen) {
	delta := p.driven.own.Flush(time.Now(), last)
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return delta, seen
}
