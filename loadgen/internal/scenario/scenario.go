// Package scenario reads scenario files: which requests are compared, under which load, on what app, and what must hold
// of the figures. It reads strictly: an unknown key, unit, mode or phase is an error with file, line and column, all errors of a file
// are reported at once, and what Parse returns needs no further checks or defaults.
//
//	name: stampede                  # the file's name, if it is left out
//	why: one line for those who choose a scenario
//	app: {properties: 5000, ttl: 2s}
//	world: {database: {rtt: 1ms}, replicas: 3}   # how far away the app's servers are, and how many apps there are
//	target: {url: "http://localhost:3000"}       # of a service of one's own, unless --target says otherwise: see Target
//	modes:                          # what is compared: named requests, the first of which the others are compared with
//	  ttl: GET /api/properties/cached/ttl/
//	objective: {p99: 50ms}          # what capacity is measured by; a report without one has none
//	data:                           # what {{name}} in a request stands for; see below
//	  page: {zipf: 0.9, of: 250}
//	rounds: 3                       # every mode once a round, in an order shuffled by the seed
//	phases:                         # see Phase
//	  - {name: warm, rate: 200/s, for: 4s}
//	gates:                          # see package gate
//	  - errors() == 0
//
// # Modes
//
// A mode is a request, in its short or its long form, or a session of requests, which its user makes one after the other:
//
//	swr: GET /api/properties/cached/swr/?page={page}
//	price:
//	  request: PATCH /api/properties/{id}/
//	  headers: {X-City: "{{city}}", Cookie: [a=1, b=2], User-Agent: null}   # two lines; null: not sent
//	  body: '{"price": "{{price}}"}'      # application/json unless headers have another Content-Type; or {file: price.json}
//	  expect: [200, 404]                  # the statuses that are not a failure; 2xx is all of that class
//	  check: {min_bytes: 100, text: Berlin, header: {Content-Type: application/json*}, json: {results.0.id: 1}}
//	  data: {price: {uniform: 1..9}}      # variables of this mode alone; over those of the same name of the scenario
//	reload:
//	  request: GET /api/properties/cached/http/
//	  conditional: true                   # see below
//	visit:
//	  steps:                              # each is a mode of its own to gates and reports: visit/list, visit/property
//	    - {name: list, request: "GET /api/properties/live/optimized/?page={page}", take: {id: results.3.id}}
//	    - {name: property, request: "GET /api/properties/{id}/"}
//	  think: 200ms..1s                    # between steps
//
// An open load is of sessions: the first step is due by the schedule, every other when the one before it has ended and the user has thought.
// A step that fails ends its session. take names values of a step's JSON response for the steps after it.
//
// A conditional mode revalidates like a browser whose user reloads: it keeps the ETag of the last 200 of each URL and sends it as If-None-Match. A 304 to that is a
// success, whatever expect says, and counts the length of the body in whose place it came as saved. A 304 to a request that had no If-None-Match fails. All connections of a mode
// share one browser's cache, which is empty when a mode's phases begin in each round; it keeps 16,384 URLs, and nothing that is not to be stored (no-store). It is never used without
// asking, and Vary is not heeded: what depends on a request's headers needs modes of its own.
//
// # Data
//
// {{name}} stands for a row of data, in the path (where {name} does too), the query, the values of headers and the body of a request. Values
// are percent-encoded in paths and queries, and written as they are elsewhere. {{'text'}} is that text itself, whatever it looks like; with literal: true
// none of a mode's texts has variables.
//
// ${NAME} stands for a variable of the environment, in the same places, the rows of lists, and the target; ${NAME:-text} has a default. One that is not set is an
// error. Reports have the name, and never the value.
//
//	page: {zipf: 0.9, of: 250}            # ids 1 to 250 (from: 1), a few of which are wanted by most; the exponent may be 1 or less
//	id:   {uniform: 1..5000}
//	gone: {sequence: 900000..999999}      # and from the first again
//	city: {list: [Berlin, "New York"]}    # in their order, and from the first again
//	user: {csv: users.csv, column: name, order: shuffled}
//
// A CSV file stands in the folder of the scenario or below it, its first line names the columns, and columns of one file are of the same row.
// The order of a list or a file is sequential, shuffled, or once: no row twice in a phase; it is an error if they do not suffice. With sticky:
// true each user of a closed load keeps its row. Which row the k-th request of a phase takes is a function of the run's seed and k: see
// package keys.
//
// The package drives nothing and knows nothing of stacks: it is what package run starts from.
package scenario

import (
	"cmp"
	"math"
	"slices"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/keys"
)

// Defaults of keys that a scenario may leave out.
const (
	DefaultRounds      = 3
	DefaultTimeout     = 10 * time.Second
	DefaultConnections = 256
)

