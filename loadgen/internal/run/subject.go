package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/fault"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/world"
)

// subject is what a run measures: a stack, and all that is needed to put load on it. It knows neither the plan nor the phases of the run. A
// comparison of two versions of an app has two of them.
type subject struct {
	scenario *scenario.Scenario // what the stack must be able to do, and how its app is configured
	config   stack.Config
	client   client.Options
	seed     uint64      // of the connections
	data     uint64      // seed of the data: of what is the same in all phases
	links    []string    // servers that a link stands before
	stage    fault.Stage // what can be done to the servers, from the beginning: see newSubject

	// Set by up.
	stack       *stack.Stack
	lab         *lab.Client
	about       about
	connections *connections
	health      *health
	pricing     *pricing // nil if the scenario changes no prices
	around      *around
	simulated   bool       // the database has no wire
	settings    api.Config // that some phase changes, as they are in the others
}

// newSubject returns a subject that is not up yet. The error is a UsageError: a fault that cannot be done to such a stack.
func newSubject(cfg Config, p plan) (*subject, error) {
	s := &subject{
		scenario: cfg.Scenario, config: cfg.Stack, client: cfg.Client, seed: p.derive(callerStream, 0, 0), data: p.derive(dataStream, 0, 0),
	}
	s.around = &around{subject: s}
	if stack.Own(cfg.Stack.Kind) || cfg.Stack.LinksAddr != "" {
		s.links = linked(cfg.Scenario)
	}
	if cfg.Stack.Kind == stack.Embedded { // SQLite has no wire
		s.links = slices.DeleteFunc(s.links, func(name string) bool { return name == world.Database })
	}
	s.stage = newStage(s)
	return s, checkWorld(cfg, s.stage)
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
	s.config.Links, s.config.Replicas, s.config.Reach = s.links, s.scenario.Replicas(), s.reach
	s.config.FindLabs = wantsLab(s.scenario) != ""
	if s.stack, err = stack.Up(ctx, s.config); err != nil {
		return err
	}
	s.lab = lab.New(s.stack.APIs, s.stack.Labs)
	if err = s.describe(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, s.down(ctx))
	}
	return nil
}

// reach makes a connection to a target as its requests will.
func (s *subject) reach(ctx context.Context, target string) error {
	t, err := client.NewTarget(target, s.client)
	if err != nil {
		return err
	}
	return t.Reach(ctx)
}

// prepare makes the requests and their connections, and looks for a property whose price can be changed.
func (s *subject) prepare(ctx context.Context) (err error) {
	if s.health, err = newHealth(s.stack.APIs, s.client); err != nil {
		return UsageError{err}
	}
	if s.connections, err = newConnections(s.stack.APIs, s.health.group, s.scenario.Modes, s.client, s.seed, s.data); err != nil {
		return UsageError{err}
	}
	s.health.watch(ctx)
	if needs(s.scenario, changesPrices) {
		s.pricing, err = newPricing(ctx, s.lab)
	}
	return err
}

// down ends the stack, also when the run was interrupted.
func (s *subject) down(ctx context.Context) error {
	if s.health != nil {
		s.health.end()
	}
	if s.connections != nil {
		s.connections.close()
	}
	s.lab.Close()
	return s.stack.Down(context.WithoutCancel(ctx))
}

// settleLimit is how long recomputes that outlive a phase may take to end. Their cost belongs to the phase.
const settleLimit = 30 * time.Second

// counters returns the totals by the app's modes of each replica, once nothing runs any more; nil without lab controls.
func (s *subject) counters(ctx context.Context) (counters, error) {
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
	return totals, nil
}

// counters are the totals of each replica.
type counters []api.Counters

// of returns those of one of the app's modes, over all replicas.
func (c counters) of(mode string) api.Counts {
	var sum api.Counts
	for _, replica := range c {
		sum = sum.Add(replica.Modes[mode].Counts)
	}
	return sum
}

// droppedSpans returns how many spans the stack's own apps have lost: traces may have gaps then. What an app that ran already does with its spans is not
// the run's concern.
func (s *subject) droppedSpans(ctx context.Context) int64 {
	if !stack.Own(s.stack.Kind) || s.broken() != nil {
		return 0
	}
	totals, err := s.lab.Counters(context.WithoutCancel(ctx))
	if err != nil {
		return 0
	}
	var dropped int64
	for _, replica := range totals {
		dropped += replica.SpansDropped
	}
	return dropped
}

// done is closed when a process of the stack has ended by itself.
func (s *subject) done() <-chan struct{} { return s.stack.Done() }

// whileUp returns a context that ends with ctx, when cancel is called, or when the stack breaks: there is nobody left to answer.
func (s *subject) whileUp(ctx context.Context) (up context.Context, cancel context.CancelFunc) {
	up, cancel = context.WithCancel(ctx)
	go func() {
		select {
		case <-s.done():
			cancel()
		case <-up.Done():
		}
	}()
	return up, cancel
}

// broken returns which process has ended by itself, and how; nil if none has.
func (s *subject) broken() error { return s.stack.Err() }

// noticeLimit is how long the end of a process may take to be noticed.
const noticeLimit = 500 * time.Millisecond

// brokenSoon is broken for when a request or a control has failed: an app that ends breaks connections a moment before its end is noticed.
func (s *subject) brokenSoon(ctx context.Context) error {
	if len(s.stack.Apps()) > 0 {
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
