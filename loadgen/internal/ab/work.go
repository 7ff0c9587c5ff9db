package ab

import "slices"

// Work is what the same requests, made one after the other by one user of fresh processes, cost both builds in one mode and phase.
type Work struct {
	Mode     string `json:"mode"`
	Phase    string `json:"phase"`
	Requests int64  `json:"requests"`
	// Tries are the comparisons: one if it came out even, else as many as there may be. Pages that expire meanwhile, or are recomputed early by
	// chance, are in one arm and not in the other; what a build adds is there every time.
	Tries []Try `json:"tries"`
	// Allocations are of requests that are not traced, as what exports spans allocates at times of its own. There are as many tries as it takes until B does not
	// have more, or as many as there may be.
	Allocations []Allocations `json:"allocations,omitempty"`
	// Repeats are queries that the slowest traced request of B made again and again, and that of A did not: "agents by id x 20".
	Repeats []string `json:"repeats,omitempty"`
}

// Try is one comparison of both arms.
type Try struct {
	A Counts `json:"a"`
	B Counts `json:"b"`
}

// Counts are totals over the requests of a try. Those of the app are by its own counters, work in the background included.
type Counts struct {
	Counted    bool  `json:"counted"` // the app has counters of the mode: SQL, Rows, Redis and Recomputes are known
	SQL        int64 `json:"sql"`
	Rows       int64 `json:"rows"`
	Redis      int64 `json:"redis"`
	Recomputes int64 `json:"recomputes"`
	Bytes      int64 `json:"bytes"` // of the responses' bodies
	Failed     int64 `json:"failed"`
}

// Allocations are objects that each app's process allocated while it answered the same requests, whatever for; 0 if unknown.
type Allocations struct {
	Requests int64 `json:"requests"`
	A        int64 `json:"a"`
	B        int64 `json:"b"`
}

// Known reports whether both are.
func (a Allocations) Known() bool { return a.A > 0 && a.B > 0 }

// Grew reports whether B has more by a tenth, which is more than what an app allocates for itself meanwhile: timers, probes, the collector.
func (a Allocations) Grew() bool {
	const slack = 0.10
	return a.Known() && float64(a.B) > float64(a.A)*(1+slack)
}

// Counter is one of the counts, by its name.
type Counter struct {
	Name string
	Of   func(Counts) int64
	App  bool // known only if Counted
}

// CounterBytes is the name of a counter.
const CounterBytes = "bytes"

// Counters are all that is compared exactly.
func Counters() []Counter {
	return []Counter{
		{Name: "sql", App: true, Of: func(c Counts) int64 { return c.SQL }},
		{Name: "rows", App: true, Of: func(c Counts) int64 { return c.Rows }},
		{Name: "redis", App: true, Of: func(c Counts) int64 { return c.Redis }},
		{Name: "recomputes", App: true, Of: func(c Counts) int64 { return c.Recomputes }},
		{Name: CounterBytes, Of: func(c Counts) int64 { return c.Bytes }},
		{Name: "failed", Of: func(c Counts) int64 { return c.Failed }},
	}
}

// Known reports whether a try has the counter in both arms.
func (c Counter) Known(t Try) bool { return !c.App || t.A.Counted && t.B.Counted }

// CounterAllocations is the name of what is counted, and not exactly.
const CounterAllocations = "allocations"

// Grew returns the names of the counters that B has more of than A in every try.
func (w Work) Grew() []string {
	var names []string
	for _, c := range Counters() {
		if always(w.Tries, func(t Try) bool { return c.Known(t) && c.Of(t.B) > c.Of(t.A) }) {
			names = append(names, c.Name)
		}
	}
	if always(w.Allocations, Allocations.Grew) {
		names = append(names, CounterAllocations)
	}
	return names
}

// always reports whether something holds of all, and there are any.
func always[T any](all []T, holds func(T) bool) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(t T) bool { return !holds(t) })
}

// Even reports whether a try has the same in both arms.
func (t Try) Even() bool { return t.A == t.B }

// Last is the last try.
func (w Work) Last() Try {
	if len(w.Tries) == 0 {
		return Try{}
	}
	return w.Tries[len(w.Tries)-1]
}
