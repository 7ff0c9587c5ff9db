package gate

import (
	"fmt"

	"loadlab/loadgen/internal/unit"
)

// byItself renders what one figure that is compared with a constant is in one round, and on which side of the constant: it is empty if that is
// unknown. A bound is for who wrote it to judge by, so that the interval decides nothing.
func (g *Gate) byItself(c comparison, values [2]float64, rounds Rounds) string {
	of, values := c.figureFirst(values)
	bound := values[1]
	if rounds.Interval == nil || !of.left.bare || len(of.left.figures)+len(of.right.figures) != 1 || of.op == "==" || of.op == "!=" {
		return ""
	}
	f := g.figures[of.left.figures[0]]
	i, ok := rounds.Interval(f.name, f.mode, f.phase)
	if !ok {
		return ""
	}
	each := "round"
	if i.Blocks > 0 {
		each = "block"
	}
	amount := func(x float64) string { return render(x, f.unit, plainDigits) }
	text := fmt.Sprintf(" (by %s %s [%s, %s] over %s", each, amount(i.Value), amount(i.Low), amount(i.High), i.Over())
	switch by := of.outcome(i.Interval, bound); {
	case by == unknown:
		text += ", which may be on either side of " + amount(bound)
		if more, ok := i.MoreFor(bound); ok && more > 0 {
			text += fmt.Sprintf(": about %s would tell", unit.Counted(int64(more), "more round"))
		}
	case (by == yes) != holds(of.op, values[0], values[1]):
		text += fmt.Sprintf(", which is on the other side of %s: a few of them are unlike the others", amount(bound))
	}
	return text + ")"
}
