// Package run is one run of a scenario, top to bottom: it brings the stack up, drives every phase against every mode, collects what
// the clients and the app say of it, judges the gates, and returns a result.Run. What each of these steps means is the business of the
// package that does it.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// Config says what to run, and on what.
type Config struct {
	Scenario *scenario.Scenario
	Stack    stack.Config
	Seed     uint64
	Rounds   int            // 0: the scenario's
	Client   client.Options // how requests are made; the sampler is the run's own
	// AllowLimited judges the gates also when the generator was the bottleneck.
	AllowLimited bool
	MetricsAddr  string  // where the generator's own metrics are served; empty for nowhere
	Traces       float64 // requests a second that are traced, in phases that do not say; negative: nothing is traced, whatever a phase says
	OTLP         string  // an OTLP/HTTP endpoint that all spans are passed on to; empty for none
	Progress     Progress
}

// Progress is told what is going on.
type Progress interface {
	Begin(phase progress.Heading, live func() progress.Figures) (end func(progress.Figures))
}

// runner is a run under way.
type runner struct {
	Config
	report *result.Run
	stack  *stack.Stack
	lab    *lab.Client
	load   *load
	price  *pricing
	watch  *watch
}

// Run runs the scenario. The report is complete also when the run turns out invalid or is interrupted; an error means that there was
// nothing to report: the stack did not come up.
func Run(ctx context.Context, cfg Config) (*result.Run, error) {
	r := &runner{Config: cfg, report: newReport(cfg)}
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	for _, b := range plan(cfg.Scenario, r.report.Scenario.Rounds, cfg.Seed) {
		if err := r.block(ctx, b); err != nil {
			r.stopped(ctx, err)
			break
		}
	}
	r.countDrops(ctx)
	if err := r.down(ctx); err != nil {
		r.report.Warnings = append(r.report.Warnings, "at the end of the run: "+err.Error())
	}
	r.report.Took = time.Since(r.report.Started)
	validate(r.report)
	judge(r.report, cfg.Scenario.Gates)
	return r.report, nil
}

// up brings the stack up, and makes ready all that the phases need. If it cannot, it leaves nothing behind.
func (r *runner) up(ctx context.Context) (err error) {
	if r.watch, err = newWatch(ctx, r); err != nil {
		return err
	}
	r.Stack.Env = r.watch.tracing.env(r.Stack.Env)
	if r.stack, err = stack.Up(ctx, r.Stack); err != nil {
		return errors.Join(err, r.watch.close(ctx))
	}
	r.lab = lab.New(r.stack.API, r.stack.Lab)
	r.sayWhatIsNotSeen()
	if err = r.describe(ctx); err == nil {
		err = r.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, r.down(ctx))
	}
	return nil
}

// sayWhatIsNotSeen tells, on real servers, which views of the run there will not be: nobody should look for it in Grafana in vain.
func (r *runner) sayWhatIsNotSeen() {
	if r.Stack.Kind != stack.Local || r.Stack.Log == nil {
		return
	}
	say := func(text string) { _, _ = fmt.Fprintln(r.Stack.Log, text) } // a log that is gone is no reason to stop
	if r.MetricsAddr == "" {
		say("not in Grafana: no Prometheus scrapes this run (--metrics-addr serves the generator's metrics)")
	}
	if r.OTLP == "" && r.watch.tracing.keeper != nil {
		say("not in Jaeger: traces are kept in run.json alone, for loadgen trace (--otlp URL passes them on)")
	}
}

// countDrops warns of spans that the app lost: traces may have gaps then.
func (r *runner) countDrops(ctx context.Context) {
	if r.watch.tracing.keeper == nil || r.stack.Err() != nil {
		return
	}
	if totals, err := r.lab.Counters(context.WithoutCancel(ctx)); err == nil && totals.SpansDropped > 0 {
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("the app dropped %d spans: traces may have gaps", totals.SpansDropped))
	}
}

// down ends the stack, also when the run was interrupted.
func (r *runner) down(ctx context.Context) error {
	if r.load != nil {
		r.load.close()
	}
	r.lab.Close()
	err := r.stack.Down(context.WithoutCancel(ctx))
	return errors.Join(err, r.watch.close(ctx))
}

// prepare makes what the phases need: requests, and a property whose price can be changed.
func (r *runner) prepare(ctx context.Context) (err error) {
	options := r.Client
	options.Sampler = r.watch.tracing
	if r.load, err = newLoad(r.stack.API, r.Scenario, r.Seed, options); err != nil {
		return UsageError{err}
	}
	if !needs(r.Scenario, scenario.PriceChange) {
		return nil
	}
	r.price, err = newPricing(ctx, r.lab)
	return err
}

// block drives the phases of one mode, or those that modes share.
func (r *runner) block(ctx context.Context, b block) error {
	for _, p := range b.phases {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.phase(ctx, b, p); err != nil {
			return err
		}
	}
	return nil
}

// stopped says in the report why the run ended before its time.
func (r *runner) stopped(ctx context.Context, err error) {
	if r.stack.App != nil { // an app that dies breaks connections a moment before its end is noticed
		notice := time.NewTimer(noticeLimit)
		defer notice.Stop()
		select {
		case <-r.stack.Done():
		case <-ctx.Done():
		case <-notice.C:
		}
	}
	switch {
	case r.stack.Err() != nil:
		r.invalid("the stack broke: %v", r.stack.Err())
	case ctx.Err() != nil:
		r.report.Interrupted = true
	default:
		r.invalid("%v", err)
	}
}

// noticeLimit is how long the end of a process may take to be noticed.
const noticeLimit = 500 * time.Millisecond

func (r *runner) invalid(format string, args ...any) {
	r.report.Invalid = append(r.report.Invalid, fmt.Sprintf(format, args...))
}
