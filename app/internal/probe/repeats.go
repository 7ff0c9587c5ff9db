package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// repeats counts the queries of one sampled request by their summary ("SELECT agents"), so that N+1 queries can be named on the request's
// span. The zero value is ready.
type repeats struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

func (r *repeats) add(summary string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[summary]++
}

// fewest is how often a query must have been made for it to be a repetition: a page has at least that many rows.
const fewest = 3

// Repeated names the queries that the request made again and again: "SELECT agents x 20, SELECT offices x 20: 40 of 62 queries". It is
// empty if there were none, and for a request that is not sampled.
func (m *Meter) Repeated() string {
	if m == nil {
		return ""
	}
	m.repeats.mu.Lock()
	defer m.repeats.mu.Unlock()
	var names []string
	all, repeated := 0, 0
	for summary, n := range m.repeats.counts {
		all += n
		if n >= fewest {
			repeated += n
			names = append(names, summary)
		}
	}
	if repeated == 0 {
		return ""
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(m.repeats.counts[b], m.repeats.counts[a]), cmp.Compare(a, b))
	})
	for i, summary := range names {
		names[i] = fmt.Sprintf("%s x %d", summary, m.repeats.counts[summary])
	}
	return fmt.Sprintf("%s: %d of %d queries", strings.Join(names, ", "), repeated, all)
}
