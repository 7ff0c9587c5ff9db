package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/unit"
)

// part is one part of a response time.
type part struct {
	name string
	of   func(result.Bucket) time.Duration
}

func parts() []part {
	return []part{
		{"SQL", func(b result.Bucket) time.Duration { return b.SQL }},
		{"waiting for a database connection", func(b result.Bucket) time.Duration { return b.Wait }},
		{"Redis", func(b result.Bucket) time.Duration { return b.Redis }},
		{"the app", func(b result.Bucket) time.Duration { return b.App }},
		{"the network", func(b result.Bucket) time.Duration { return b.Network }},
		{"waiting to be sent", func(b result.Bucket) time.Duration { return b.Lag }},
	}
}

// leastSpent is of how many requests the parts of a response time are a mean at least.
const leastSpent = 5

// spent says what the response time at p99 was, in the phase in which most time was lost to it.
func spent(e *evidence) []Finding {
	var all []ranked
	for _, p := range e.phases {
		by := map[string][]string{}
		var names []string
		longest := time.Duration(0)
		of := e.requesters(p.Name)
		slowest := e.slowest(of, p.Name)
		for _, m := range of {
			p99, ok := e.time("p99", m, p.Name)
			x := e.most(m, p.Name)
			if !ok || len(x) == 0 || p99 < slowest/farBelow {
				continue
			}
			key := called(x)
			if len(by[key]) == 0 {
				names = append(names, key)
			}
			by[key], longest = append(by[key], m), max(longest, p99)
		}
		if len(names) == 0 {
			continue
		}
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(e.slowest(by[b], p.Name), e.slowest(by[a], p.Name)) })
		var text, modes []string
		for _, x := range names {
			text, modes = append(text, fmt.Sprintf("%s for %s (%s)", x, list(by[x]), e.shares(by[x], p.Name))), append(modes, by[x]...)
		}
		all = append(all, ranked{Finding{Text: fmt.Sprintf("In %s, most of the response time at p99 was %s.", name(p.Name), strings.Join(text, "; ")) + included(names), Modes: modes,
			Phases: []string{p.Name}, Figures: []string{"p99"}}, longest.Seconds() * float64(e.requests(p.Name))})
	}
	return byFactor(all)
}

// slowest is the greatest p99 of some modes.
func (e *evidence) slowest(modes []string, phase string) time.Duration {
	var longest time.Duration
	for _, m := range modes {
		d, _ := e.time("p99", m, phase)
		longest = max(longest, d)
	}
	return longest
}

// farBelow is by how much the p99 of a mode is below the greatest of a phase where nobody asks what it is made of.
const farBelow = 10

// included says what is in parts whose names do not say it.
func included(names []string) string {
	all := strings.Join(names, " ")
	switch {
	case strings.Contains(all, "the app") && strings.Contains(all, "the network"):
		return " The app's time has waits for another's recompute in it, the network's the server's queue."
	case strings.Contains(all, "the app"):
		return " The app's time has waits for another's recompute in it."
	case strings.Contains(all, "the network"):
		return " The network's time has the server's queue in it."
	}
	return ""
}

// What is called most of a response time: one part of it, or two together.
const (
	mostOfOne = 0.5
	mostOfTwo = 0.8
)

// most returns the part that was more than half of the response time at p99, or the two that were more than four fifths: in all rounds together and in each. It is nil if there is
// none, or of too few requests.
func (e *evidence) most(mode, phase string) []part {
	b, ok := e.Total(mode, phase).SpentAt(0.99)
	if !ok || b.Count < leastSpent {
		return nil
	}
	buckets := []result.Bucket{b}
	for _, r := range e.rounds {
		if t := r.Total(mode, phase); t != nil {
			b, ok := t.SpentAt(0.99)
			if !ok {
				return nil
			}
			buckets = append(buckets, b)
		}
	}
	always := func(share float64, some ...part) bool {
		return !slices.ContainsFunc(buckets, func(b result.Bucket) bool { return shareOf(b, some) <= share })
	}
	all := parts()
	slices.SortStableFunc(all, func(x, y part) int { return cmp.Compare(y.of(b), x.of(b)) })
	switch {
	case always(mostOfOne, all[0]):
		return all[:1]
	case always(mostOfTwo, all[:2]...):
		return all[:2]
	}
	return nil
}

