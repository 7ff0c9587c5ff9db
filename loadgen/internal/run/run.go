// Package run is one run of a scenario, top to bottom: it brings the stack up, drives every phase against every mode, collects what
// the clients and the app report, judges the gates, and returns a result.Run. What each of these steps means is the business of the
// package that does it.
package run

import (
	"context"
	"fmt"
	"time"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/result"
)

// runner is a run under way.
type runner struct {
	Config
	plan      plan
	subject   *subject
	observers *observers
	workers   *workers // nil if this process sends the load
	requests  requests
	report    *result.Run
}

// Run runs the scenario. The report is complete also when the run turns out invalid or is interrupted; an error means that there was
// nothing to report: the stack did not come up.
func Run(ctx context.Context, cfg Config) (*result.Run, error) {
	report := newReport(cfg)
	r := &runner{Config: cfg, plan: newPlan(cfg.Scenario, report.Scenario.Rounds, cfg.Seed), report: report}
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	err := r.hire(ctx)
	if err == nil {
		err = r.phases(ctx)
	}
	if err != nil {
		r.stopped(ctx, err)
	}
	r.dismiss()
	r.down(ctx)
	if cfg.Auto {
		report.Scenario.Rounds = roundsDone(report)
	}
	validate(report)
	judge(report, cfg.Scenario.Gates)
	if err := r.observers.metrics.conclude(report); err != nil {
		r.warn("the figures in Prometheus: " + err.Error())
	}
	hideSecrets(report, cfg.Scenario)
	return report, nil
}

// Check refuses what Run would before it starts anything.
func Check(cfg Config) error {
	_, err := newSubject(cfg, newPlan(cfg.Scenario, 1, cfg.Seed))
	return err
}

// up starts the observers and brings the subject up. If it cannot, it leaves nothing behind.
func (r *runner) up(ctx context.Context) (err error) {
	if r.subject, err = newSubject(r.Config, r.plan); err != nil {
		return err
	}
	if r.observers, err = startObservers(ctx, r.Config, r.report); err != nil {
		return err
	}
	r.observers.attach(r.subject)
	if err := r.subject.up(ctx); err != nil {
		r.observers.close(ctx)
		r.observers.metrics.stop()
		return err
	}
	r.observers.metrics.Used(r.subject.used)
	r.expectModes(ctx)
	r.observers.metrics.Await(ctx) // what counts nothing yet is scraped, too
	r.logMissingViews()
	if at := r.Grafana.Run(r.report, time.Time{}); at != "" {
		r.log("in Grafana, from the end of its first mode on: " + at)
	}
	r.report.Stack, r.report.Strategies = r.subject.about.stack, r.subject.about.strategies
	r.warn(r.subject.about.warnings...)
	r.alert(r.subject.notMade()...)
	r.alert(shortages(r.Scenario, limits.Read())...)
	return nil
}

// phases drives the blocks of the plan, phase by phase, up to the first that fails.
func (r *runner) phases(ctx context.Context) error {
	done := 0 // rounds
	for _, b := range r.plan.blocks {
		if b.round > done+1 {
			if done++; !r.goOn(done) {
				break
			}
		}
		r.subject.connections.forget() // rounds are independent
		for _, p := range b.phases {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := r.phase(ctx, b, p); err != nil {
				return err
			}
		}
		r.blockEnded(b)
	}
	return nil
}

// stopped puts into the report why the run ended before its time.
func (r *runner) stopped(ctx context.Context, err error) {
	broken := r.subject.brokenSoon(ctx)
	switch {
	case broken != nil:
		r.invalid("the stack broke: %v", broken)
	case ctx.Err() != nil:
		r.report.Interrupted = true
	default:
		r.invalid("%v", err)
	}
}

// down ends all that up began, the observers last: the app exports the last of its spans when it ends.
func (r *runner) down(ctx context.Context) {
	r.report.Stack.Distances = r.subject.around.distances(len(r.Scenario.Phases))
	if n := r.subject.droppedSpans(ctx); n > 0 {
		r.warn(fmt.Sprintf("the app dropped %d spans: traces may have gaps", n))
	}
	if err := r.subject.reset(ctx); err != nil {
		r.warn(err.Error())
	}
	if err := r.subject.down(ctx); err != nil {
		r.warn("at the end of the run: " + err.Error())
	}
	seen := r.observers.close(ctx)
	r.report.Traces = seen.traces
	r.warn(seen.warnings...)
	r.report.Took = time.Since(r.report.Started)
}

func (r *runner) warn(warnings ...string) {
	r.report.Warnings = append(r.report.Warnings, warnings...)
}

// alert warns before the load begins, and in the report.
func (r *runner) alert(warnings ...string) {
	for _, w := range warnings {
		r.log("warning: " + w)
	}
	r.warn(warnings...)
}

func (r *runner) invalid(format string, args ...any) {
	r.report.Invalid = append(r.report.Invalid, fmt.Sprintf(format, args...))
}
