package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/scenario"
)

// needs reports whether any phase of the scenario does verb.
func needs(s *scenario.Scenario, verb scenario.Verb) bool {
	return slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool { return does(p, verb) })
}

// does reports whether a phase does verb, before its load or during it.
func does(p scenario.Phase, verb scenario.Verb) bool {
	return slices.ContainsFunc(p.Before, func(a scenario.Action) bool { return a.Do == verb }) ||
		slices.ContainsFunc(p.During, func(e scenario.Every) bool { return e.Do == verb })
}

// do does one action of a phase.
func (r *runner) do(ctx context.Context, d *driven, a scenario.Action) error {
	switch a.Do {
	case scenario.Flush:
		return r.subject.flush(ctx)
	case scenario.Expire:
		return r.subject.expire(ctx)
	case scenario.PriceChange:
		version, at, err := r.subject.changePrice(ctx)
		if err == nil {
			d.committed(version, at)
		}
		return err
	case scenario.Wait:
		select {
		case <-time.After(a.For):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("unknown action %q", a.Do)
}

// committed passes a price change to the oracles of the phase's modes.
func (d *driven) committed(version int64, at time.Time) {
	for _, o := range d.oracles {
		if o != nil {
			o.Committed(version, at)
		}
	}
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
			tick := time.NewTicker(a.Period)
			defer tick.Stop()
			for errs[i] == nil {
				select {
				case <-tick.C:
					// An action that has begun is not cut short: a price change of which nobody knows whether it was committed would spoil the
					// oracle.
					errs[i] = r.do(context.WithoutCancel(ctx), d, scenario.Action{Do: a.Do})
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
