package history

import (
	"fmt"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// Render is a value of the figure as text.
func (h *History) Render(v float64) string {
	switch h.Unit {
	case figure.Milliseconds:
		return unit.Latency(figure.Duration(v))
	case figure.Bytes:
		return unit.Bytes(v)
	}
	return unit.Digits(v) + h.Unit
}

// Title says what is shown.
func (h *History) Title() string {
	return h.Scenario + ": " + h.Shown()
}

// Shown says what of a scenario is shown.
func (h *History) Shown() string {
	return fmt.Sprintf("%s in %s, by run (%s)", h.Figure, h.Phase, unit.Counted(int64(h.Runs), "stored run"))
}

// About says how many of a series' runs are used.
func (s Series) About() string {
	text := unit.Counted(int64(len(s.Points)), "run")
	if n := len(s.Points) - s.Used; n > 0 {
		text += fmt.Sprintf(", %d of them not used", n)
	}
	return text
}

// Describe says what changed.
func (h *History) Describe(c Change) string {
	text := fmt.Sprintf("changed: %s before, %s from here on", h.Render(c.Before), h.Render(c.After))
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

// Method says how changes are named, and what that is worth.
const Method = "A change is named where the runs before and after it are farther apart than in 99 of 100 random orders of the same runs (E-Divisive). If runs are independent, one series in a " +
	"hundred has such a change by chance; a machine that is slow for a day makes several times as many. Of fewer than ten runs hardly any is found. It is where to look, and no verdict: compare two builds " +
	"beside each other (loadgen ab)."
