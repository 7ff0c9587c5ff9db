package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/world"
)

// needs reports whether any phase of the scenario does an action for which is reports true.
func needs(s *scenario.Scenario, is func(world.Action) bool) bool {
	return slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool { return does(p, is) })
}

// does reports whether a phase does such an action, before its load or during it.
func does(p scenario.Phase, is func(world.Action) bool) bool {
	named := func(name string) bool {
		a, ok := world.Named(name)
		return ok && is(a)
	}
	return slices.ContainsFunc(p.Before, func(a scenario.Action) bool { return named(a.Do) }) ||
		slices.ContainsFunc(p.During, func(e scenario.Every) bool { return named(e.Do) })
}

// changesPrices is for needs and does.
func changesPrices(a world.Action) bool { return a.Name == world.PriceChange }

// target is what the actions of a phase are done to: the subject, and the oracles that must know of its price changes.
type target struct {
	subject *subject
	driven  *driven
}

// Flush empties the app's cache.
func (t target) Flush(ctx context.Context) error { return t.subject.lab.Flush(ctx) }

// Expire makes every cached page reach its expiry now.
func (t target) Expire(ctx context.Context) error { return t.subject.lab.Expire(ctx) }

// ChangePrice commits another price of a property on the first page.
func (t target) ChangePrice(ctx context.Context) error {
	version, at, err := t.subject.pricing.change(ctx)
	if err == nil {
		t.driven.committed(version, at)
	}
	return err
}

// do does one action of a phase.
func (r *runner) do(ctx context.Context, d *driven, name string, length time.Duration) error {
	a, ok := world.Named(name)
	if !ok {
		return fmt.Errorf("unknown action %q", name)
	}
	err := a.Do(ctx, target{r.subject, d}, length)
	if err == nil {
		r.observers.metrics.Action(d.phase.Name, name)
	}
	return err
}

// committed passes a price change to the oracles of the phase's modes.
func (d *driven) committed(version int64, at time.Time) {
	for _, o := range d.oracles {
		if o != nil {
			o.Committed(version, at)
		}
	}
	if d.watch != nil {
		d.watch.committed(version, at)
	}
}

// recovery is how long after a fault an action may still fail because of it.
const recovery = 2 * time.Second

// excused reports whether an action that ran from begun to ended may have failed because of a fault of the phase: a price cannot be changed
// while the database is away.
func (d *driven) excused(begun, ended time.Time) bool {
	return slices.ContainsFunc(d.phase.Faults, func(f scenario.Fault) bool {
		from := d.start.Add(f.At)
		return ended.After(from) && begun.Before(from.Add(f.For+recovery))
	})
}

// meanwhile does the actions that go on during a phase again and again, until stop is called. stop returns the first error of each: a phase
// whose actions failed was not the phase that the scenario describes.
func (r *runner) meanwhile(ctx context.Context, d *driven) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	actions := d.phase.During
	errs := make([]error, len(actions))
	var all sync.WaitGroup
	for i, a := range actions {
		all.Go(func() {
			select {
			case <-d.recorder.Began(): // a period is counted from the begin of the load
			case <-ctx.Done():
				return
			}
			tick := time.NewTicker(a.Period)
			defer tick.Stop()
			for errs[i] == nil {
				select {
				case <-tick.C:
					// An action that has begun is not cut short: a price change of which nobody knows whether it was committed would spoil the
					// oracle.
					begun := time.Now()
					if err := r.do(context.WithoutCancel(ctx), d, a.Do, 0); err != nil && !d.excused(begun, time.Now()) {
						errs[i] = err
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return func() error {
		cancel()
		all.Wait()
		return errors.Join(errs...)
	}
}
