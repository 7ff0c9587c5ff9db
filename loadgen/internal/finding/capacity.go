package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// capacities says how many requests a second each mode can stand by the scenario's objective, the most first.
func capacities(e *evidence) []Finding {
	o := e.Run.Scenario.Objective
	if o == nil {
		return nil
	}
	bound, ok := figure.Named(o.Figure)
	if !ok {
		return nil
	}
	stands := map[string]figure.Stand{}
	var keep, never, phases []string
	for _, m := range e.modes {
		s, ok := e.Stand(m, bound, figure.Millis(o.AtMost))
		if !ok {
			continue
		}
		stands[m] = s
		switch {
		case s.Keeps:
			keep = append(keep, m)
		case exceeded(bound, s, figure.Millis(o.AtMost)):
			never = append(never, m)
		default:
			continue
		}
		if !slices.Contains(phases, s.Phase.Name) {
			phases = append(phases, s.Phase.Name)
		}
	}
	if len(keep)+len(never) == 0 {
		return nil
	}
	parts := e.keeping(keep, stands, o.Figure+" ≤ "+unit.Length(o.AtMost))
	for _, m := range never {
		parts = append(parts, fmt.Sprintf("%s never kept to %s ≤ %s: at best %s (%s).", name(m), o.Figure, unit.Length(o.AtMost), e.atBest(o.Figure, m, stands[m].Phase.Name),
			name(stands[m].Phase.Load)))
	}
	return []Finding{{Text: strings.Join(parts, " "), Modes: slices.Concat(keep, never), Phases: phases, Figures: []string{"rate", o.Figure}}}
}

// exceeded reports whether a mode did not keep to the bound of a percentile: of too few requests for it, by a lower one.
func exceeded(bound figure.Figure, s figure.Stand, atMost float64) bool {
	for _, x := range lowerAnd(bound) {
		if v, err := x.Of(s.Total); err == nil && v > atMost {
			return true
		}
	}
	return false
}

// lowerAnd are a percentile and those below it, the greatest first.
func lowerAnd(bound figure.Figure) []figure.Figure {
	all := []figure.Figure{bound}
	for _, name := range []string{"p99", "p95", "p50"} {
		if x, _ := figure.Named(name); x.Beyond() > bound.Beyond() {
			all = append(all, x)
		}
	}
	return all
}

// atBest says what the percentile of an objective was, or, of too few requests for it, a lower one.
func (e *evidence) atBest(bound, mode, phase string) string {
	x, _ := figure.Named(bound)
	for _, x := range lowerAnd(x) {
		if d, ok := e.time(x.Name, mode, phase); ok && x.Name == bound {
			return "it was " + unit.Latency(d)
		} else if ok {
			return x.Name + " was " + unit.Latency(d)
		}
	}
	return "it was more"
}

// keeping says what those can stand that keep to an objective, and sorts them, the most first.
func (e *evidence) keeping(modes []string, stands map[string]figure.Stand, within string) []string {
	rate := func(m string) float64 { v, _ := e.value("rate", m, stands[m].Phase.Name); return v }
	slices.SortStableFunc(modes, func(a, b string) int { return cmp.Compare(rate(b), rate(a)) })
	var parts []string
	for i, m := range modes {
		text, end := name(m), "."
		if i == 0 {
			text = "Within " + within + ", " + text
		} else {
			end = e.beside(place{m, stands[m].Phase.Name}, place{modes[0], stands[modes[0]].Phase.Name}) + "."
		}
		parts = append(parts, fmt.Sprintf("%s answered %s/s (%s)%s", text, unit.Digits(rate(m)), name(stands[m].Phase.Load), end))
	}
	return parts
}

// beside renders the ratio of the rates of two places, if it can be told from 1, or that it cannot; nothing of one round.
func (e *evidence) beside(of, to place) string {
	r, ok := e.ratio("rate", of, to)
	switch {
	case !ok:
		return ""
	case sign(r) == 0:
		return ", which cannot be told from it"
	}
	return ", " + unit.TimesWithin(r.Value, r.Low, r.High) + " of that"
}
