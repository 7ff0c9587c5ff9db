package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/unit"
)

// misses says of modes that ask for many pages where the cache had fewer of them: the share of the requests for which it had none, where that is more than twice what it is in another phase.
func misses(e *evidence) []Finding {
	var all []ranked
	for _, m := range e.modes {
		if !e.mode(m).Keys.Many() {
			continue
		}
		var phases []string
		share := map[string]float64{}
		for _, p := range e.phases {
			if v, ok := e.value("hit_ratio", m, p.Name); ok && !e.faulty(p.Name) {
				phases, share[p.Name] = append(phases, p.Name), 1-v
			}
		}
		if len(phases) < 2 {
			continue
		}
		slices.SortStableFunc(phases, func(a, b string) int { return cmp.Compare(share[b], share[a]) })
		most, least := share[phases[0]], share[phases[len(phases)-1]]
		if most < worthAWord || most < gap*least {
			continue
		}
		var parts []string
		for _, p := range phases {
			parts = append(parts, unit.Percent(share[p])+" of the requests in "+name(p)+e.evicted(m, p))
		}
		all = append(all, ranked{Finding{Text: fmt.Sprintf("The cache had no page for %s%s.", strings.Join(parts, ", and for "), e.ofMode(m)), Modes: []string{m}, Phases: phases,
			Figures: []string{"hit_ratio", "evictions"}}, most / max(least, worthAWord)})
	}
	return byFactor(all)
}

// worthAWord is which share of the requests must find no page to be worth a sentence.
const worthAWord = 0.05

// evicted says how many pages Redis dropped to keep within its memory.
func (e *evidence) evicted(mode, phase string) string {
	if n, ok := e.value("evictions", mode, phase); ok && n > 0 {
		return ", where Redis evicted " + unit.Amount(n) + " keys a round"
	}
	return ""
}