// Scenario is one scenario file.
type Scenario struct {
	File   string // as it was named to Load or Parse
	SHA256 string // of the file, and of the files that its data is in, in hexadecimal

	Name string
	Why  string
	// Target is where requests go unless the command line says otherwise; nil if the file leaves that to it.
	Target *Target
	// Secrets are the values that variables of the environment had in the file: what no report, log or message may have in it.
	Secrets []string
	App     api.Config // what the file asks of the app; for the rest the app's own defaults hold
	World   World
	Modes   []Mode // at least one
	// DefaultModes are the names of those that run unless others are chosen; none: all of them. See Chosen.
	DefaultModes []string
	// LeftOut are the modes, and the steps of sessions, that the file has beside Modes: see Only.
	LeftOut []string
	Rounds  int // at least 1
	// Seed is meaningful if Seeded: the file has one. Otherwise each run draws its own.
	Seed   uint64
	Seeded bool
	// Objective is what the capacity of each mode is measured by; nil if the file has none.
	Objective *Objective
	// MaxInFlight bounds the requests of an open phase that are under way at once, below its connections; 0 leaves it to those.
	MaxInFlight int
	Phases      []Phase // at least one that is not warm-up
	Gates       []*gate.Gate
}

// Objective bounds a percentile of the response time. The capacity of a mode is the most requests a second that keep to it.
type Objective struct {
	Figure string // p50, p90, p95 or p99
	AtMost time.Duration
}

// Mode is a named request, a session of requests, or a step of one.
type Mode struct {
	Name   string // of a step "session/step"
	Method string
	Path   string // with its query
	Header []Header
	Body   string
	Expect []int // the statuses that are not a failure; 200 unless the file has others
	Check  Check
	Line   int // in the file
	// Conditional requests ask whether the copy that their user has is current, as a browser does: see client.Copies.
	Conditional bool

	// Data is the variables in the Path, the values of Header, and the Body, by name. Without any, they are sent as they are; otherwise they
	// are texts as package keys has them.
	Data []Variable
	Env  map[string]string // the variables of the environment in them, with their values: as Data

	// Of a session. It has no request of its own.
	Steps int   // how many there are: the modes that follow this one; 0 for a single request
	Think Think // between steps

	// Of a step.
	Session string   // the mode that it is a step of
	Take    []Taking // for the steps after it
}

// Variable is a name and what it stands for. The zero Spec is that of what an earlier step of a session took from its response.
type Variable struct {
	Name string
	Spec keys.Spec
}

// Taking is a value of a JSON response that becomes a variable.
type Taking struct{ Name, Path string }

// Header is one header line of a request, in the order of the file.
type Header struct {
	Name, Value string
	Without     bool // it is not sent, though the generator sends one by that name of its own accord
}

// Check is what a response must be beside its status; the zero value asks for nothing.
type Check struct {
	MinBytes, MaxBytes int           // of the body; 0 is no bound
	Empty              bool          // there is no body
	Text, Without      []string      // that the body has, and has not
	Header             []HeaderCheck // of the response
	JSON               []Field
}

// HeaderCheck is a header that a response must have. A * at an end of its value stands for anything.
type HeaderCheck struct{ Name, Value string }

// Field is a value that a JSON body must hold.
type Field struct {
	Path string // keys and list indices joined by dots: "results.0.id"
	Want any    // string, float64, bool or nil, as encoding/json reads them; a whole number is a json.Number, which has all of its digits
}

// Mode returns the mode of that name, or nil.
func (s *Scenario) Mode(name string) *Mode {
	for i := range s.Modes {
		if s.Modes[i].Name == name {
			return &s.Modes[i]
		}
	}
	return nil
}

// Compared is the name of the mode, or of the session that it is a step of: what a run compares.
func (m Mode) Compared() string { return cmp.Or(m.Session, m.Name) }

// Compared are the modes without the steps of sessions: what a round drives one after the other, and phases mix.
func (s *Scenario) Compared() []Mode {
	return slices.DeleteFunc(slices.Clone(s.Modes), func(m Mode) bool { return m.Session != "" })
}

// Estimate is how long a run takes, without bringing a stack up: every round runs each mode through all phases but the mixed ones, and
// the mixed ones once.
func (s *Scenario) Estimate() time.Duration {
	var round float64
	for _, p := range s.Phases {
		times := len(s.Compared())
		if len(p.Mix) > 0 {
			times = 1
		}
		round += float64(times) * p.estimate()
	}
	return duration(float64(s.Rounds) * round)
}

// duration turns nanoseconds into a duration, the longest there is if need be: nothing bounds the product of a file's figures.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// scope is what the scenario's gates may refer to.
func (s *Scenario) scope() gate.Scope {
	var sc gate.Scope
	for _, m := range s.Modes {
		sc.Modes = append(sc.Modes, m.Name)
	}
	for _, p := range s.Phases {
		gp := gate.PhaseScope{Name: p.Name, Warmup: p.Warmup}
		for _, m := range s.Modes {
			if len(p.Mix) > 0 && p.Has(m) {
				gp.Modes = append(gp.Modes, m.Name)
			}
		}
		sc.Phases = append(sc.Phases, gp)
		if len(p.Faults) > 0 {
			for _, part := range []string{figure.Inside, figure.Outside} {
				sc.Phases = append(sc.Phases, gate.PhaseScope{Name: p.Name + part, Warmup: p.Warmup, Modes: gp.Modes})
			}
		}
	}
	return sc
}
