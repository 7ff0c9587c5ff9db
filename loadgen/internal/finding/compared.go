package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// beside is a place beside another.
type beside struct {
	mode  string
	value float64
	was   float64 // of what it is set beside
	ratio stats.Ratio
}

// compared is a figure of some places, each beside another.
type compared struct {
	e          *evidence
	figure     string
	less, more []beside
	alike      []string
	most       float64 // the greatest factor
}

// add sets a place beside another. What the rounds show and all requests together do not, as where one round was worse than all others, is no difference.
func (c *compared) add(of, to place) {
	v, known := c.e.value(c.figure, of.mode, of.phase)
	was, also := c.e.value(c.figure, to.mode, to.phase)
	r, ok := c.e.ratio(c.figure, of, to)
	if known && also && ok {
		c.set(of.mode, v, was, r)
	}
}

// addFrom sets a place beside the same in another run, whose rounds are paired with its own as they come.
func (c *compared) addFrom(run *evidence, p place) {
	v, known := c.e.value(c.figure, p.mode, p.phase)
	was, also := run.value(c.figure, p.mode, p.phase)
	r, err := figure.PairedRatio(c.e.byRound(c.figure, p), run.byRound(c.figure, p))
	if known && also && err == nil && r.Bounded() {
		c.set(p.mode, v, was, r)
	}
}

// set takes note of a ratio. Of one that differs from 1 by too little for a sentence, or of which all requests show another, nothing is said: the tables have it.
func (c *compared) set(mode string, v, was float64, r stats.Ratio) {
	x, differs := beside{mode, v, was, r}, sign(r)
	if v/was < r.Low/near || v/was > r.High*near {
		differs = 0
	}
	switch {
	case differs < 0:
		c.less, c.most = append(c.less, x), max(c.most, 1/r.Value)
	case differs > 0:
		c.more, c.most = append(c.more, x), max(c.most, r.Value)
	case !r.Differs():
		c.alike = append(c.alike, mode)
	}
}

// near is by how much the ratio of the figures of all requests may be outside of the interval of the rounds' ratios: those are of a middling round.
const near = 1.25

// names are the modes that differ.
func (c *compared) names() []string {
	var all []string
	for _, x := range slices.Concat(c.less, c.more) {
		all = append(all, x.mode)
	}
	return all
}

// sides says what those that differ have, after a first word, with the least first; and which cannot be told from what they are set beside.
func (c *compared) sides(begin, last, from string) string {
	all := slices.Concat(c.less, c.more)
	slices.SortStableFunc(all, func(a, b beside) int { return cmp.Compare(a.value, b.value) })
	var names []string
	var values []float64
	for _, x := range all {
		names, values = append(names, x.mode), append(values, x.value)
	}
	var parts []string
	at := 0
	for _, g := range byGap(names, values) {
		some := all[at : at+len(g.names)]
		value := spread(c.render(slices.Min(g.values)), c.render(slices.Max(g.values)))
		if begin == "" { // nothing has said what it was
			value = "from " + c.before(some) + " to " + strings.ReplaceAll(value, " to ", "–")
		}
		parts = append(parts, fmt.Sprintf("%s for %s (%s)", value, list(g.names), ratios(some)))
		at += len(g.names)
	}
	text := begin + parts[0] + "."
	if n := len(parts) - 1; n > 0 {
		text = begin + strings.Join(parts[:n], ", ") + last + parts[n] + "."
	} else if begin != "" {
		text = strings.TrimPrefix(last, ",") + parts[0] + "."
	}
	if len(c.alike) > 0 {
		text += fmt.Sprintf(" %s cannot be told from %s.", list(c.alike), from)
	}
	return text
}

// before renders what those that are set beside something were before.
func (c *compared) before(some []beside) string {
	var values []float64
	for _, x := range some {
		values = append(values, x.was)
	}
	least, most := c.render(slices.Min(values)), c.render(slices.Max(values))
	if least == most {
		return least
	}
	return least + "–" + most
}

// ratios renders the ratio of one mode with its interval, and from where to where those of several are, with what holds all of their intervals.
func ratios(all []beside) string {
	if len(all) == 1 {
		r := all[0].ratio
		return unit.TimesWithin(r.Value, r.Low, r.High)
	}
	least, most, low, high := all[0].ratio.Value, all[0].ratio.Value, all[0].ratio.Low, all[0].ratio.High
	for _, x := range all {
		least, most, low, high = min(least, x.ratio.Value), max(most, x.ratio.Value), min(low, x.ratio.Low), max(high, x.ratio.High)
	}
	return spread(unit.Times(least), unit.Times(most)) + " " + unit.TimesInterval(low, high)
}

// render is a figure as text, in its unit.
func (c *compared) render(v float64) string {
	x, _ := figure.Named(c.figure)
	if x.Unit == figure.Milliseconds {
		return unit.Latency(figure.Duration(v))
	}
	return unit.Digits(v) + x.Unit
}

// noun is what a figure is called in a sentence.
func noun(figure string) string {
	if figure == "per_core" {
		return "the rate of requests that a processor of app, database and Redis served"
	}
	return figure
}
