package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/scenario"
)

// pair is two subjects that are up, one for each build: A and B. Each has its own app process, database, Redis and links.
type pair [2]*runner

// up brings both subjects up, at the same time. If either does not come up, nothing is left behind. Traced ones export their spans to observers of
// their own, which compareWork closes.
func (t *abTest) up(ctx context.Context, traced bool) (pair, error) {
	var p pair
	var errs [2]error
	var both sync.WaitGroup
	for i := range p {
		cfg := t.Config
		cfg.Stack.Log = nil
		if arm := t.Arms[i]; arm.URL != "" {
			cfg.Stack.Targets = []string{arm.URL}
			if arm.Lab != "" {
				cfg.Stack.Labs = []string{arm.Lab}
			}
		} else {
			cfg.Stack.AppBinary, cfg.Stack.AppArgs = arm.Binary, slices.Concat(cfg.Stack.AppArgs, arm.Args)
		}
		if traced {
			cfg.Traces = 0
		}
		r := &runner{Config: cfg, plan: t.plan, report: newReport(cfg)}
		both.Go(func() {
			if errs[i] = r.up(ctx); errs[i] == nil {
				p[i] = r
			}
		})
	}
	both.Wait()
	for i := range errs {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("arm %s: %w", ab.Letter(i), errs[i])
		}
	}
	if err := errors.Join(errs[0], errs[1]); err != nil {
		return pair{}, errors.Join(err, p.down(ctx))
	}
	t.test.A.App, t.test.B.App = p[0].report.Stack.App, p[1].report.Stack.App
	return p, nil
}

// down ends both.
func (p pair) down(ctx context.Context) error {
	var errs [2]error
	var both sync.WaitGroup
	for i, r := range p {
		if r == nil {
			continue
		}
		both.Go(func() {
			errs[i] = r.subject.down(ctx)
			r.report.Traces = r.observers.close(ctx).traces
		})
	}
	both.Wait()
	return errors.Join(errs[0], errs[1])
}

// why is the error of a slice, or what stands behind it: a process of an arm that has ended.
func (p pair) why(ctx context.Context, err error) error {
	for i, r := range p {
		if broken := r.subject.brokenSoon(ctx); broken != nil {
			return fmt.Errorf("the stack of arm %s broke: %w", ab.Letter(i), broken)
		}
	}
	return err
}

// whole drives a phase that warms up as it is.
func (r *runner) whole(ctx context.Context, b block, p indexed) error {
	d := r.newDriven(b, p)
	if err := r.enter(ctx, d); err != nil {
		return err
	}
	_, err := r.slice(ctx, d, newTally(len(r.Scenario.Modes)))
	return err
}

// oneUser is a phase of n requests, one after the other, in the world and with the settings of p.
func oneUser(p scenario.Phase, n int) scenario.Phase {
	p.Kind, p.Steps, p.Users, p.Requests, p.For = scenario.Closed, nil, 1, n, 0
	p.Think, p.Mix, p.Warmup, p.Trace = scenario.Think{}, nil, false, scenario.Trace{Said: true, All: true}
	return p
}
