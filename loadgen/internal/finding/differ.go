package finding

import (
	"cmp"
	"fmt"
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
)

// differences sets the modes of each phase beside the first: by the highest percentile that all have in every round, and by their rate where users wait for their answers and for
// nothing else.
func differences(e *evidence) []Finding {
	return e.besideFirst(func(p result.PhaseInfo, places []place) (string, bool) {
		if p.Kind == "closed" && p.Think == 0 && p.For > 0 && !p.Mix {
			return "rate", true
		}
		return e.quantile(places)
	})
}

// costs sets the modes of a phase beside the first by how many requests a processor serves: of the phase with the most requests.
func costs(e *evidence) []Finding {
	x, _ := figure.Named("per_core")
	all := e.besideFirst(func(_ result.PhaseInfo, places []place) (string, bool) {
		return x.Name, !slices.ContainsFunc(places, func(p place) bool { return !e.everyRound(x, p) })
	})
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(e.requests(b.Phases[0]), e.requests(a.Phases[0])) })
	return all
}

// requests is how many were scheduled in a phase.
func (e *evidence) requests(phase string) int64 { return e.Total("", phase).Ledger.Scheduled }

// ranked is a finding with the factor by which it says that something differs.
type ranked struct {
	Finding
	factor float64
}

// byFactor returns findings, those with the greatest factor first.
func byFactor(all []ranked) []Finding {
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.factor, a.factor) })
	var out []Finding
	for _, x := range all {
		out = append(out, x.Finding)
	}
	return out
}

// besideFirst sets the modes of each phase beside the first by the figure that choose returns, if any.
func (e *evidence) besideFirst(choose func(result.PhaseInfo, []place) (string, bool)) []Finding {
	var all []ranked
	for _, p := range e.phases {
		modes := e.in(p.Name)
		if len(modes) < 2 || modes[0] != e.modes[0] || e.faulty(p.Name) {
			continue
		}
		var places []place
		for _, m := range modes {
			places = append(places, place{m, p.Name})
		}
		figure, ok := choose(p, places)
		if !ok {
			continue
		}
		c := compared{e: e, figure: figure}
		for _, to := range places[1:] {
			if (e.mode(to.mode).Steps > 0) == (e.mode(modes[0]).Steps > 0) {
				c.add(to, places[0])
			}
		}
		if len(c.less)+len(c.more) > 0 {
			first, _ := e.value(figure, modes[0], p.Name)
			text := fmt.Sprintf("In %s, %s was %s for %s", name(p.Name), noun(figure), c.render(first), name(modes[0])) + c.sides(", ", ", and ", name(modes[0]))
			all = append(all, ranked{Finding{Text: text, Modes: append(modes[:1:1], c.names()...), Phases: []string{p.Name}, Figures: []string{figure}}, c.most})
		}
	}
	return byFactor(all)
}

// changes sets each phase beside the one before it that has a load of the same kind, mode by mode.
func changes(e *evidence) []Finding {
	var all []ranked
	for i, p := range e.phases {
		var before result.PhaseInfo
		for _, b := range e.phases[:i] {
			if b.Kind == p.Kind && e.shared(b) == e.shared(p) && !e.faulty(b.Name) && (!p.Mix || slices.Equal(e.in(b.Name), e.in(p.Name))) {
				before = b
			}
		}
		if before.Name == "" || p.Kind == "burst" || e.faulty(p.Name) {
			continue
		}
		c := compared{e: e}
		var places []place
		modes := slices.DeleteFunc(e.in(p.Name), func(m string) bool { return e.Total(m, before.Name) == nil })
		for _, m := range modes {
			places = append(places, place{m, p.Name}, place{m, before.Name})
		}
		var ok bool
		if c.figure, ok = e.quantile(places); !ok {
			continue
		}
		for _, m := range modes {
			c.add(place{m, p.Name}, place{m, before.Name})
		}
		if len(c.less)+len(c.more) > 0 {
			text := fmt.Sprintf("From %s to %s, %s went ", name(before.Name), name(p.Name), c.figure) + c.sides("", " and ", "what it was")
			all = append(all, ranked{Finding{Text: text, Modes: c.names(), Phases: []string{before.Name, p.Name}, Figures: []string{c.figure}}, c.most})
		}
	}
	return byFactor(all)
}

// sharing sets a phase that modes share beside one that each had for itself, mode by mode: what they do to each other, if the load is the same.
func sharing(e *evidence) []Finding {
	var all []ranked
	for _, p := range e.phases {
		if !e.shared(p) || e.faulty(p.Name) {
			continue
		}
		var alike, modes, phases []string // those that others do nothing to, and what shows it
		for _, alone := range e.phases {
			if e.shared(alone) || alone.Kind != p.Kind || e.faulty(alone.Name) {
				continue
			}
			for _, m := range e.in(p.Name) {
				c, ok := e.disturbed(m, p.Name, alone.Name)
				switch {
				case !ok || c.most == 0 && len(c.alike) == 0:
				case c.most == 0:
					alike, modes, phases = append(alike, c.figure+" of "+name(m)), append(modes, m), append(phases, alone.Name)
				default:
					x := slices.Concat(c.less, c.more)[0]
					others := slices.DeleteFunc(e.in(p.Name), func(other string) bool { return other == m })
					text := fmt.Sprintf("In %s, which %s shared with %s, its %s was %s; by itself, in %s, it was %s (%s).", name(p.Name), name(m), list(others), c.figure, c.render(x.value),
						name(alone.Name), c.render(x.was), ratios([]beside{x}))
					all = append(all, ranked{Finding{Text: text, Modes: []string{m}, Phases: []string{alone.Name, p.Name}, Figures: []string{c.figure}}, c.most})
				}
			}
		}
		if len(alike) > 0 {
			all = append(all, ranked{Finding{Text: fmt.Sprintf("In %s, which the modes shared, %s cannot be told from when each was by itself (%s).", name(p.Name), sentence(alike), list(phases)),
				Modes: modes, Phases: append(phases, p.Name), Figures: []string{"p99", "p95", "p50"}}, 0})
		}
	}
	return byFactor(all)
}

// shared reports whether modes run at the same time in a phase.
func (e *evidence) shared(p result.PhaseInfo) bool { return p.Mix && len(e.in(p.Name)) > 1 }

// disturbed sets a mode in a phase that it shares beside one of the same load that it has for itself.
func (e *evidence) disturbed(mode, phase, alone string) (c compared, ok bool) {
	of, to := place{mode, phase}, place{mode, alone}
	if c.e = e; !e.sameLoad(of, to) {
		return c, false
	}
	if c.figure, ok = e.quantile([]place{of, to}); ok {
		c.add(of, to)
	}
	return c, ok
}

// sameLoad reports whether a mode had about as many requests a second in both places.
func (e *evidence) sameLoad(a, b place) bool {
	var rates []float64
	for _, p := range []place{a, b} {
		t := e.Total(p.mode, p.phase)
		if t == nil || t.Took <= 0 {
			return false
		}
		rates = append(rates, float64(t.Ledger.Scheduled)/t.Took.Seconds())
	}
	const within = 1.5
	return max(rates[0], rates[1]) <= within*min(rates[0], rates[1])
}
