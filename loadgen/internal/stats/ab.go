package stats

import (
	"fmt"
	"math"
)

// Verdict is what an A/B test comes to.
type Verdict string

// Verdicts.
const (
	Open         Verdict = "open"         // the next look decides
	Pass         Verdict = "pass"         // every endpoint is shown to be within its margin
	Fail         Verdict = "fail"         // at least one endpoint is shown to be slower than the tolerance
	Inconclusive Verdict = "inconclusive" // the last look has shown neither
)

// Decision is what an A/B test decided, and at which look.
type Decision struct {
	Verdict  Verdict
	Look     int // the number of the look that decided, from 1; of the last one that was reached if none did; 0 if none was reached
	Epochs   int // those that Findings are of: the look's, or all if none was reached
	Findings []Finding
	E        []float64 // after each epoch of D, also beyond the look: the mean of the endpoints' e-values, for who looks at other times
}

// Finding is what a decision says of one endpoint.
type Finding struct {
	Name       string
	P          float64  // of "slower by the tolerance at most", of this endpoint alone
	Adjusted   float64  // the same, adjusted for all endpoints: what Alpha is compared with
	PassP      float64  // of "slower by the margin at least"
	Slower     bool     // Adjusted is at most the look's Alpha
	Within     bool     // PassP is at most Beta
	Effect     Interval // the ratio of B to A, at Level
	Detectable float64  // the least ratio of B to A that this look would find with a probability of 80%, by the spread of its epochs; +Inf if unknown
}

// Judge decides an A/B test from the logarithms of the ratios of B to A: d[m][e] is that of endpoint m of the plan in epoch e. It goes
// through the looks that the epochs reach, in order, and stops at the first that decides; epochs after it change nothing but E. It is a
// function of the plan, its seed and d, so that a stored test can be judged again.
//
// A look fails B if the test of any endpoint's "slower by the tolerance at most" has an adjusted p-value of at most the look's alpha. Else it
// passes B if every endpoint's "slower by the margin at least" has a p-value of at most beta: since all have to be rejected, none is adjusted
// (intersection-union, Berger 1982). Both are sign-flip tests.
//
// The error is one of ErrPlan, or that d has not the plan's endpoints, has rows of different lengths, or has NaN or infinities.
func Judge(p Plan, d [][]float64) (Decision, error) {
	if err := p.Check(); err != nil {
		return Decision{}, err
	}
	if err := p.checkFigures(d); err != nil {
		return Decision{}, err
	}
	dec := Decision{Verdict: Open, Epochs: len(d[0]), E: p.evidence(d)}
	for i, l := range p.Looks {
		if l.Epochs > len(d[0]) {
			break
		}
		dec.Look, dec.Epochs = i+1, l.Epochs
		if dec.Verdict, dec.Findings = p.look(l, d); dec.Verdict != Open {
			return dec, nil
		}
	}
	if dec.Look == len(p.Looks) {
		dec.Verdict = Inconclusive
	}
	if dec.Look == 0 {
		_, dec.Findings = p.look(Look{Epochs: len(d[0])}, d)
	}
	return dec, nil
}

func (p Plan) checkFigures(d [][]float64) error {
	if len(d) != len(p.Endpoints) {
		return fmt.Errorf("A/B test: figures of %d endpoints for a plan of %d", len(d), len(p.Endpoints))
	}
	for m, row := range d {
		if err := checkLogs(row); err != nil {
			return fmt.Errorf("A/B test: %s: %w", p.Endpoints[m].Name, err)
		}
		if len(row) != len(d[0]) {
			return fmt.Errorf("A/B test: %s has %d epochs, %s has %d", p.Endpoints[m].Name, len(row), p.Endpoints[0].Name, len(d[0]))
		}
	}
	return nil
}

// look judges the first epochs of d. With an alpha of 0 it decides nothing.
func (p Plan) look(l Look, d [][]float64) (Verdict, []Finding) {
	above, below := make([][]float64, len(d)), make([][]float64, len(d))
	for m, row := range d {
		for _, v := range row[:l.Epochs] {
			above[m] = append(above[m], v-math.Log1p(p.Tolerance))
			below[m] = append(below[m], math.Log1p(p.Endpoints[m].Margin)-v)
		}
	}
	raw, adjusted := signFlip(above, p.Seed)
	pass, _ := signFlip(below, p.Seed)
	findings := make([]Finding, len(d))
	anySlower, allWithin := false, true
	for m, e := range p.Endpoints {
		effect, _ := Walsh(d[m][:l.Epochs], Level) // the figures have been checked
		f := Finding{Name: e.Name, P: raw[m], Adjusted: adjusted[m], PassP: pass[m], Effect: effect.Exp()}
		f.Detectable = p.detectable(d[m][:l.Epochs], l.Alpha)
		f.Slower, f.Within = f.Adjusted <= l.Alpha, f.PassP <= p.Beta && l.Alpha > 0
		anySlower, allWithin = anySlower || f.Slower, allWithin && f.Within
		findings[m] = f
	}
	switch {
	case anySlower:
		return Fail, findings
	case allWithin:
		return Pass, findings
	}
	return Open, findings
}

// power is the probability with which a detectable effect is found.
const power = 0.8

// detectable is the effect that Student's test of one endpoint would find at alpha shared among the endpoints as Bonferroni has it, which
// is more than the maxT test needs. Where alpha leaves the sign-flip test nothing but the observed vector of signs, all epochs have to be
// above the tolerance, and that may need more.
func (p Plan) detectable(x []float64, alpha float64) float64 {
	_, sd := meanAndDeviation(x)
	n, m := len(x), float64(len(p.Endpoints))
	if n < 2 || alpha == 0 {
		return math.Inf(1)
	}
	root := math.Sqrt(float64(n))
	shift := (studentQuantile(1-alpha/m, n-1) + studentQuantile(power, n-1)) / root
	if alpha < 2*leastP(n) {
		shift = max(shift, normalQuantile(math.Pow(power, 1/float64(n))))
	}
	return math.Exp(math.Log1p(p.Tolerance) + shift*sd)
}

// evidence is the mean of the endpoints' e-values, which is one itself, of whatever dependence.
func (p Plan) evidence(d [][]float64) []float64 {
	e := make([]float64, len(d[0]))
	for _, row := range d {
		x := make([]float64, len(row))
		for i, v := range row {
			x[i] = v - math.Log1p(p.Tolerance)
		}
		for i, v := range eValues(x) {
			e[i] += v / float64(len(d))
		}
	}
	return e
}
