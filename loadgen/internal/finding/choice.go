package finding

import (
	"fmt"
	"slices"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// clearly is by how much all of the interval of a ratio must be above 1 where the best of several is compared with the others. The best was chosen by the same figures, so that it
// is better than it would be in another run, and Least is too little for it.
const clearly = 1.5

// choices say which mode does best in a phase: by the highest percentile that all have in every round, and by the requests that a processor serves, with what nearly does as well. It is
// what a reader chooses by, and two modes are compared already.
func choices(e *evidence) []Finding {
	if e.Run.Scenario.Objective != nil {
		return nil // the most requests within it are what one chooses by
	}
	var all []ranked
	for _, p := range e.phases {
		modes := e.in(p.Name)
		if len(modes) <= fewModes || e.faulty(p.Name) || slices.ContainsFunc(modes, func(m string) bool { return e.mode(m).Steps > 0 }) {
			continue
		}
		if x, ok := e.choice(p, modes); ok {
			all = append(all, x)
		}
	}
	return byFactor(all)
}

func (e *evidence) choice(p result.PhaseInfo, modes []string) (ranked, bool) {
	var places []place
	for _, m := range modes {
		places = append(places, place{m, p.Name})
	}
	quantile, ok := e.quantile(places)
	if !ok {
		return ranked{}, false
	}
	fast := e.best(quantile, p.Name, modes, false)
	if len(fast.worse) == 0 {
		return ranked{}, false
	}
	c := compared{e: e, figure: quantile}
	text := fmt.Sprintf("In %s, %s was lowest with %s, %s: it is shown to be higher by half or more with %s.", name(p.Name), quantile, name(fast.mode), c.render(fast.value), list(fast.worse)) +
		fast.others()
	figures := []string{quantile}
	if stalest, ok := e.value("stale_max", fast.mode, p.Name); ok && stalest > 0 {
		text += fmt.Sprintf(" Readers of %s got versions that had been old for %s at most.", name(fast.mode), (&compared{figure: "stale_max"}).render(stalest))
		figures = append(figures, "stale_max")
	}
	if cheap := e.best("per_core", p.Name, modes, true); len(cheap.worse) > 0 {
		text += fmt.Sprintf(" A processor served most requests with %s, %s a second: it is shown to serve fewer by a third or more with %s.", name(cheap.mode), unit.Digits(cheap.value), list(cheap.worse)) +
			cheap.others()
		figures = append(figures, "per_core")
	}
	return ranked{Finding{Text: text, Modes: append([]string{fast.mode}, slices.DeleteFunc(slices.Clone(modes), func(m string) bool { return m == fast.mode })...), Phases: []string{p.Name}, Figures: figures},
		float64(e.requests(p.Name)) * fast.factor}, true
}

// best is a mode, and which others are shown to be worse.
type best struct {
	mode         string
	value        float64
	worse, alike []string
	factor       float64 // the greatest
}

// best finds the mode with the least of a figure, or the greatest.
func (e *evidence) best(figure, phase string, modes []string, greatest bool) best {
	b := best{}
	for _, m := range modes {
		v, ok := e.value(figure, m, phase)
		if !ok || v <= 0 {
			return best{} // of one that has none nothing is known
		}
		if b.mode == "" || v < b.value != greatest && v != b.value {
			b.mode, b.value = m, v
		}
	}
	for _, m := range modes {
		of, to := place{m, phase}, place{b.mode, phase}
		if greatest {
			of, to = to, of
		}
		if m == b.mode {
			continue
		}
		if r, ok := e.ratio(figure, of, to); ok && r.Low > clearly {
			b.worse, b.factor = append(b.worse, m), max(b.factor, r.Value)
		} else {
			b.alike = append(b.alike, m)
		}
	}
	return b
}

// others names those that are not shown to be worse by so much, where it takes fewer words than to name the rest.
func (b best) others() string {
	switch {
	case len(b.alike) == 0:
		return ""
	case len(b.alike) > fewModes:
		return " The others may be near to it."
	}
	return fmt.Sprintf(" %s may be near to it.", list(b.alike))
}
