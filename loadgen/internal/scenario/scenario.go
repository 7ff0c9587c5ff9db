// Package scenario reads scenario files: which requests are compared, under which load, on what app, and what must hold
// of the figures. It reads strictly: an unknown key, unit, mode or phase is an error with file, line and column, all errors of a file
// are reported at once, and what Parse returns needs no further checks or defaults.
//
//	name: stampede                  # the file's name, if it is left out
//	why: one line for those who choose a scenario
//	app: {properties: 5000, ttl: 2s}
//	world: {database: {rtt: 1ms}}   # how far away the app's servers are
//	modes:                          # what is compared: named requests, the first of which the others are compared with
//	  ttl: GET /api/properties/cached/ttl/
//	objective: {p99: 50ms}          # what capacity is measured by; a report without one has none
//	rounds: 3                       # every mode once a round, in an order shuffled by the seed
//	phases:                         # see Phase
//	  - {name: warm, rate: 200/s, for: 4s}
//	gates:                          # see package gate
//	  - errors() == 0
//
// The package drives nothing and knows nothing of stacks: it is what package run starts from.
package scenario

import (
	"math"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
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
	SHA256 string // of the file, in hexadecimal

	Name   string
	Why    string
	App    api.Config // what the file asks of the app; for the rest the app's own defaults hold
	World  World
	Modes  []Mode // at least one
	Rounds int    // at least 1
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

// Mode is a named request.
type Mode struct {
	Name   string
	Method string
	Path   string // with its query
	Header []Header
	Body   string
	Expect []int // the statuses that are not a failure; 200 unless the file has others
	Check  Check
	Line   int // in the file
}

// Header is one header line of a request, in the order of the file.
type Header struct{ Name, Value string }

// Check is what a response's body must be; the zero value asks for nothing.
type Check struct {
	MinBytes int
	JSON     []Field
}

// Field is a value that a JSON body must hold.
type Field struct {
	Path string // keys and list indices joined by dots: "results.0.id"
	Want any    // string, float64, bool or nil, as encoding/json reads them
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

// Estimate is how long a run takes, without bringing a stack up: every round runs each mode through all phases but the mixed ones, and
// the mixed ones once.
func (s *Scenario) Estimate() time.Duration {
	var round float64
	for _, p := range s.Phases {
		times := len(s.Modes)
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
		for _, share := range p.Mix {
			gp.Modes = append(gp.Modes, share.Mode)
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
