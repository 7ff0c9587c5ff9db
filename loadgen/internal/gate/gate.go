// Package gate judges a run: a gate is an expression over the run's figures that must hold, such as
//
//	p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")
//	p95("ttl", "warm") <= 10ms and errors() == 0
//
// Expressions are those of expr-lang/expr, cut down to what a gate needs: figures, numbers, the units us, ms and s, arithmetic,
// comparisons, and, or, not. Times are in milliseconds; a bare number beside a time is milliseconds too. Everything that can be wrong
// with a gate, a misspelt mode as well as a time compared with a count, is found by Compile, before any load is driven; a gate that
// compiled fails only on what was measured, or on what was not.
//
// The package is pure. It does not know where figures come from, nor what a scenario is.
package gate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"

	"github.com/expr-lang/expr/vm"
)

// Figures are what a run measured.
type Figures interface {
	// Value returns one figure of one mode in one phase, over all that is not warm-up where mode or phase is empty. Names and units are
	// those of package figure. The error is that there is nothing to take the figure of (no sample, or a target that does not report it);
	// figure.ErrTooFewSamples and figure.ErrAtBound come with a value that is not what the figure is documented to be.
	Value(name, mode, phase string) (value float64, unit string, err error)
}

// Scope has the names that a gate may use.
type Scope struct {
	Modes  []string
	Phases []PhaseScope
}

// PhaseScope is a phase that a gate may name.
type PhaseScope struct {
	Name   string
	Warmup bool     // it has no figures
	Modes  []string // the modes that take part; nil for all
}

// Rounds are the figures of each round of a run alone, and the level of the intervals that are made of them; 0 is stats.Level. Without any,
// everything is judged by the whole run.
type Rounds struct {
	Figures []Figures
	Level   float64
	// Interval returns what a figure is in one round, if it is known; nil if it is known of none. It decides nothing: see Judge.
	Interval func(name, mode, phase string) (figure.Interval, bool)
}

// Verdict of a gate.
type Verdict string

// Verdicts, as run.json spells them.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive" // it may hold or not: the interval of what it compares has both
	NotJudged    Verdict = "not judged"
)

// Result is what became of a gate.
type Result struct {
	Verdict Verdict
	// Compared has what every comparison found, in words:
	//
	//	p99(singleflight, expiry) is 12.1 ms, at most 0.5 * p99(ttl, expiry) = 120 ms
	Compared string
	// Reason is why a gate failed that could not be compared, is inconclusive, or was not judged; empty otherwise.
	Reason string
	// More is about how many more rounds would decide an inconclusive gate; 0 if there is no saying.
	More int
}

// Gate is a compiled gate. It may be judged any number of times, by several goroutines at once.
type Gate struct {
	Expr string // as it was written
	Line int    // where, in its file

	figures     []call
	comparisons []comparison
	program     *vm.Program
}

// call is one call of a figure: a mode or phase that was not named is empty.
type call struct{ name, mode, phase, unit string }

// String returns the call without the quotes of its names: p99(ttl, expiry).
func (f call) String() string {
	name, which := figure.SplitErrors(f.name)
	switch {
	case which != "":
		return fmt.Sprintf("%s(%s, %s, %s)", name, cmp.Or(f.mode, "*"), cmp.Or(f.phase, "*"), which)
	case f.phase != "":
		return fmt.Sprintf("%s(%s, %s)", name, cmp.Or(f.mode, "*"), f.phase)
	case f.mode != "":
		return fmt.Sprintf("%s(%s)", name, f.mode)
	}
	return name + "()"
}

// comparison is one comparison of a gate.
type comparison struct {
	op          string
	left, right side
}

// side is one side of a comparison.
type side struct {
	text    string
	unit    string
	figures []int // which of the gate's figures it is made of
	bare    bool  // it is a figure and nothing else
}

// Relative reports whether the gate is judged by intervals, which take several rounds.
func (g *Gate) Relative() bool { return slices.ContainsFunc(g.comparisons, g.relative) }

// Modes returns the modes that the gate names, once each.
func (g *Gate) Modes() (names []string) {
	for _, f := range g.figures {
		if f.mode != "" && !slices.Contains(names, f.mode) {
			names = append(names, f.mode)
		}
	}
	return names
}

