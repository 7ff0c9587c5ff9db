package stats

import (
	"errors"
	"fmt"
	"math"
)

// Endpoint is a figure that an A/B test judges, such as the p95 of a mode in a phase.
type Endpoint struct {
	Name   string
	Margin float64 // B passes if it is shown to be slower by less than this share: 0.10
}

// Look is a number of epochs after which an A/B test is judged.
type Look struct {
	Epochs int
	Alpha  float64 // the probability of a false FAIL that is spent here
}

// Plan is what an A/B test does with its figures. It is set before the first epoch; a test whose plan was chosen after its data has no
// error rates.
type Plan struct {
	Endpoints []Endpoint
	Looks     []Look
	Beta      float64 // the probability of a false PASS, at each look
	Tolerance float64 // B fails only if it is slower by more than this share: 0.02
	Seed      uint64  // of the vectors of signs, where there are too many for all
}

// Tolerances of the plans.
const (
	DefaultTolerance = .02
	RunningTolerance = .10
)

// DefaultPlan returns the plan of loadlab ab: looks after 8, 12, 16, 24 and 32 epochs, at which a false FAIL has a probability of 1% in all
// if the truth is the tolerance of 2%, and far less at 0; and a false PASS one of 1% at each look.
func DefaultPlan(seed uint64, endpoints ...Endpoint) Plan {
	return Plan{
		Endpoints: endpoints,
		Looks:     []Look{{8, .004}, {12, .001}, {16, .001}, {24, .002}, {32, .002}},
		Beta:      .01, Tolerance: DefaultTolerance, Seed: seed,
	}
}

// RunningPlan is DefaultPlan for arms whose processes are not started anew for each epoch. What a process was lucky with as it started, which is 1 to
// 3% of its response times, is in all of its epochs then, and no number of them shows it: the tolerance has to hold it.
func RunningPlan(seed uint64, endpoints ...Endpoint) Plan {
	p := DefaultPlan(seed, endpoints...)
	p.Tolerance = RunningTolerance
	return p
}

// ErrPlan is the error of a plan that cannot be carried out; it is wrapped with what is wrong.
var ErrPlan = errors.New("plan of an A/B test")

// Check returns an error of ErrPlan if the plan cannot be carried out: looks out of order or beyond 64 epochs, probabilities that are none,
// margins within the tolerance, endpoints with no name or one name twice, or a look of so few epochs that no data could fail it.
func (p Plan) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrPlan, fmt.Sprintf(format, args...))
	}
	names := map[string]bool{}
	for _, e := range p.Endpoints {
		switch {
		case e.Name == "" || names[e.Name]:
			return bad("endpoint %q has no name or one that is used twice", e.Name)
		case !(e.Margin > p.Tolerance) || math.IsInf(e.Margin, 0):
			return bad("%s: a margin of %v is not above the tolerance of %v", e.Name, e.Margin, p.Tolerance)
		}
		names[e.Name] = true
	}
	switch {
	case len(p.Endpoints) == 0 || len(p.Looks) == 0:
		return bad("it has no endpoints or no looks")
	case !(p.Tolerance >= 0) || math.IsInf(p.Tolerance, 0):
		return bad("a tolerance of %v", p.Tolerance)
	case !(p.Beta > 0 && p.Beta < 1):
		return bad("beta is %v, not between 0 and 1", p.Beta)
	}
	var last int
	var spent float64
	for _, l := range p.Looks {
		switch spent += l.Alpha; {
		case l.Epochs <= last || l.Epochs > maxEpochs:
			return bad("a look after %d epochs: looks ascend, to %d at most", l.Epochs, maxEpochs)
		case !(l.Alpha > 0) || !(spent < 1):
			return bad("an alpha of %v at %d epochs: each is above 0, and all together below 1", l.Alpha, l.Epochs)
		case leastP(l.Epochs) > l.Alpha:
			return bad("a look after %d epochs cannot fail at %v: its least p-value is %.2g", l.Epochs, l.Alpha, leastP(l.Epochs))
		}
		last = l.Epochs
	}
	return nil
}

// MaxEpochs is how many epochs a test has at most: 0 without looks.
func (p Plan) MaxEpochs() int {
	if len(p.Looks) == 0 {
		return 0
	}
	return p.Looks[len(p.Looks)-1].Epochs
}
