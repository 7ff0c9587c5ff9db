package ab

// Work is what the same requests, made one after the other by one user of fresh processes, cost both builds in one mode and phase.
type Work struct {
	Mode     string `json:"mode"`
	Phase    string `json:"phase"`
	Requests int64  `json:"requests"`
	// Tries are the comparisons: one if it came out even, else as many as there may be. Pages that expire meanwhile, or are recomputed early by
	// chance, are in one arm and not in the other; what a build adds is there every time.
	Tries []Try `json:"tries"`
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
	// Allocations are the objects that the app's process allocated meanwhile, whatever for; 0 if unknown.
	Allocations int64 `json:"allocations"`
}

// Counter is one of the counts, by its name.
type Counter struct {
	Name string
	Of   func(Counts) int64
	App  bool // known only if Counted
	// Slack is the share by which B may have more than A: 0 of what is exact.
	Slack float64
}

// CounterBytes is the name of a counter.
const CounterBytes = "bytes"

// allocationSlack is more than what an app allocates for itself while it makes ten pages: timers, probes, exports.
const allocationSlack = 0.10

// Counters are all that is compared, exactly but for allocations: what else the process does meanwhile is in them.
func Counters() []Counter {
	return []Counter{
		{Name: "sql", App: true, Of: func(c Counts) int64 { return c.SQL }},
		{Name: "rows", App: true, Of: func(c Counts) int64 { return c.Rows }},
		{Name: "redis", App: true, Of: func(c Counts) int64 { return c.Redis }},
		{Name: "recomputes", App: true, Of: func(c Counts) int64 { return c.Recomputes }},
		{Name: CounterBytes, Of: func(c Counts) int64 { return c.Bytes }},
		{Name: "failed", Of: func(c Counts) int64 { return c.Failed }},
		{Name: "allocations", Of: func(c Counts) int64 { return c.Allocations }, Slack: allocationSlack},
	}
}

// Known reports whether a try has the counter in both arms.
func (c Counter) Known(t Try) bool {
	return (!c.App || t.A.Counted && t.B.Counted) && (c.Slack == 0 || c.Of(t.A) > 0 && c.Of(t.B) > 0)
}

// Differs reports whether the arms differ in a try by more than the slack.
func (c Counter) Differs(t Try) bool {
	return c.more(c.Of(t.B), c.Of(t.A)) || c.more(c.Of(t.A), c.Of(t.B))
}

func (c Counter) more(x, y int64) bool { return float64(x) > float64(y)*(1+c.Slack) }

// Grew returns the names of the counters that B has more of than A in every try.
func (w Work) Grew() []string {
	var names []string
	for _, c := range Counters() {
		grew := len(w.Tries) > 0
		for _, t := range w.Tries {
			grew = grew && c.Known(t) && c.more(c.Of(t.B), c.Of(t.A))
		}
		if grew {
			names = append(names, c.Name)
		}
	}
	return names
}

// Even reports whether a try has the same in both arms.
func (t Try) Even() bool {
	for _, c := range Counters() {
		if c.Differs(t) {
			return false
		}
	}
	return t.A.Counted == t.B.Counted
}

// Last is the last try.
func (w Work) Last() Try {
	if len(w.Tries) == 0 {
		return Try{}
	}
	return w.Tries[len(w.Tries)-1]
}
