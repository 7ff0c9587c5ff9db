package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/scenario"
)

// driven is a phase under way.
type driven struct {
	block    block
	phase    indexed
	modes    []int // of the scenario, that take part
	recorder recording
	own      *measure.Recorder // the same, if this process drives the load
	share    arrival.Share     // of the load that it drives, if workers do
	at       time.Time         // when they begin
	oracles  []*measure.Oracle // by mode of the scenario; nil for those that take no part
	before   counters
	account  account // before
	start    time.Time
	took     time.Duration
	befallen []*befallen // the faults of the phase
	watch    *watch      // nil without faults
	reached  linkFailures
	out      []time.Duration // how long each replica was out of service; nil with one
}

// recording is what is measured of a phase, by this process or by its workers.
type recording interface {
	Began() <-chan struct{}
	Snapshot() measure.Snapshot
	Finish() ([]measure.Result, error)
}

// record makes the recorder of a phase that this process drives.
func (d *driven) record(c measure.Config) {
	d.own = measure.NewRecorder(c)
	d.recorder = d.own
}

// phase prepares, drives and collects one phase of a block.
func (r *runner) phase(ctx context.Context, b block, p indexed) error {
	d := &driven{block: b, phase: p, modes: r.modesOf(b, p), oracles: make([]*measure.Oracle, len(r.Scenario.Modes))}
	if does(p.Phase, changesPrices) {
		for _, m := range d.modes {
			d.oracles[m] = &measure.Oracle{}
		}
	}
	err := r.enter(ctx, d)
	if err != nil {
		return err
	}
	if d.reached, err = r.subject.unreached(ctx); err != nil {
		return err
	}
	if d.before, err = r.subject.counters(ctx); err != nil {
		return err
	}
	d.account = r.subject.opened(ctx)
	err = r.drive(ctx, d)
	if unknown := r.collect(ctx, d); err == nil {
		err = unknown
	}
	return err
}

// enter makes everything ready for a phase: settings, world, what is done before, and all replicas in service.
func (r *runner) enter(ctx context.Context, d *driven) error {
	p := d.phase
	if err := errors.Join(r.subject.configure(ctx, p.Phase), r.subject.around.enter(ctx, p.Phase)); err != nil {
		return err
	}
	r.observers.metrics.Distances(p.Name, r.subject.around.current())
	for _, a := range p.Before {
		if err := r.do(ctx, d, a.Do, a.For); err != nil {
			return fmt.Errorf("%s, before phase %s: %w", a.Do, p.Name, err)
		}
	}
	if err := r.subject.health.complete(ctx, p.World.Replicas); err != nil {
		return fmt.Errorf("phase %s: %w", p.Name, err)
	}
	return nil
}

// modesOf returns the modes that take part in a phase, by their place in the scenario.
func (r *runner) modesOf(b block, p indexed) []int {
	var modes []int
	for i, m := range r.Scenario.Modes {
		takesPart := m.Compared() == b.mode
		for _, share := range p.Mix {
			takesPart = takesPart || share.Mode == m.Compared()
		}
		if takesPart {
			modes = append(modes, i)
		}
	}
	return modes
}

