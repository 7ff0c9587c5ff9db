package finding

import (
	"cmp"
	"fmt"
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// capacities says how many requests a second each mode can stand by the scenario's objective, and which the most.
func capacities(e *evidence) []Finding {
	o := e.Run.Scenario.Objective
	if o == nil {
		return nil
	}
	bound, ok := figure.Named(o.Figure)
	if !ok {
		return nil
	}
	within := o.Figure + " ≤ " + unit.Length(o.AtMost)
	stands := map[string]figure.Stand{}
	var keep, never, phases []string
	for _, m := range e.modes {
		s, ok := e.Stand(m, bound, figure.Millis(o.AtMost))
		if !ok {
			continue
		}
		stands[m] = s
		v, err := bound.Of(s.Total)
		switch {
		case s.Keeps:
			keep = append(keep, m)
		case err == nil && v > figure.Millis(o.AtMost):
			never = append(never, m)
		default:
			continue
		}
		if !slices.Contains(phases, s.Phase.Name) {
			phases = append(phases, s.Phase.Name)
		}
	}
	rate := func(m string) float64 { v, _ := e.value("rate", m, stands[m].Phase.Name); return v }
	slices.SortStableFunc(keep, func(a, b string) int { return cmp.Compare(rate(b), rate(a)) })
	text := ""
	if len(keep) > 0 {
		text = fmt.Sprintf("Within %s, %s answered %s/s (%s). ", within, name(keep[0]), unit.Digits(rate(keep[0])), name(stands[keep[0]].Phase.Load))
		var values []float64
		for _, m := range keep {
			values = append(values, rate(m))
		}
		for _, m := range keep[1:] {
			text += fmt.Sprintf("%s answered %s/s (%s)%s. ", name(m), unit.Digits(rate(m)), name(stands[m].Phase.Load), e.beside(place{m, stands[m].Phase.Name},
				place{keep[0], stands[keep[0]].Phase.Name}))
		}
	}
	for _, m := range never {
		v, _ := e.time(o.Figure, m, stands[m].Phase.Name)
		text += fmt.Sprintf("%s never kept to it: at best its %s was %s (%s). ", name(m), o.Figure, unit.Latency(v), name(stands[m].Phase.Load))
	}
	if text == "" {
		return nil
	}
	return []Finding{{Text: tidy(text), Modes: slices.Concat(keep, never), Phases: phases, Figures: []string{"rate", o.Figure}}}
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
