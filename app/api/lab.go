package api

// Strategy describes one caching strategy: GET /lab/strategies.
type Strategy struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Cold    Law    `json:"cold"`   // recomputes when nothing is cached
	Expiry  Law    `json:"expiry"` // recomputes for each page that expired
	// Hits is the share of requests for a page that are hits or stale, under Poisson arrivals; empty if there is no exact law. It is an
	// expression over numbers, rates a second and times in seconds:
	//
	//	lambda   requests for the page a second
	//	T        how long it stays from when it was stored: the TTL, or less if it is evicted
	//	D        until its first recompute was stored
	//	spread   from then until the last of those that ran at the same time was
	//	grace    the knob
	//	w        changes a second of what the page shows; 0 is none
	//
	// and dropped(lambda, D, w), the share of a page that each change drops, where changes come at even intervals that it outlives.
	Hits string `json:"hits,omitempty"`
	// Stale is how stale a read can be at most: the longest time from the commit of a change until a read is sent that still gets the page from
	// before it. It is empty if nothing bounds it, and an expression over times in seconds otherwise:
	//
	//	T       the TTL
	//	D       how long a recompute takes, the longest: the page is stored that long after it had seen its last change
	//	lambda  requests for the page a second
	//
	// and any other knob by its name, a duration in seconds too: grace.
	Stale string `json:"stale,omitempty"`
}

// Law predicts how often a page is recomputed. Recomputes is an expression, of the language of expr-lang, whose value is the distribution of
// a count. A number is a count that is not random; others are made by
//
//	herd(others)                          everybody recomputes it who asks for it while the first does: 1 + others
//	flights(others, replicas, balancing)  the first to ask in each replica does
//	xfetch(others, beta)                  XFetch: hits do before it expires, the likelier the nearer; the mean is a closed form with E1
//
// of the variables
//
//	others     the requests for the page that come while its first recompute runs: a Poisson count of mean lambda x D for an open load of
//	           Poisson arrivals, all others of a burst or of the users at most
//	replicas   processes that serve the page
//	balancing  how requests are spread over them: random, round_robin, sticky, least_in_flight
//	beta       XFetch's eagerness
//
// and Relation is how the measured count compares to it: "==", or "<=" and ">=" for bounds.
type Law struct {
	Relation   string `json:"relation"`
	Recomputes string `json:"recomputes"`
	Text       string `json:"text"` // for people: "1 + lambda x D"
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
	Instance   string   `json:"instance"` // of the process: see Health
	Commit     string   `json:"commit"`
	Go         string   `json:"go"`
	Database   string   `json:"database"`   // "PostgreSQL 15.18", "SQLite 3.51"
	Cache      string   `json:"cache"`      // "redis 7.0.15", "miniredis 2.40.0"
	Properties int      `json:"properties"` // rows
	Loaders    []string `json:"loaders"`
	Strategies []string `json:"strategies"`
	Config     Config   `json:"config"` // of every knob, as it is now
}

// Health is the body of PathHealthz. Instance is drawn when the process starts, and the same in its Info: a port with lab controls that has another is not of the
// process that serves the API.
type Health struct {
	Status   string `json:"status"`
	Instance string `json:"instance"`
}

// LabPort is where the lab controls are, unless the app is told another.
const LabPort = "8001"

// Ready is what the app writes to its --ready-file once it serves: where it listens, as host:port.
type Ready struct {
	API string `json:"api"`
	Lab string `json:"lab"`
	PID int    `json:"pid"`
}

// CommandRedis is the app's hidden command that serves its embedded Redis: "app embedded-redis [HOST:PORT]", on a free port unless it is told
// another. It writes the address it listens on as its first line, and ends when its standard input does.
const CommandRedis = "embedded-redis"
