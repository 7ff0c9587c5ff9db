package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// How an A/B test is measured, unless it is asked for otherwise: see docs/adr/0018.
const (
	DefaultSlice = 250 * time.Millisecond
	DefaultEpoch = 2500 * time.Millisecond // of load an arm, for each mode and phase

	warmShare   = 0.4  // of an epoch's load, before it
	mostSlices  = 200  // of an arm in an epoch's load
	mostDropped = 8    // epochs
	mostStolen  = 0.10 // of the processors' time
	mostFailed  = 0.01 // of an arm's requests in a mode and phase of an epoch
)

// ABConfig is an A/B test of two builds. What differs between the arms is in Arms alone.
type ABConfig struct {
	Config
	Arms          [2]Build
	Modes, Phases []string // names; empty for all that can be compared
	Slice         time.Duration
	Epoch         time.Duration // load of an arm, for each mode and phase
	MaxEpochs     int           // looks after more are left out; 0: the plan's
	Warnings      []string      // that the report is to have
	// Metrics is where the test is shown to Prometheus while it goes on; empty for nowhere. (MetricsAddr is of a run, of which an epoch has several.)
	Metrics string
	Live    *live.Test // a page that shows the test; nil for none. (Config.Live is of a run.)
}

// Build is what an arm runs: a program, or a service that runs already.
type Build struct {
	ab.Arm
	Binary   string // empty of a service
	URL, Lab string // of a service, and of its lab controls if it has them
}

// running reports whether the arms are services that run already.
func (c ABConfig) running() bool { return c.Arms[0].URL != "" }

// abTest is an A/B test under way.
type abTest struct {
	ABConfig
	plan  plan
	turns []turn
	coin  *rand.Rand
	test  *ab.Test
	shown *expose.AB // nil where nobody asked for metrics
}

// AB measures two builds until their difference is decided. The test is complete also when it turns out invalid or is interrupted; an error means
// that it did not begin.
func AB(ctx context.Context, cfg ABConfig) (*ab.Test, error) {
	t := newAB(cfg)
	var err error
	if t.turns, t.test.Ungated, err = turnsOf(cfg); err != nil {
		return nil, err
	}
	if cfg.Metrics != "" {
		t.shown = expose.NewAB(t.test)
		url, stop, err := t.shown.Serve(context.WithoutCancel(ctx), cfg.Metrics) // as that of a run
		if err != nil {
			return nil, UsageError{err}
		}
		defer stop()
		t.log("the test's metrics are at " + url)
	}
	t.Live.Now(t.test, "comparing what the same requests cost")
	err = t.compareWork(ctx)
	for n := 1; err == nil && t.goOn(); n++ {
		t.Live.Now(t.test, fmt.Sprintf("measuring epoch %d", n))
		err = t.epoch(ctx, n)
	}
	if err == nil {
		t.Live.Now(t.test, "looking for what is behind it")
		t.diagnose(ctx)
	}
	switch {
	case ctx.Err() != nil:
		t.test.Interrupted = true
	case errors.As(err, new(UsageError)) || errors.Is(err, stack.ErrNoApp):
		return nil, err
	case err != nil:
		t.test.Invalid = append(t.test.Invalid, err.Error())
	}
	t.test.Took = time.Since(t.test.Started)
	d, err := t.test.Decide()
	t.test.Verdict = d.Verdict
	t.shown.Decided(t.test)
	return t.test, err
}

func newAB(cfg ABConfig) *abTest {
	cfg.Traces = -1
	return &abTest{ABConfig: cfg, plan: plan{seed: cfg.Seed}, coin: rand.New(rand.NewPCG(cfg.Seed, coinStream<<48)), test: newABTest(cfg)}
}

func newABTest(cfg ABConfig) *ab.Test {
	head := newReport(cfg.Config)
	defaults := stats.DefaultPlan(cfg.Seed)
	if cfg.running() {
		defaults = stats.RunningPlan(cfg.Seed)
	}
	t := &ab.Test{
		Kind: ab.Kind, Schema: ab.SchemaVersion, ID: head.ID + "-ab", Started: head.Started, Scenario: head.Scenario, Seed: cfg.Seed, Machine: head.Machine,
		Commit: head.Commit, Stack: cfg.Stack.Kind, A: cfg.Arms[0].Arm, B: cfg.Arms[1].Arm, Running: cfg.running(), Warnings: slices.Clone(cfg.Warnings),
		Plan: ab.Plan{
			Slice: cfg.Slice, Epoch: cfg.Epoch, WarmUp: time.Duration(warmShare * float64(cfg.Epoch)), Beta: defaults.Beta, Tolerance: defaults.Tolerance,
			Seed: defaults.Seed,
		},
	}
	for _, l := range defaults.Looks {
		if cfg.MaxEpochs == 0 || l.Epochs <= cfg.MaxEpochs {
			t.Plan.Looks = append(t.Plan.Looks, ab.Look(l))
		}
	}
	return t
}

