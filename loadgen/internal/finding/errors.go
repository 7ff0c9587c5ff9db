package finding

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// failures says of each phase without faults how many requests failed, and how.
func failures(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if e.faulty(p.Name) {
			continue
		}
		var parts, modes []string
		for _, m := range e.requesters(p.Name) {
			if t := e.Total(m, p.Name); t.Ledger.Errors() > 0 {
				parts, modes = append(parts, fmt.Sprintf("%s of %s (%s)", of(t.Ledger.Errors(), t.Ledger.Scheduled), name(m), kinds(t))), append(modes, m)
			}
		}
		if len(modes) == 0 {
			continue
		}
		all = append(all, Finding{Text: fmt.Sprintf("In %s, requests failed: %s.", name(p.Name), strings.Join(parts, "; ")), Modes: modes, Phases: []string{p.Name},
			Figures: []string{"errors"}})
	}
	return all
}

// kinds lists failures by kind, the most frequent first.
func kinds(t *figure.Total) string {
	names := slices.SortedFunc(maps.Keys(t.Ledger.Failed), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.Ledger.Failed[b], t.Ledger.Failed[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, kind := range names {
		if n := t.Ledger.Failed[kind]; n > 0 {
			parts = append(parts, unit.Count(n)+" "+kind)
		}
	}
	return sentence(parts)
}