// Judge compares. whole are the figures of the run. What compares counts with each other, or one
// figure with a constant, is judged by the values of the whole run; of one figure it is shown beside, what its rounds have of it and on which side of
// the constant that is. What compares times or rates of several modes or phases is judged by the
// interval of their ratio over the rounds (package stats): it holds if all of the interval does, fails if none of it does, and is inconclusive
// otherwise. What is compared with a law's prediction is judged by the values of the whole run, too: the law has allowed for chance.
//
// A gate fails if it does not hold, if a figure has no samples, or if anything it compares is not a finite number. It is
// not judged if a figure has too few samples to be what its name promises, or if it holds only by a time that may be greater than was recorded.
func (g *Gate) Judge(whole Figures, rounds Rounds) Result {
	values := make([]float64, len(g.figures))
	var known, reasons, doubts []string
	bound := ""
	for i, f := range g.figures {
		v, _, err := whole.Value(f.name, f.mode, f.phase)
		switch {
		case errors.Is(err, figure.ErrTooFewSamples):
			doubts = append(doubts, fmt.Sprintf("%s: %v", f, err))
		case errors.Is(err, figure.ErrAtBound):
			bound = fmt.Sprintf("%s is %v", f, err)
		case err != nil:
			reasons = append(reasons, fmt.Sprintf("%s cannot be told: %v", f, err))
		case !finite(v):
			reasons = append(reasons, fmt.Sprintf("%s is not a finite number", f))
		default:
			known = append(known, fmt.Sprintf("%s is %s", f, render(v, f.unit, plainDigits)))
		}
		values[i] = v
	}
	switch {
	case len(reasons) > 0:
		return Result{Verdict: Fail, Compared: strings.Join(known, ", "), Reason: strings.Join(reasons, "; ")}
	case len(doubts) > 0:
		return Result{Verdict: NotJudged, Compared: strings.Join(known, ", "), Reason: strings.Join(doubts, "; ")}
	}
	r := g.compare(values, rounds)
	if r.Verdict == Pass && bound != "" {
		r.Verdict, r.Reason = NotJudged, bound
	}
	return r
}

// compare runs the program over the values of the figures, and over those of each round where that is what counts.
func (g *Gate) compare(values []float64, rounds Rounds) Result {
	e := &environment{values: values, sides: make([][2]float64, len(g.comparisons))}
	holds, err := vm.Run(g.program, e.variables(g.comparisons))
	if err != nil {
		return Result{Verdict: Fail, Reason: err.Error()}
	}
	var compared []string
	for i, c := range g.comparisons {
		compared = append(compared, c.render(e.sides[i], g.figures, values)+g.byItself(c, e.sides[i], rounds))
	}
	r := Result{Verdict: Fail, Compared: strings.Join(compared, "; ")}
	for i, c := range g.comparisons {
		for k, s := range []side{c.left, c.right} {
			if !finite(e.sides[i][k]) {
				r.Reason = s.text + " is not a finite number"
				return r
			}
		}
	}
	if holds == true {
		r.Verdict = Pass
	}
	if len(rounds.Figures) > 0 && g.Relative() {
		return g.judgeRelative(r, e, rounds)
	}
	return r
}

// environment is what a program sees while it runs: figures by number, and comparisons that remember what they compared.
type environment struct {
	values   []float64
	sides    [][2]float64
	outcomes []outcome // by comparison; nil is byValue for all
	assume   bool      // what becomes of unknown outcomes
}

// Names that a program calls. A gate cannot use them: Compile replaces its calls and comparisons by these, and refuses unknown names.
const (
	figureCall  = "figure"
	compareCall = "compare"
)

func (e *environment) variables(comparisons []comparison) map[string]any {
	vars := map[string]any{
		figureCall: func(i int) float64 { return e.values[i] },
		compareCall: func(i int, left, right float64) bool {
			e.sides[i] = [2]float64{left, right}
			return e.holds(i, comparisons[i].op, left, right)
		},
	}
	for name, v := range constants() {
		vars[name] = v
	}
	return vars
}

// holds compares, unless the outcome is known already.
func (e *environment) holds(i int, op string, left, right float64) bool {
	if e.outcomes != nil {
		switch e.outcomes[i] {
		case yes:
			return true
		case no:
			return false
		case unknown:
			return e.assume
		case byValue:
		}
	}
	return holds(op, left, right)
}

// holds compares. Figures are sums and quotients of counts, so that equality allows for what binary fractions lose.
func holds(op string, a, b float64) bool {
	equal := a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
	switch op {
	case "==":
		return equal
	case "!=":
		return !equal
	case "<":
		return a < b && !equal
	case "<=":
		return a < b || equal
	case ">":
		return a > b && !equal
	}
	return a > b || equal // >=
}

// comparators are the operators that compare numbers.
func comparators() []string { return []string{"==", "!=", "<", "<=", ">", ">="} }

func isComparator(op string) bool { return slices.Contains(comparators(), op) }