// goOn reports whether the test has another epoch.
func (t *abTest) goOn() bool {
	d, err := t.test.Decide()
	switch {
	case err != nil:
		t.test.Invalid = append(t.test.Invalid, err.Error())
		return false
	case len(t.test.Invalid) > 0 || len(d.Grew) > 0:
		return false
	case d.Dropped > mostDropped:
		t.test.Invalid = append(t.test.Invalid, fmt.Sprintf("%s of %d were dropped, the last because of this: %s", unit.Counted(int64(d.Dropped), "epoch"),
			len(t.test.Epochs), t.test.Epochs[len(t.test.Epochs)-1].Dropped[0]))
		return false
	}
	return len(t.test.Epochs) == 0 || d.Open()
}

// epoch measures one pair of fresh processes.
func (t *abTest) epoch(ctx context.Context, number int) (err error) {
	began, ticks := time.Now(), readTicks()
	e := ab.Epoch{Number: number}
	p, err := t.up(ctx, false)
	if err != nil {
		return err
	}
	var drivers [][]result.Driver
	for _, turn := range t.turns {
		cells, slices, err := t.measure(ctx, p, turn, &e)
		if err != nil {
			return errors.Join(p.why(ctx, err), p.down(ctx))
		}
		e.Cells, drivers = append(e.Cells, cells...), append(drivers, slices)
	}
	if err := p.down(ctx); err != nil {
		t.test.Warnings = append(t.test.Warnings, fmt.Sprintf("at the end of epoch %d: %v", number, err))
	}
	e.Dropped = limitsOf(number, drivers)
	if e.Stolen = readTicks().stolenSince(ticks); e.Stolen > mostStolen {
		e.Dropped = append(e.Dropped, fmt.Sprintf("the machine's host gave %s of the processors' time to others (steal)", unit.Percent(e.Stolen)))
	}
	t.finish(&e)
	if err := t.shown.Epoch(t.test); err != nil {
		return err
	}
	t.log(fmt.Sprintf("epoch %d: %s%s", number, unit.Length(time.Since(began)), t.seen(e)))
	return nil
}

// finish enters an epoch into the test.
func (t *abTest) finish(e *ab.Epoch) {
	for _, c := range e.Cells {
		for i, s := range []ab.Side{c.A, c.B} {
			switch {
			case s.Requests == 0:
				t.invalid("arm %s has no requests in %s %s, epoch %d", ab.Letter(i), c.Mode, c.Phase, e.Number)
			case float64(s.Failed) > mostFailed*float64(s.Requests):
				t.invalid("%d of %d requests failed in arm %s, %s %s, epoch %d", s.Failed, s.Requests, ab.Letter(i), c.Mode, c.Phase, e.Number)
			}
		}
	}
	if len(t.test.Invalid) > 0 && len(e.Dropped) == 0 {
		e.Dropped = []string{"the test is invalid"}
	}
	if len(e.Dropped) == 0 {
		if len(t.test.Plan.Endpoints) == 0 {
			t.test.Choose(*e)
		}
		e.D = t.test.Plan.Logs(*e)
	}
	t.test.Epochs = append(t.test.Epochs, *e)
}

func (t *abTest) invalid(format string, args ...any) {
	t.test.Invalid = append(t.test.Invalid, fmt.Sprintf(format, args...))
}

// seen is what an epoch came to, for those who wait.
func (t *abTest) seen(e ab.Epoch) string {
	if len(e.Dropped) > 0 {
		return ", dropped: " + e.Dropped[0]
	}
	var text strings.Builder
	for m, d := range e.D {
		fmt.Fprintf(&text, "; %s %+.1f%%", t.test.Plan.Endpoints[m].Name(), 100*math.Expm1(d))
	}
	return text.String()
}
