package api

// Strategy describes one caching strategy: GET /lab/strategies.
type Strategy struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Cold    Law    `json:"cold"`   // recomputes when nothing is cached
	Expiry  Law    `json:"expiry"` // recomputes for each page that expired
}

// Law predicts how often a page is recomputed. Recomputes is an expression over the variables
//
//	arrivals   requests that ask for the page while one recompute runs: rate x D for an open load (lambda x D), N for a burst of N
//	replicas   processes that serve the page
//	beta       XFetch's eagerness
//
// and Relation is how the measured mean compares to it: "==", "<=", ">=" or "~" (a mean of a random variable).
type Law struct {
	Relation   string `json:"relation"`
	Recomputes string `json:"recomputes"`
	Text       string `json:"text"` // for people: "at least lambda x D"
}

// Counters are exact totals since the app started, by mode: GET /lab/counters. They include what no response reports, such as a
// background refresh.
type Counters struct {
	// Running is how many recomputes and background refreshes have started and not ended yet.
	Running int64 `json:"running"`
	// SpansDropped is how many spans of sampled requests were lost, instead of exported.
	SpansDropped int64                   `json:"spans_dropped"`
	Modes        map[string]ModeCounters `json:"modes"`
}

// Key is one cached page: GET /lab/cache/keys.
type Key struct {
	Key     string  `json:"key"`
	Bytes   int64   `json:"bytes"`
	TTL     float64 `json:"ttl_seconds"` // until Redis drops it
	Version int64   `json:"version"`
	Age     float64 `json:"age_seconds"`
}

// Info is what the app is and what it runs on: GET /lab/info.
type Info struct {
	Commit     string   `json:"commit"`
	Go         string   `json:"go"`
	Database   string   `json:"database"`   // "PostgreSQL 15.18", "SQLite 3.51"
	Cache      string   `json:"cache"`      // "redis 7.0.15", "miniredis 2.40.0"
	Properties int      `json:"properties"` // rows
	Loaders    []string `json:"loaders"`
	Strategies []string `json:"strategies"`
	Config     Config   `json:"config"` // of every knob, as it is now
}

// Ready is what the app writes to its --ready-file once it serves: where it listens, as host:port.
type Ready struct {
	API string `json:"api"`
	Lab string `json:"lab"`
	PID int    `json:"pid"`
}

// CommandRedis is the app's hidden command that serves its embedded Redis: "app embedded-redis [HOST:PORT]", on a free port unless it is told
// another. It writes the address it listens on as its first line, and ends when its standard input does.
const CommandRedis = "embedded-redis"
