package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
)

// expiries says how often a page was computed each time it was not there, or too old, and who waited for that.
func expiries(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if e.faulty(p.Name) {
			continue
		}
		x := expiry{e: e, phase: p.Name, kind: p.Kind}
		for _, m := range e.in(p.Name) {
			x.add(m)
		}
		if len(x.herds)+len(x.waited)+len(x.alone)+len(x.old)+len(x.nobody) > 0 {
			all = append(all, x.finding())
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(len(b.Modes), len(a.Modes)), cmp.Compare(e.requests(b.Phases[0]), e.requests(a.Phases[0])))
	})
	return all
}

// expiry is what became of the pages that had to be computed in one phase, by mode.
type expiry struct {
	e           *evidence
	phase, kind string
	cold        bool      // a page was wanted that was never there
	changed     bool      // what it shows, so that it had to be replaced for more reasons than its age
	many        bool      // pages are more than one
	herds       []string  // computed it more often than once, the most first
	each        []float64 // how often, of each of herds
	waited      []string  // computed it once, and others waited
	alone       []string  // computed it once, and whoever did waited
	old         []string  // computed it once, and gave nearly all others the old page
	held        []int64   // requests that waited all the same, of each of old
	nobody      []string  // computed it once, in the background
}

// add sorts a mode in by its counters, which have work in the background too, and by what responses say of themselves.
func (x *expiry) add(mode string) {
	t := x.e.Total(mode, x.phase)
	c := t.Counters()
	missing := c[api.CountExpirations] + c[api.CountCold]
	each, ok := x.e.value("recomputes_per_expiry", mode, x.phase)
	if !ok || missing == 0 || c[api.CountRecomputes] == 0 || !reported(t) {
		return
	}
	x.cold = x.cold || c[api.CountCold] > 0
	x.changed = x.changed || t.Stale.Writes > 0
	x.many = x.many || x.e.mode(mode).Keys.Many()
	waited, missed := t.Server.Cache[api.CacheCoalesced.String()], t.Server.Cache[api.CacheMiss.String()]
	switch {
	case each >= manyTimes:
		at := slices.IndexFunc(x.each, func(other float64) bool { return each > other })
		if at < 0 {
			at = len(x.each)
		}
		x.herds, x.each = slices.Insert(x.herds, at, mode), slices.Insert(x.each, at, each)
	case each != 1:
	case waited+missed > 0 && t.Server.Cache[api.CacheStale.String()] > 0:
		x.old, x.held = append(x.old, mode), append(x.held, waited+missed)
	case waited > 0:
		x.waited = append(x.waited, mode)
	case missed > 0:
		x.alone = append(x.alone, mode)
	default:
		x.nobody = append(x.nobody, mode)
	}
}

// reported reports whether every response says what the cache had for it.
func reported(t *figure.Total) bool {
	var n int64
	for _, of := range t.Server.Cache {
		n += of
	}
	return n >= t.Ledger.Completed
}

// manyTimes is from how many recomputes of a page on, on average, it is called a herd.
const manyTimes = 1.5

func (x *expiry) finding() Finding {
	f := Finding{Phases: []string{x.phase}, Figures: []string{"recomputes_per_expiry", "p95", "max"}, Modes: slices.Concat(x.herds, x.waited, x.alone, x.old, x.nobody)}
	when := "the page had expired"
	switch {
	case x.many:
		when = "a page was missing or too old"
	case x.cold:
		when = "the page was missing"
	case x.changed:
		when = "the page had to be replaced"
	}
	when = fmt.Sprintf("In %s, each time %s, ", name(x.phase), when)
	var parts []string
	for _, g := range byGap(x.herds, x.each) {
		text := fmt.Sprintf("%s computed it %s", list(g.names), counted(g.values))
		if q, ok := x.paid(g.names); ok {
			if d, ok := x.slow(q, g.names); ok {
				text += fmt.Sprintf(", and %s took over %s", beyond(q), d)
			}
		}
		parts = append(parts, text)
	}
	parts = append(parts, x.waiting()...)
	if len(x.alone) > 0 {
		parts = append(parts, list(x.alone)+" computed it once, and only who did so waited")
	}
	if len(x.old) > 0 {
		parts = append(parts, fmt.Sprintf("%s computed it once and served the old page meanwhile: %s waited", list(x.old), x.few()))
	}
	if len(x.nobody) > 0 {
		parts = append(parts, list(x.nobody)+" computed it once, and nobody waited")
	}
	f.Text = when + strings.Join(parts, "; ") + "."
	return f
}

// waiting says of the modes of waited who waited, and how long at most: those that are alike together, the shortest first.
func (x *expiry) waiting() []string {
	longest := func(m string) float64 { v, _ := x.e.value("max", m, x.phase); return v }
	slices.SortStableFunc(x.waited, func(a, b string) int { return cmp.Compare(longest(a), longest(b)) })
	var values []float64
	for _, m := range x.waited {
		values = append(values, longest(m))
	}
	var parts []string
	for _, g := range byGap(x.waited, values) {
		text := list(g.names) + " computed it once, and those who came meanwhile waited"
		if d, ok := x.slow("max", g.names); ok {
			text += " (longest request " + d + ")"
		}
		parts = append(parts, text)
	}
	return parts
}

// few renders how many requests of the modes of old waited.
func (x *expiry) few() string {
	var all []string
	for i, m := range x.old {
		all = append(all, of(x.held[i], x.e.Total(m, x.phase).Ledger.Scheduled))
	}
	if alike := slices.Compact(slices.Clone(all)); len(alike) == 1 && len(all) > 1 {
		return alike[0] + " of each"
	}
	return sentence(all)
}

// paid returns the percentile beyond which requests computed the page themselves: the highest of which there are more of those, in each of some modes.
func (x *expiry) paid(modes []string) (string, bool) {
	least := 1.0
	for _, m := range modes {
		t := x.e.Total(m, x.phase)
		least = min(least, float64(t.Server.Cache[api.CacheMiss.String()])/float64(t.Ledger.Scheduled))
	}
	for _, q := range []string{"p50", "p95", "p99"} {
		if f, _ := figure.Named(q); least > f.Beyond() {
			return q, true
		}
	}
	return "", false
}

// slow renders a time of some modes, if all have it.
func (x *expiry) slow(figure string, modes []string) (string, bool) {
	var times []time.Duration
	for _, m := range modes {
		d, ok := x.e.time(figure, m, x.phase)
		if !ok || d <= 0 {
			return "", false
		}
		times = append(times, d)
	}
	return between(times), true
}

// counted renders how many times on average.
func counted(values []float64) string {
	if text := amounts(values); strings.Contains(text, ".") {
		return text + " times on average"
	}
	return amounts(values) + " times"
}

// group is names whose values are alike.
type group struct {
	names  []string
	values []float64
}

// gap is by how much a value must be greater than the next for a group to end there.
const gap = 2

// byGap splits names whose values are sorted, greatest or least first, where a value is more than twice its neighbour.
func byGap(names []string, values []float64) []group {
	var all []group
	for i, v := range values {
		if n := len(all); n > 0 {
			last := values[i-1]
			if max(v, last) <= gap*min(v, last) {
				all[n-1].names, all[n-1].values = append(all[n-1].names, names[i]), append(all[n-1].values, v)
				continue
			}
		}
		all = append(all, group{[]string{names[i]}, []float64{v}})
	}
	return all
}