// shareOf is what some parts are of the response time.
func shareOf(b result.Bucket, some []part) float64 {
	var sum time.Duration
	for _, x := range some {
		sum += x.of(b)
	}
	return float64(sum) / float64(max(b.Response, 1))
}

// called names some parts.
func called(some []part) string {
	var names []string
	for _, x := range some {
		names = append(names, x.name)
	}
	return strings.Join(names, " and ")
}

// shares renders what their most is of the mean response time at p99: "204 ms of 357 ms", from where to where of several modes.
func (e *evidence) shares(modes []string, phase string) string {
	var shares []float64
	text := ""
	for _, m := range modes {
		b, _ := e.Total(m, phase).SpentAt(0.99)
		share := shareOf(b, e.most(m, phase))
		mean := b.Response / time.Duration(b.Count)
		text = unit.Latency(time.Duration(share*float64(mean))) + " of " + unit.Latency(mean)
		shares = append(shares, share)
	}
	if len(modes) == 1 {
		return text
	}
	return spread(unit.Percent(slices.Min(shares)), unit.Percent(slices.Max(shares)))
}

// repeats says which queries one request makes again and again, by the kept trace with the most of them.
func repeats(e *evidence) []Finding {
	by := map[string]*Finding{}
	var all []*Finding
	for _, mode := range e.Modes() {
		text, id, phase := repeated(e.Run, mode)
		if text == "" {
			continue
		}
		f := by[text]
		if f == nil {
			f = &Finding{Text: text, Trace: id, Figures: []string{"sql"}}
			by[text] = f
			all = append(all, f)
		}
		f.Modes = append(f.Modes, mode)
		if !slices.Contains(f.Phases, phase) {
			f.Phases = append(f.Phases, phase)
		}
	}
	var out []Finding
	for _, f := range all {
		f.Text = fmt.Sprintf("A request of %s that computes its answer repeats queries of one shape: %s.", list(f.Modes), f.Text)
		out = append(out, *f)
	}
	return out
}

// repeated returns the repeated queries of the kept trace of a mode that has the most.
func repeated(run *result.Run, mode string) (text, id, phase string) {
	most := 0
	for i := range run.Traces {
		t := &run.Traces[i]
		if t.Mode != mode {
			continue
		}
		if q := trace.FindQueries(t.Spans); q.Repeated() > most {
			most, text, id, phase = q.Repeated(), q.String(), t.ID, t.Phase
		}
	}
	return text, id, phase
}

// work says how many queries a request costs, where modes differ by more than a factor.
func work(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if e.faulty(p.Name) {
			continue
		}
		modes := e.in(p.Name)
		per := map[string]float64{}
		for _, m := range modes {
			if v, ok := e.value("sql", m, p.Name); ok {
				per[m] = v
			}
		}
		if len(per) < 2 || len(per) < len(modes) {
			continue
		}
		slices.SortStableFunc(modes, func(a, b string) int { return cmp.Compare(per[b], per[a]) })
		most, least := per[modes[0]], per[modes[len(modes)-1]]
		if most < 1 || most < gap*max(least, 1) {
			continue
		}
		var values []float64
		for _, m := range modes {
			values = append(values, per[m])
		}
		var parts []string
		for i, g := range byGap(modes, values) {
			parts = append(parts, fmt.Sprintf("%s with %s", queries(g.values, i == 0), list(g.names)))
		}
		all = append(all, Finding{Text: fmt.Sprintf("In %s, a request cost %s.", name(p.Name), sentence(parts)), Modes: modes, Phases: []string{p.Name},
			Figures: []string{"sql"}})
	}
	return all
}

// queries renders how many SQL queries some modes had, which are named once in a sentence.
func queries(values []float64, first bool) string {
	switch {
	case first:
		return amounts(values) + " SQL queries"
	case slices.Max(values) == 0:
		return "none"
	}
	return amounts(values)
}
