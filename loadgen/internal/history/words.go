package history

import (
	"fmt"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// render is a value of the figure as text.
func (h *History) render(v float64) string {
	switch h.Unit {
	case figure.Milliseconds:
		return unit.Latency(figure.Duration(v))
	case figure.Bytes:
		return unit.Bytes(v)
	}
	return unit.Digits(v) + h.Unit
}

// title says what is shown.
func (h *History) title() string {
	return fmt.Sprintf("%s: %s in %s, by run (%s)", h.Scenario, h.Figure, h.Phase, unit.Counted(int64(h.Runs), "stored run"))
}

// about says how many of a series' runs are used.
func (s Series) about() string {
	text := unit.Counted(int64(len(s.Points)), "run")
	if n := len(s.Points) - s.Used; n > 0 {
		text += fmt.Sprintf(", %d of them not used", n)
	}
	return text
}

// change says what changed.
func (h *History) change(c Change) string {
	text := fmt.Sprintf("changed: %s before, %s from here on", h.render(c.Before), h.render(c.After))
	if c.Before > 0 {
		text += " (" + unit.Times(c.After/c.Before) + ")"
	}
	return fmt.Sprintf("%s, by the medians of the runs; p %s", text, probability(c.P))
}

func probability(p float64) string {
	if p <= 0.001 {
		return "≤ 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// method says how changes are named, and what that is worth.
const method = "A change is named where the runs before and after it are farther apart than in 99 of 100 random orders of the same runs (E-Divisive). If runs are independent, one series in a " +
	"hundred has such a change by chance; a machine that is slow for a day makes several times as many. Of fewer than ten runs hardly any is found. It is where to look, and no verdict: compare two builds " +
	"beside each other (loadgen ab)."
