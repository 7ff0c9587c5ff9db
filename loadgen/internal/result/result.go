// Package result is run.json: the types of one run, their writing and reading, and the version of their schema. It is the only truth about
// a run; every output is a function of it. It computes nothing: figures are taken from it by package figure.
package result

import (
	"time"

	"loadlab/app/api"
)

// SchemaVersion is the version of run.json. It grows when a field changes its meaning or goes. Parse also reads version 1, in which the
// counters had other names.
const SchemaVersion = 2

// Run is one run of a scenario: the only truth about it. Durations are in nanoseconds in JSON, as Go's time.Duration is.
type Run struct {
	Schema      int       `json:"schema"`
	ID          string    `json:"id"`
	Started     time.Time `json:"started"`
	Took        Dur       `json:"took_ns"`
	Interrupted bool      `json:"interrupted,omitempty"`
	// Invalid is why the run cannot be judged; empty for a valid run.
	Invalid []string `json:"invalid,omitempty"`
	// Limited is how the generator itself was the bottleneck; empty if it was not. Such a run is not judged, unless AllowLimited.
	Limited      []string `json:"generator_limited,omitempty"`
	AllowLimited bool     `json:"allow_limited,omitempty"`
	Warnings     []string `json:"warnings,omitempty"`
	Aborted      []Abort  `json:"aborted,omitempty"` // phases that were ended before their time

	Scenario Scenario `json:"scenario"`
	Seed     uint64   `json:"seed"`
	Stack    Stack    `json:"stack"`
	Machine  Machine  `json:"machine"`
	Commit   string   `json:"commit"`

	Modes      []Mode      `json:"modes"`             // in the scenario's order; the first is what the others are compared with
	Phases     []PhaseInfo `json:"phases"`            // in the scenario's order, warm-up included
	Cells      []Cell      `json:"cells"`             // one per round, mode and phase, in the order they ran; warm-up phases included, marked by their Phase
	Drivers    []Driver    `json:"drivers,omitempty"` // one per phase that was driven; with workers, one for each of them
	Workers    []Worker    `json:"workers,omitempty"` // other processes that sent the load; none if this one did
	Requests   *Requests   `json:"requests,omitempty"`
	Strategies []Strategy  `json:"strategies,omitempty"`
	// Traces are those worth a look: of each mode and phase the slowest that were sampled, one near the median, and what they are linked to.
	Traces []Trace `json:"traces,omitempty"`
	// Predictions are what the laws predicted before the gates were judged.
	Predictions []Prediction `json:"predictions,omitempty"`
	Gates       []Gate       `json:"gates,omitempty"`
	Level       float64      `json:"level,omitempty"` // of the intervals that gates were judged by; 0 of a run that had none
}

// Dur is a time.Duration under a shorter name.
type Dur = time.Duration

