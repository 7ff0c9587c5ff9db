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
	Counted    bool  `json:"counted"` // the app has counters of the mode: SQL, Redis and Recomputes are known
	SQL        int64 `json:"sql"`
	Redis      int64 `json:"redis"`
	Recomputes int64 `json:"recomputes"`
	Bytes      int64 `json:"bytes"` // of the responses' bodies
	Failed     int64 `json:"failed"`
}

// Counter is one of the counts, by its name.
type Counter struct {
	Name string
	Of   func(Counts) int64
	App  bool // known only if Counted
}

// Counters are all that is compared, and all of it exactly.
func Counters() []Counter {
	return []Counter{
		{"sql", func(c Counts) int64 { return c.SQL }, true},
		{"redis", func(c Counts) int64 { return c.Redis }, true},
		{"recomputes", func(c Counts) int64 { return c.Recomputes }, true},
		{"bytes", func(c Counts) int64 { return c.Bytes }, false},
		{"failed", func(c Counts) int64 { return c.Failed }, false},
	}
}

// Grew returns the names of the counters that B has more of than A in every try.
func (w Work) Grew() []string {
	var names []string
	for _, c := range Counters() {
		grew := len(w.Tries) > 0
		for _, t := range w.Tries {
			grew = grew && c.Of(t.B) > c.Of(t.A) && (!c.App || t.A.Counted && t.B.Counted)
		}
		if grew {
			names = append(names, c.Name)
		}
	}
	return names
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
