package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// staleness says how old the pages were that readers got, where what they show was changed meanwhile.
func staleness(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if e.faulty(p.Name) {
			continue
		}
		var never, stale []string
		var writes []float64
		for _, m := range e.in(p.Name) {
			s, ok := e.Total(m, p.Name).Staleness()
			if !ok {
				continue
			}
			writes = append(writes, float64(s.Writes))
			if s.Stale == 0 {
				never = append(never, m)
			} else {
				stale = append(stale, m)
			}
		}
		if len(writes) == 0 {
			continue
		}
		oldest := func(m string) float64 { s, _ := e.Total(m, p.Name).Staleness(); return figure.Millis(s.Max) }
		slices.SortStableFunc(stale, func(a, b string) int { return cmp.Compare(oldest(a), oldest(b)) })
		var ages []float64
		for _, m := range stale {
			ages = append(ages, oldest(m))
		}
		text := fmt.Sprintf("In %s, over %s changes", name(p.Name), amounts(writes))
		if len(never) > 0 {
			text += fmt.Sprintf(", no read of %s was stale. ", list(never))
		} else {
			text += ", no mode was without stale reads. "
		}
		parts := []string{tidy(text)}
		for _, g := range byGap(stale, ages) {
			parts = append(parts, e.old(g, p.Name))
		}
		all = append(all, Finding{Text: strings.Join(parts, " "), Modes: slices.Concat(stale, never), Phases: []string{p.Name}, Figures: []string{"stale_max", "stale_ratio"}})
	}
	return all
}

// old says how old the pages of some modes were, and how many of them.
func (e *evidence) old(g group, phase string) string {
	var shares []float64
	for _, m := range g.names {
		s, _ := e.Total(m, phase).Staleness()
		share, _ := figure.Ratio(s.Stale, s.Reads)
		shares = append(shares, share)
	}
	latency := func(ms float64) string { return unit.Latency(figure.Duration(ms)) }
	return fmt.Sprintf("Readers of %s got versions that had been old for %s at most; %s of the reads were stale.", list(g.names),
		spread(latency(slices.Min(g.values)), latency(slices.Max(g.values))), spread(unit.Percent(slices.Min(shares)), unit.Percent(slices.Max(shares))))
}
