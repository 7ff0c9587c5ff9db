package result

// Fault is one fault of a phase, and what it came to for one mode.
type Fault struct {
	Server string `json:"server"` // redis, database or app
	Kind   string `json:"kind"`
	Text   string `json:"text"`     // as it was planned, for people: "redis stop from 2s to 4s"
	By     string `json:"by"`       // by which means it was done: process, link, simulated or controls
	Began  Dur    `json:"began_ns"` // as it was done, since the phase began
	Ended  Dur    `json:"ended_ns"`
	// Evidence is what the process, the link or the app saw of it. A fault that nothing saw makes the run invalid.
	Evidence string `json:"evidence,omitempty"`
	Impact   Impact `json:"impact"`
}

// Impact is what a fault did to the requests of one mode.
type Impact struct {
	Inside  Stretch `json:"inside"`  // requests that were due or under way while it lasted
	Outside Stretch `json:"outside"` // the others of the phase
	// Detect is the time from its begin until the first request that shows it has ended: an error, a response that says that its server ran
	// without the cache, or one that took unusually long. None if no request shows it.
	Detect *Dur `json:"detect_ns,omitempty"`
	// Degrade is the time from its begin until requests stopped to fail or to take unusually long, while it went on: 0 if none did. None if
	// they did so until it ended.
	Degrade *Dur `json:"degrade_ns,omitempty"`
	// Recover is the time from its end until requests were as before it. None if they were not before the phase ended.
	Recover *Dur `json:"recover_ns,omitempty"`
	Watched Dur  `json:"watched_ns"` // from its end to the end of the phase, or to the next fault
	// Slow is the response time above which a request is taken to show the fault.
	Slow Dur `json:"slow_ns"`
	// Attempts are the calls that the app made to the dead server while it was down, by its own account; negative if it gives none.
	Attempts int64 `json:"attempts"`
}

// Stretch is what the requests of a part of a phase came to.
type Stretch struct {
	Took     Dur              `json:"took_ns"`
	Requests int64            `json:"requests"`
	Failed   map[string]int64 `json:"failed,omitempty"`
	Degraded int64            `json:"degraded,omitempty"` // responses that say that the server ran without its cache
	Response Summary          `json:"response"`
	Stalest  Dur              `json:"stalest_ns,omitempty"` // the longest that a page was older than a committed change
}

// Errors returns how many requests of the stretch failed.
func (s Stretch) Errors() int64 {
	var n int64
	for _, failed := range s.Failed {
		n += failed
	}
	return n
}
