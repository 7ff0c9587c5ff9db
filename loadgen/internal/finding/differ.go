package finding

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// differences sets the modes of each phase beside the first, by the highest percentile that all have in every round.
func differences(e *evidence) []Finding {
	type found struct {
		Finding
		most float64
	}
	var all []found
	for _, p := range e.phases {
		modes := e.in(p.Name)
		if len(modes) < 2 || modes[0] != e.modes[0] {
			continue
		}
		c := compared{e: e, phase: p.Name, first: modes[0]}
		var places []place
		for _, m := range modes {
			places = append(places, place{m, p.Name})
		}
		var ok bool
		if c.figure, ok = e.quantile(places); !ok {
			continue
		}
		for _, m := range modes[1:] {
			c.add(m)
		}
		if len(c.less)+len(c.more) > 0 {
			all = append(all, found{c.finding(), c.most})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int {
		if a.most > b.most {
			return -1
		}
		return 1
	})
	var out []Finding
	for _, x := range all {
		out = append(out, x.Finding)
	}
	return out
}

// beside is a mode beside the first.
type beside struct {
	mode  string
	value float64
	ratio stats.Ratio
}

// compared is a figure of the modes of a phase beside that of the first.
type compared struct {
	e                    *evidence
	figure, phase, first string
	less, more           []beside
	alike                []string
	most                 float64 // the greatest factor between a mode and the first
}

func (c *compared) add(mode string) {
	v, ok := c.e.value(c.figure, mode, c.phase)
	if !ok || (c.e.mode(mode).Steps > 0) != (c.e.mode(c.first).Steps > 0) {
		return
	}
	r, ok := c.e.ratio(c.figure, place{mode, c.phase}, place{c.first, c.phase})
	x := beside{mode, v, r}
	switch {
	case !ok:
	case sign(r) < 0:
		c.less, c.most = append(c.less, x), max(c.most, 1/r.Value)
	case sign(r) > 0:
		c.more, c.most = append(c.more, x), max(c.most, r.Value)
	default:
		c.alike = append(c.alike, mode)
	}
}

func (c *compared) finding() Finding {
	first, _ := c.e.value(c.figure, c.first, c.phase)
	text := fmt.Sprintf("In %s, the %s of %s was %s.", name(c.phase), c.figure, name(c.first), c.render(first))
	modes := []string{c.first}
	for _, side := range []struct {
		word string
		all  []beside
	}{{"less", c.less}, {"more", c.more}} {
		if len(side.all) == 0 {
			continue
		}
		slices.SortStableFunc(side.all, func(a, b beside) int {
			if a.value < b.value {
				return -1
			}
			return 1
		})
		var names []string
		var values []float64
		for _, x := range side.all {
			names, values = append(names, x.mode), append(values, x.value)
		}
		modes = append(modes, names...)
		var parts []string
		at := 0
		for _, g := range byGap(names, values) {
			parts = append(parts, fmt.Sprintf("%s with %s (%s)", list(g.names), spread(c.render(slices.Min(g.values)), c.render(slices.Max(g.values))),
				ratios(side.all[at:at+len(g.names)])))
			at += len(g.names)
		}
		text += fmt.Sprintf(" It was %s of %s.", side.word, strings.Join(parts, ", and of "))
	}
	if len(c.alike) > 0 {
		text += fmt.Sprintf(" %s cannot be told from it.", list(c.alike))
	}
	return Finding{Text: text, Modes: modes, Phases: []string{c.phase}, Figures: []string{c.figure}}
}

// ratios renders the ratio of one mode with its interval, and from where to where those of several are.
func ratios(all []beside) string {
	if len(all) == 1 {
		r := all[0].ratio
		return unit.TimesWithin(r.Value, r.Low, r.High)
	}
	least, most := all[0].ratio.Value, all[0].ratio.Value
	for _, x := range all {
		least, most = min(least, x.ratio.Value), max(most, x.ratio.Value)
	}
	return spread(unit.Times(least), unit.Times(most))
}

// render is a figure as text, in its unit.
func (c *compared) render(v float64) string {
	x, _ := figure.Named(c.figure)
	if x.Unit == figure.Milliseconds {
		return unit.Latency(figure.Duration(v))
	}
	return unit.Digits(v) + x.Unit
}