// drive drives the phase's load. The actions that go on meanwhile end with it.
func (r *runner) drive(ctx context.Context, d *driven) error {
	var observer measure.Observer = r.observers
	if len(d.phase.Faults) > 0 {
		d.watch = newWatch(d.phase.Phase, d.oracles, areSessions(r.Scenario.Modes), r.observers)
		observer = d.watch
	}
	config := measure.Config{
		Modes: len(r.Scenario.Modes), Sessions: areSessions(r.Scenario.Modes), Oracles: d.oracles, Observer: observer, Replicas: d.phase.World.Replicas,
	}
	load := r.loop
	if r.workers == nil {
		d.record(config)
	} else {
		load = r.workers.join(r, d, config)
	}
	r.observers.begin(r.observed(d))
	defer func() { r.observers.end(d.recorder.Snapshot().Modes) }()
	whole := ctx
	ctx, cancel := r.subject.whileUp(ctx)
	defer cancel()
	d.start = time.Now()
	begun := d.start // the figures are asked for from another goroutine
	end := r.Progress.Begin(r.heading(d), func() progress.Figures { return r.figures(d, time.Since(begun)) })
	stop := r.meanwhile(ctx, d)
	befall := r.befall(ctx, d)
	until, watched := r.abortable(ctx, d)
	result, err := load(until, d)
	aborted := watched()
	actionErr := stop()
	if err != nil || result.Interrupted {
		cancel() // no fault outlasts its phase
	}
	faultErr := befall()
	if !result.Start.IsZero() {
		d.start, d.took, d.out = result.Start, result.Took, r.subject.health.out(result.Start, result.Start.Add(result.Took))
		r.account(d, result)
	}
	end(r.figures(d, d.took))
	switch {
	case err != nil:
		return err
	case actionErr != nil || faultErr != nil:
		return fmt.Errorf("during phase %s: %w", d.phase.Name, errors.Join(actionErr, faultErr))
	case r.subject.broken() != nil:
		return r.subject.broken()
	case aborted != nil && whole.Err() == nil:
		r.report.Aborted = append(r.report.Aborted, *aborted)
		r.warn(fmt.Sprintf("%s: %s was %s (abort_when: %s)", sentence(*aborted), aborted.Figure, aborted.Value, aborted.When))
	case result.Interrupted:
		return context.Cause(ctx)
	case result.RanOut:
		name, rows := r.scarcest(d)
		return fmt.Errorf("phase %s, mode %s: the data %q has %d rows, each to be taken once, and there are more requests", d.phase.Name, d.block.name(), name, rows)
	}
	return nil
}

// observed returns what observers may know of a phase.
func (r *runner) observed(d *driven) observedPhase {
	modes := make([]scenario.Mode, len(r.Scenario.Modes))
	for _, m := range d.modes {
		modes[m] = r.Scenario.Modes[m]
	}
	p := d.phase.Phase
	if r.workers != nil && d.watch == nil {
		p.World.Replicas = 0 // which replica took a request is known at the end of the phase
	}
	return observedPhase{Phase: p, round: d.block.round, rounds: r.shownRounds(), turn: d.block.name(), modes: modes, traced: r.sampling(d)}
}

// heading returns what is shown of a phase.
func (r *runner) heading(d *driven) progress.Heading {
	return progress.Heading{
		Round: d.block.round, Rounds: r.shownRounds(), Mode: d.block.name(), Name: d.phase.Name, Load: d.phase.Describe(), Warmup: d.phase.Warmup,
		For: d.phase.Length(), Requests: d.phase.Requests, Ahead: r.ahead(d), Last: r.shownRounds() > 0 && len(r.ahead(d)) == 0,
	}
}

// ahead returns the phases that follow one; nil if nobody knows how many.
func (r *runner) ahead(d *driven) []progress.Ahead {
	if r.shownRounds() == 0 {
		return nil
	}
	var all []progress.Ahead
	passed := false
	for _, b := range r.plan.blocks {
		for _, p := range b.phases {
			if passed {
				all = append(all, progress.Ahead{Name: p.Name, For: p.Length()})
			}
			passed = passed || b.round == d.block.round && b.mode == d.block.mode && p.index == d.phase.index
		}
	}
	return all
}

// figures returns what has been measured of a phase so far.
func (r *runner) figures(d *driven, elapsed time.Duration) progress.Figures {
	now := d.recorder.Snapshot()
	f := progress.Figures{Elapsed: elapsed, Requests: now.All.Ended, Errors: now.All.Failed, P50: now.All.P50, P95: now.All.P95, P99: now.All.P99}
	for _, m := range d.modes {
		if mode := r.Scenario.Modes[m]; mode.Session == "" {
			f.Modes = append(f.Modes, progress.Mode{Name: mode.Name, P99: now.Modes[m].P99, Second: now.Modes[m].Second, Latest: now.Modes[m].Latest,
				Few: now.Modes[m].Few})
		}
	}
	return f
}
