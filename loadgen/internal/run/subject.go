package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// subject is what a run measures: a stack, and all that is needed to put load on it. It knows neither the plan nor the phases of the run. A
// comparison of two versions of an app has two of them.
type subject struct {
	scenario *scenario.Scenario // what the stack must be able to do, and how its app is configured
	config   stack.Config
	client   client.Options
	seed     uint64 // of the connections
	data     uint64 // seed of the data: of what is the same in all phases

	// Set by up.
	stack       *stack.Stack
	lab         *lab.Client
	about       about
	requests    []*client.Request // by mode of the scenario
	connections *connections
	pricing     *pricing // nil if the scenario changes no prices
}

// about is what the stack reports of itself.
type about struct {
	stack      result.Stack
	strategies []result.Strategy
	warnings   []string
}

// up brings the stack up, and makes ready all that the phases need. If it cannot, it leaves nothing behind. A UsageError is a scenario that
// cannot be run on this stack.
func (s *subject) up(ctx context.Context) (err error) {
	if s.stack, err = stack.Up(ctx, s.config); err != nil {
		return err
	}
	s.lab = lab.New(s.stack.API, s.stack.Lab)
	if err = s.describe(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, s.down(ctx))
	}
	return nil
}

// prepare makes the requests and their connections, and looks for a property whose price can be changed.
func (s *subject) prepare(ctx context.Context) error {
	target, err := client.NewTarget(s.stack.API, s.client)
	if err != nil {
		return UsageError{err}
	}
	if s.requests, err = prepare(target, s.scenario.Modes, s.data); err != nil {
		return UsageError{err}
	}
	s.connections = &connections{target: target, requests: s.requests, seed: s.seed}
	if needs(s.scenario, changesPrices) {
		s.pricing, err = newPricing(ctx, s.lab)
	}
	return err
}

// down ends the stack, also when the run was interrupted.
func (s *subject) down(ctx context.Context) error {
	if s.connections != nil {
		s.connections.close()
	}
	s.lab.Close()
	return s.stack.Down(context.WithoutCancel(ctx))
}

// settleLimit is how long recomputes that outlive a phase may take to end. Their cost belongs to the phase.
const settleLimit = 30 * time.Second

// counters returns the app's totals by its modes, once nothing runs any more; nil without lab controls.
func (s *subject) counters(ctx context.Context) (map[string]api.Counts, error) {
	// Also when the run is being interrupted: a partial report should be right as far as it goes.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	totals, err := s.lab.Settle(ctx)
	if errors.Is(err, lab.ErrNoLab) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the app's counters: %w", err)
	}
	counts := map[string]api.Counts{}
	for name, m := range totals.Modes {
		counts[name] = m.Counts
	}
	return counts, nil
}

// cpu returns the CPU time that the stack's own app has used so far; 0 if that is unknown.
func (s *subject) cpu() time.Duration {
	if s.stack.App == nil {
		return 0
	}
	used, err := s.stack.App.CPU()
	if err != nil {
		return 0 // not on this system, or the app has ended: what is not known is in no figure
	}
	return used
}

// droppedSpans returns how many spans the stack's own app has lost: traces may have gaps then. What a remote app does with its spans is not the
// run's concern.
func (s *subject) droppedSpans(ctx context.Context) int64 {
	if s.stack.Kind == stack.Remote || s.broken() != nil {
		return 0
	}
	totals, err := s.lab.Counters(context.WithoutCancel(ctx))
	if err != nil {
		return 0
	}
	return totals.SpansDropped
}

// done is closed when a process of the stack has ended by itself.
func (s *subject) done() <-chan struct{} { return s.stack.Done() }

// broken returns which process has ended by itself, and how; nil if none has.
func (s *subject) broken() error { return s.stack.Err() }

// noticeLimit is how long the end of a process may take to be noticed.
const noticeLimit = 500 * time.Millisecond

// brokenSoon is broken for when a request or a control has failed: an app that ends breaks connections a moment before its end is noticed.
func (s *subject) brokenSoon(ctx context.Context) error {
	if s.stack.App != nil {
		notice := time.NewTimer(noticeLimit)
		defer notice.Stop()
		select {
		case <-s.stack.Done():
		case <-ctx.Done():
		case <-notice.C:
		}
	}
	return s.broken()
}