// Scenario is what was run.
type Scenario struct {
	Name   string `json:"name"`
	Why    string `json:"why"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Rounds int    `json:"rounds"`
	// LeftOut are the modes of the file, and the steps of its sessions, that the run was not to have.
	LeftOut []string `json:"modes_left_out,omitempty"`
	// Objective is what capacity is measured by; nil if the scenario has none.
	Objective *Objective `json:"objective,omitempty"`
}

// Objective is a bound of a figure of the response time: the p99 at most 50 ms.
type Objective struct {
	Figure string `json:"figure"`
	AtMost Dur    `json:"at_most_ns"`
}

// Stack is what it ran on, as the app itself reported it where it could.
type Stack struct {
	Kind     string `json:"kind"` // embedded, local, compose, remote
	Target   string `json:"target"`
	Database string `json:"database,omitempty"`
	Cache    string `json:"cache,omitempty"`
	App      string `json:"app,omitempty"` // its commit and Go version
	Rows     int    `json:"rows,omitempty"`
	Replicas int    `json:"replicas"` // of the app that ran; a phase may have used fewer
	// Config is the app's configuration as it ran: ttl, beta, ...
	Config    map[string]string `json:"config,omitempty"`
	Distances []Distance        `json:"distances,omitempty"` // of its servers
}

// Machine is where the generator ran.
type Machine struct {
	OS    string `json:"os"`
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

// Mode is a named request, a session of requests, or a step of one.
type Mode struct {
	Name     string `json:"name"`
	Method   string `json:"method"`
	Path     string `json:"path"`
	Strategy string `json:"strategy,omitempty"` // the caching strategy it asks for, if the path names one
	Session  string `json:"session,omitempty"`  // the mode that this is a step of
	Steps    int    `json:"steps,omitempty"`    // of a session, which has no request of its own: the modes that follow; its entries are in no sum over modes
	Keys     *Keys  `json:"keys,omitempty"`     // how the pages it asks for are drawn; nil is always the same one
}

// PhaseInfo is one phase of the scenario, as it was planned.
type PhaseInfo struct {
	Name   string  `json:"name"`
	Kind   string  `json:"kind"` // open, closed, burst
	Load   string  `json:"load"` // for people: "200/s poisson for 6s", "50 users, 50 requests"
	Rate   float64 `json:"rate,omitempty"`
	Users  int     `json:"users,omitempty"`
	Think  Dur     `json:"think_ns,omitempty"` // mean
	Warmup bool    `json:"warmup,omitempty"`
	Mix    bool    `json:"mix,omitempty"`
	For    Dur     `json:"for_ns,omitempty"`
	Total  int     `json:"requests,omitempty"` // a fixed number of requests
	// Arrivals is how the requests of an open phase are spread: poisson, constant. Varies is whether their rate changes meanwhile.
	Arrivals string `json:"arrivals,omitempty"`
	Varies   bool   `json:"varies,omitempty"`
	// During are the actions that were repeated while the load ran.
	During []string `json:"during,omitempty"`
	// Replicas is how many replicas of the app the requests were spread over, and Balancing how: round_robin, random, sticky, least_in_flight.
	// 0 and empty with one.
	Replicas  int    `json:"replicas,omitempty"`
	Balancing string `json:"balancing,omitempty"`
	// App is what the phase had otherwise than Stack.Config.
	App       map[string]string `json:"app,omitempty"`
	MaxMemory int64             `json:"max_memory,omitempty"` // of Redis, in bytes; 0 is no limit of the scenario's
}

// Cell is what one mode did in one phase of one round.
type Cell struct {
	Round int    `json:"round"` // from 1
	Mode  string `json:"mode"`
	Phase string `json:"phase"`
	Start Dur    `json:"start_ns"` // since Run.Started
	Took  Dur    `json:"took_ns"`  // of the load itself: the phase's length, without set-up and drain

	Ledger  Ledger   `json:"ledger"`
	Seconds []Second `json:"seconds,omitempty"`
	// Failures are the requests that failed by how they did: the reasons, where the ledger has the numbers.
	Failures []Failure     `json:"failures,omitempty"`
	Statuses map[int]int64 `json:"statuses,omitempty"` // responses by status code
	Clamped  int64         `json:"clamped,omitempty"`  // times outside of the histograms' range, of all three clocks; each is in its histogram at the bound
	Response Summary       `json:"response"`           // due to done
	Service  Summary       `json:"service"`            // sent to done
	Lag      Summary       `json:"lag"`                // due to sent
	Server   Server        `json:"server"`
	Stale    *Stale        `json:"stale,omitempty"`
	// Errors is what runs of before Failures have in its place: the first error of each kind. Parse makes failures of it.
	Errors map[string]string `json:"errors,omitempty"`
	// Spent is what the time was spent on, by response time, shortest first; of responses that carried Server-Timing.
	Spent []Bucket `json:"spent,omitempty"`
	// Faults are those of the phase. Inside and Outside are the cell's requests that were due or under way while one of them lasted, and the others; nil
	// without faults.
	Faults  []Fault `json:"faults,omitempty"`
	Inside  *Cell   `json:"inside,omitempty"`
	Outside *Cell   `json:"outside,omitempty"`
	// Redis is nil if it is unknown. What is of its process, or of all its clients, is 0 where other modes ran beside.
	Redis *Redis `json:"redis,omitempty"`
	// Herds are the recomputes that responses reported, those that ran at the same time together, in the order in which they began; the
	// first thousand.
	Herds []Herd `json:"herds,omitempty"`
	// Replicas are those that the phase's requests were spread over; empty with one.
	Replicas []Replica `json:"replicas,omitempty"`
	// Revalidation is of a mode that is conditional; nil if nothing was asked.
	Revalidation *Revalidation `json:"revalidation,omitempty"`
	// Peak is the most of these recomputes whose requests were due within one second, of a mode that asks for many pages.
	Peak int64 `json:"peak,omitempty"`
}

// Ledger accounts for every scheduled request: Scheduled = Completed + the sum of Failed (unsent is one of its kinds).
type Ledger struct {
	Scheduled int64            `json:"scheduled"`
	Completed int64            `json:"completed"`
	Failed    map[string]int64 `json:"failed,omitempty"`
	Bytes     int64            `json:"bytes"`           // of bodies of responses
	Wrote     int64            `json:"wrote,omitempty"` // of bodies of requests
}

// Revalidation is what became of the requests that asked whether the copy which their user has is current: conditional ones, with If-None-Match. One that failed
// before its response was whole is none.
type Revalidation struct {
	Asked       int64 `json:"asked"`
	NotModified int64 `json:"not_modified"` // it was: a 304
	Saved       int64 `json:"saved_bytes"`  // the length of the bodies in whose place they came
}

// Second holds the three histograms of the requests that were due in one second of a cell, in HdrHistogram's V2 compressed encoding
// (base64). Values are microseconds, 1 to 60,000,000, three significant digits.
type Second struct {
	At       int    `json:"at"` // seconds since the cell's start
	Response string `json:"response,omitempty"`
	Service  string `json:"service,omitempty"`
	Lag      string `json:"lag,omitempty"`
	SecondCounts
}

// SecondCounts are the counts of a second. Runs of older programs have none.
type SecondCounts struct {
	Scheduled  int64 `json:"scheduled,omitempty"`  // requests that were due in it
	Failed     int64 `json:"failed,omitempty"`     // of them
	Done       int64 `json:"done,omitempty"`       // responses that were complete in it, whenever they were due
	Recomputes int64 `json:"recomputes,omitempty"` // responses to requests that were due in it and recomputed their page
	Waited     int64 `json:"waited,omitempty"`     // the same of those that waited for the recompute of another
	Wait       Dur   `json:"wait_ns,omitempty"`    // how long those that were due in it waited for a database connection, in all
}

// Summary is what a reader wants of a histogram. Renderings merge the histograms of Seconds; this is for readers of run.json.
type Summary struct {
	Count int64 `json:"count"`
	Mean  Dur   `json:"mean_ns"`
	P50   Dur   `json:"p50_ns"`
	P90   Dur   `json:"p90_ns"`
	P95   Dur   `json:"p95_ns"`
	P99   Dur   `json:"p99_ns"`
	Max   Dur   `json:"max_ns"`
}

// Server is what the requests of a cell cost the server. Sum of what the responses reported (Server-Timing) and, where the lab controls
// can be reached, the app's own exact counters over the cell.
type Server struct {
	// Timed counts the responses that carried Server-Timing; the sums are over them.
	Timed     int64            `json:"timed"`
	SQL       int64            `json:"sql"`
	SQLTime   Dur              `json:"sql_ns"`
	Redis     int64            `json:"redis"`
	RedisTime Dur              `json:"redis_ns"`
	Wait      Dur              `json:"wait_ns"`
	Total     Dur              `json:"total_ns"`
	Cache     map[string]int64 `json:"cache,omitempty"` // by Cache-Status: hit, stale, miss, coalesced, bypass
	// MinMiss is the shortest total of a response that recomputed its page: how long a recompute takes when none runs beside it, or less. 0 if
	// there was none.
	MinMiss Dur `json:"min_miss_ns,omitempty"`
	// CPU is the CPU time that the app's process used over the cell, by the operating system's account; 0 if it is unknown: the app does not
	// say, or other modes ran beside.
	CPU Dur `json:"cpu_ns,omitempty"`
	// DatabaseCPU is the same of all processes of the database server; a database inside the app is in CPU.
	DatabaseCPU Dur `json:"database_cpu_ns,omitempty"`
	// Counters is the change of the app's own counters over the cell, background work included; nil when the lab controls are out of
	// reach.
	Counters api.Counts `json:"counters,omitzero"`
}

// Driver is what the generator itself was like while it drove one phase.
type Driver struct {
	Round  int    `json:"round"`
	Mode   string `json:"mode"` // "mix" for a phase that modes shared
	Phase  string `json:"phase"`
	Warmup bool   `json:"warmup,omitempty"`
	Worker string `json:"worker,omitempty"`  // "worker 0"; empty if the load had no workers
	Took   Dur    `json:"took_ns"`           // of the load itself
	Late   Dur    `json:"late_ns,omitempty"` // of a worker: how much after the common start it began, by its own clock

	Offered int64 `json:"offered"` // requests that came due
	Sent    int64 `json:"sent"`
	InTime  int64 `json:"in_time"` // of them sent before the phase was over

	Connections int `json:"connections,omitempty"` // that there might be at once; open phases only
	Quickest    Dur `json:"quickest_ns,omitempty"` // the least service time of an arrival that was completed: no connection carries more

	CPU float64 `json:"cpu"` // share of the processors it could use, 0 to 1
	// CPUs is the same in each second of the phase, the last of which may be a part of one; empty in runs of older programs.
	CPUs    []float64 `json:"cpu_by_second,omitempty"`
	GCs     int64     `json:"gcs"`
	GCCPU   float64   `json:"gc_cpu"` // share of the same
	GCPause Dur       `json:"gc_pause_ns"`
	MaxRSS  int64     `json:"max_rss_bytes"`

	Release Summary `json:"release"` // how late arrivals were released, whatever the server did; open phases only
	Hiccup  Summary `json:"hiccup"`  // how late a timer was, all through the phase
}

// Bucket is what the requests of a cell with about the same response time spent it on: sums over Count requests whose response time was
// at least Over, and less than the next bucket's. Lag, Wait, SQL, Redis, App and Network add up to Response.
type Bucket struct {
	Over     Dur   `json:"over_ns"`
	Count    int64 `json:"count"`
	Queries  int64 `json:"queries,omitempty"`  // SQL
	Commands int64 `json:"commands,omitempty"` // Redis
	Response Dur   `json:"response_ns"`
	Lag      Dur   `json:"lag_ns"`  // due to sent
	Wait     Dur   `json:"wait_ns"` // for a database connection
	SQL      Dur   `json:"sql_ns"`
	Redis    Dur   `json:"redis_ns"`
	App      Dur   `json:"app_ns"`     // the rest of what the server reports that it took, waiting for another's recompute included
	Network  Dur   `json:"network_ns"` // the rest of the service time: the network, both kernels, and the server's own queue before its handler

	// Only of clients that were asked for phases; parts of Network.
	Connect   Dur `json:"connect_ns,omitempty"`
	TLS       Dur `json:"tls_ns,omitempty"`
	FirstByte Dur `json:"first_byte_ns,omitempty"` // sent to the first byte, the server's time included
}

// Stale is what a reader outside could see of staleness: a read is stale if its version is below the last version committed before
// the read was sent.
type Stale struct {
	Writes  int64 `json:"writes"`  // price changes committed
	Reads   int64 `json:"reads"`   // reads that carried a version
	Stale   int64 `json:"stale"`   // of them stale
	Max     Dur   `json:"max_ns"`  // greatest time between the commit that made a version old and the sending of a read that still got it
	Changes []Dur `json:"changes"` // when each price change was known to be committed, since the cell's start
}

// Strategy is a caching strategy's laws, as the app declares them: see api.Strategy.
type Strategy struct {
	Name   string `json:"name"`
	Cold   Law    `json:"cold"`
	Expiry Law    `json:"expiry"`
	Hits   string `json:"hits,omitempty"`
	Stale  string `json:"stale,omitempty"`
}

// Law predicts recomputes: an expression, and how the measured value relates to it. See api.Law.
type Law struct {
	Relation   string `json:"relation"`
	Recomputes string `json:"recomputes"`
	Text       string `json:"text"`
}

// Gate is one gate and what it compared.
type Gate struct {
	Expr    string `json:"expr"`
	Line    int    `json:"line"`
	Verdict string `json:"verdict"` // pass, fail, inconclusive, not judged, left out
	// Compared has what each comparison found, in words: "errors() is 437, not 0". Earlier versions wrote both sides as an expression.
	Compared string `json:"compared,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// More is about how many more rounds would decide an inconclusive gate; 0 if there is no saying.
	More int `json:"more_rounds,omitempty"`
}

// Verdicts of a gate.
const (
	Pass         = "pass"
	Fail         = "fail"
	Inconclusive = "inconclusive"
	NotJudged    = "not judged"
	LeftOut      = "left out" // it names a mode that the run was not to have
)
