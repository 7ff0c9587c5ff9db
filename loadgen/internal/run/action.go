package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/measure"
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

// pricing changes the price of a property that is on the first page.
type pricing struct {
	lab *lab.Client
	id  int64

	mu   sync.Mutex // guards made
	made int64
}

func newPricing(ctx context.Context, client *lab.Client) (*pricing, error) {
	page, err := client.FirstPage(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a property whose price can be changed: %w", err)
	}
	if len(page.Results) == 0 {
		return nil, errors.New("look for a property whose price can be changed: the first page is empty")
	}
	return &pricing{lab: client, id: page.Results[0].ID}, nil
}

// change commits another price and tells the oracles.
func (p *pricing) change(ctx context.Context, oracles []*measure.Oracle) error {
	p.mu.Lock()
	p.made++
	price := fmt.Sprintf("%d.00", firstPrice+p.made)
	p.mu.Unlock()
	property, at, err := p.lab.ChangePrice(ctx, p.id, price)
	if err != nil {
		return fmt.Errorf("change a price: %w", err)
	}
	for _, o := range oracles {
		if o != nil {
			o.Committed(property.Version, at)
		}
	}
	return nil
}

const firstPrice = 100_000

// do does one action.
func (r *runner) do(ctx context.Context, verb scenario.Verb, wait time.Duration, oracles []*measure.Oracle) error {
	switch verb {
	case scenario.Flush:
		return r.lab.Flush(ctx)
	case scenario.Expire:
		return r.lab.Expire(ctx)
	case scenario.PriceChange:
		return r.price.change(ctx, oracles)
	case scenario.Wait:
		select {
		case <-time.After(wait):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("unknown action %q", verb)
}

// meanwhile does the actions of a phase again and again until stop is called. stop returns the first error: a phase whose actions failed
// was not the phase that the scenario describes.
func (r *runner) meanwhile(ctx context.Context, actions []scenario.Every, oracles []*measure.Oracle) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
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
					errs[i] = r.do(context.WithoutCancel(ctx), a.Do, 0, oracles)
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
