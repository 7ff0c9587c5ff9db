package gate

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/expr-lang/expr/vm"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// outcome is what an interval says of a comparison.
type outcome int

const (
	byValue outcome = iota // nobody has asked for an interval: the values decide
	yes
	no
	unknown
)

// relative reports whether a comparison is of several figures, any of which is different each time it is measured. Of such the ratio of the two
// sides is known to no better than the rounds have it. What a law predicts is of the whole run.
func (g *Gate) relative(c comparison) bool {
	if c.op == "==" || c.op == "!=" {
		return false
	}
	var n int
	noisy := false
	for _, s := range []side{c.left, c.right} {
		for _, i := range s.figures {
			f, _ := figure.Named(g.figures[i].name)
			if f.Predicted() {
				return false
			}
			noisy = noisy || f.Noisy()
			n++
		}
	}
	return noisy && n > 1
}

// interval is what the rounds say of one comparison.
type interval struct {
	outcome outcome
	text    string // for people: "over 3 rounds it is 0.12x [0.10, 0.15] the bound"; why there is none
	more    int    // rounds that would decide it; 0 if it is decided, or nobody knows
}

// judgeRelative judges a gate of which some comparisons are relative, by the figures of each round. whole is what it came to by the values of the
// whole run, and e the sides of those.
func (g *Gate) judgeRelative(whole Result, e *environment, rounds Rounds) Result {
	sides, problems := g.byRound(rounds.Figures)
	level := cmp.Or(rounds.Level, stats.Level)
	e.outcomes = make([]outcome, len(g.comparisons))
	var texts, open []string
	more := 0
	for i, c := range g.comparisons {
		if !g.relative(c) {
			continue
		}
		x := interval{outcome: unknown, text: problems[i]}
		if x.text == "" {
			x = c.interval(sides[i], level)
		}
		e.outcomes[i], more = x.outcome, max(more, x.more)
		if x.outcome == unknown {
			open = append(open, x.text)
		} else {
			texts = append(texts, x.text)
		}
	}
	holds := func(assume bool) bool {
		e.assume = assume
		ok, err := vm.Run(g.program, e.variables(g.comparisons))
		return err == nil && ok == true
	}
	most, least := holds(true), holds(false) // there is a not: which of the two is the greater is not known
	for _, t := range texts {
		whole.Compared += "; " + t
	}
	switch {
	case most && least:
		whole.Verdict = Pass
	case !most && !least:
		whole.Verdict = Fail
	default:
		whole.Verdict, whole.More = Inconclusive, more
		for _, t := range open {
			whole.Reason = joined(whole.Reason, t)
		}
	}
	return whole
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// byRound returns both sides of every comparison by round, a constant second, and why those of a comparison are not known.
func (g *Gate) byRound(rounds []Figures) (sides [][][2]float64, problems []string) {
	sides, problems = make([][][2]float64, len(g.comparisons)), make([]string, len(g.comparisons))
	for n, figures := range rounds {
		e := &environment{values: make([]float64, len(g.figures)), sides: make([][2]float64, len(g.comparisons))}
		why := make([]error, len(g.figures))
		for i, f := range g.figures {
			e.values[i], _, why[i] = figures.Value(f.name, f.mode, f.phase)
		}
		_, err := vm.Run(g.program, e.variables(g.comparisons))
		for i, c := range g.comparisons {
			for _, s := range []side{c.left, c.right} {
				for _, f := range s.figures {
					if why[f] != nil && problems[i] == "" {
						problems[i] = fmt.Sprintf("there is no interval: round %d: %s: %v", n+1, g.figures[f], why[f])
					}
				}
			}
			if err != nil && problems[i] == "" {
				problems[i] = fmt.Sprintf("there is no interval: round %d: %v", n+1, err)
			}
			_, values := c.figureFirst(e.sides[i])
			sides[i] = append(sides[i], values)
		}
	}
	return sides, problems
}

// interval compares the sides, of which the second is the bound, by the interval of their ratio; of their difference, if one of them is not positive.
func (c comparison) interval(sides [][2]float64, level float64) interval {
	c, _ = c.figureFirst([2]float64{})
	left, right, differences := make([][]float64, len(sides)), make([][]float64, len(sides)), make([][]float64, len(sides))
	for i, s := range sides {
		left[i], right[i], differences[i] = []float64{s[0]}, []float64{s[1]}, []float64{s[0] - s[1]}
	}
	over := "over " + unit.Counted(int64(len(sides)), "round")
	if level != stats.Level {
		over += ", at a level of " + unit.Percent(level) + ","
	}
	ratio, err := stats.PairedRatio(left, right, level)
	if errors.Is(err, stats.ErrNotPositive) {
		d, err := stats.Rounds(differences, level)
		if err != nil {
			return interval{outcome: unknown, text: "there is no interval: " + err.Error()}
		}
		text := fmt.Sprintf("%s it exceeds the bound by %s [%s, %s]", over, c.amount(d.Value), c.amount(d.Low), c.amount(d.High))
		return interval{outcome: c.outcome(d, 0), text: text}
	}
	if err != nil {
		return interval{outcome: unknown, text: "there is no interval: " + err.Error()}
	}
	if !ratio.Bounded() {
		return interval{outcome: unknown, text: "of one round there is no interval: two are the least, and --rounds auto takes as many as it needs", more: leastRounds - len(sides)}
	}
	x := interval{outcome: c.outcome(ratio.Interval, 1), text: fmt.Sprintf("%s it is %s the bound", over, unit.TimesWithin(ratio.Value, ratio.Low, ratio.High))}
	if x.outcome == unknown {
		x.text += ", which may be more or less"
		if more, ok := ratio.MoreFor(1); ok {
			x.more = more
			x.text += fmt.Sprintf(": about %s would decide", unit.Counted(int64(more), "more round"))
		}
	}
	return x
}

// leastRounds is from how many rounds on intervals are worth something: that of two is twelve times as wide as their spread.
const leastRounds = 3

// outcome compares an interval with a bound. One of no width is a value.
func (c comparison) outcome(i stats.Interval, bound float64) outcome {
	if i.Low == i.High {
		if holds(c.op, i.Value, bound) {
			return yes
		}
		return no
	}
	less := c.op == "<" || c.op == "<="
	switch i.Compare(bound) {
	case -1:
		if less {
			return yes
		}
		return no
	case 1:
		if less {
			return no
		}
		return yes
	}
	return unknown
}

func (c comparison) amount(x float64) string {
	if math.IsInf(x, 0) {
		return "unknown"
	}
	return render(x, c.left.unit, plainDigits)
}
