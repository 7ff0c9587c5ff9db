package api

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Paths of the lab controls of the app's surroundings.
const (
	PathLabPing  = "/lab/ping"           // ?n=200: GET
	PathLabFault = "/lab/database/fault" // GET, PUT, DELETE
	PathLabLock  = "/lab/database/lock"  // GET, POST, DELETE
)

// How many round trips GET /lab/ping makes.
const (
	DefaultPings = 200
	MaxPings     = 10_000
)

// Distances are how far away the app's servers are, as it reaches them itself: GET /lab/ping.
type Distances struct {
	Database Pings `json:"database"`
	Redis    Pings `json:"redis"`
}

// Pings are round trips, one after another, on one connection of a pool.
type Pings struct {
	N         int           `json:"n"` // how many there were: fewer than asked for, if there is an Error
	Median    time.Duration `json:"median_ns"`
	P99       time.Duration `json:"p99_ns"`
	Min       time.Duration `json:"min_ns"`
	Max       time.Duration `json:"max_ns"`
	Simulated bool          `json:"simulated"` // whether there is no wire, so that the driver waits in place of one
	Error     string        `json:"error,omitempty"`
}

// SummarizePings returns the figures of round trips, which it sorts.
func SummarizePings(took []time.Duration) Pings {
	n := len(took)
	if n == 0 {
		return Pings{}
	}
	slices.Sort(took)
	return Pings{N: n, Median: took[(n-1)/2], P99: took[(n*99+99)/100-1], Min: took[0], Max: took[n-1]}
}

// Duration is a time.Duration whose JSON is a string in Go's notation, as that of a knob: "200ms".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("want %s, got %q", KindDuration.wants(), text)
	}
	*d = Duration(v)
	return nil
}

// FaultKind is what a fault does to a database that has no wire.
type FaultKind string

// Kinds of faults.
const (
	// FaultRefuse is a server that was killed: connections and statements fail with syscall.ECONNREFUSED.
	FaultRefuse FaultKind = "refuse"
	// FaultHang is a server that was stopped: connections and statements wait until the fault ends, or their context.
	FaultHang FaultKind = "hang"
	// FaultSlow is a server whose every answer comes later by the fault's delay.
	FaultSlow FaultKind = "slow"
	// FaultCut resets the connections that are open when it begins, and every new one while it lasts: syscall.ECONNRESET.
	FaultCut FaultKind = "cut"
	// FaultHalfOpen is a path that drops what is sent: connections of the time of the fault never answer again, also after it. New ones wait
	// for its end.
	FaultHalfOpen FaultKind = "half-open"
)

// FaultKinds returns every kind.
func FaultKinds() []FaultKind {
	return []FaultKind{FaultRefuse, FaultHang, FaultSlow, FaultCut, FaultHalfOpen}
}

// MaxFaultDelay is the longest delay of a FaultSlow.
const MaxFaultDelay = Duration(10 * time.Second)

// Fault is the body of PUT /lab/database/fault.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Share is the part of the connections that it hits, above 0 and at most 1; 1 if it is left out. By a connection's number it is always
	// the same ones, spread evenly.
	Share float64  `json:"share,omitempty"`
	Delay Duration `json:"delay,omitempty"` // of FaultSlow, which needs it
}

// Validate returns an error that names the field that is wrong. A share of 0 is wrong: what is left out has been set to 1 by then.
func (f Fault) Validate() error {
	switch {
	case !slices.Contains(FaultKinds(), f.Kind):
		return fmt.Errorf("kind: want %s, got %q", kinds(), f.Kind)
	case !(f.Share > 0 && f.Share <= 1):
		return fmt.Errorf("share: want a number above 0, at most 1, got %v", f.Share)
	case f.Kind != FaultSlow && f.Delay != 0:
		return fmt.Errorf("delay: only %s has one", FaultSlow)
	case f.Kind == FaultSlow && (f.Delay <= 0 || f.Delay > MaxFaultDelay):
		return fmt.Errorf("delay: want more than 0s, at most %s, got %s", time.Duration(MaxFaultDelay), time.Duration(f.Delay))
	}
	return nil
}

func kinds() string {
	var names []string
	for _, k := range FaultKinds() {
		names = append(names, string(k))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// FaultSeen is a fault and the proof that it took effect: the answer of GET, PUT and DELETE /lab/database/fault. After its end it is the last
// one; without a Kind there was none.
type FaultSeen struct {
	Fault

	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"` // zero while it lasts

	Connections int64 `json:"connections"` // that were open when it began, of those that it hits
	Connects    int64 `json:"connects"`    // attempts to connect that met it
	Statements  int64 `json:"statements"`  // round trips of open connections that met it: statements, begins, commits, pings
	// What happened to the connects and statements.
	Held    int64 `json:"held"`
	Refused int64 `json:"refused"`
	Reset   int64 `json:"reset"`
	Delayed int64 `json:"delayed"`
}

// MaxLock is the longest that a table may be locked.
const MaxLock = Duration(time.Minute)

// Lock is the body of POST /lab/database/lock.
type Lock struct {
	For Duration `json:"for"`
}

// Validate returns an error that names the field that is wrong.
func (l Lock) Validate() error {
	if l.For < Duration(time.Millisecond) || l.For > MaxLock {
		return fmt.Errorf("for: want a duration from 1ms to %s, got %s", time.Duration(MaxLock), time.Duration(l.For))
	}
	return nil
}

// LockSeen is a lock of the table of properties and the proof that it took effect: the answer of GET, POST and DELETE /lab/database/lock. After
// its end it is the last one; with a For of 0s there was none.
type LockSeen struct {
	Lock

	Held  bool      `json:"held"`
	Since time.Time `json:"since,omitzero"` // when it was granted
	Ended time.Time `json:"ended,omitzero"` // zero while it is held
	// Of transactions that wait for the table, a statement by itself being one, as the database's own list of locks has them, every 50 ms.
	Waiting    int64  `json:"waiting"`     // at the last look
	MaxWaiting int64  `json:"max_waiting"` // at any
	Waited     int64  `json:"waited"`      // how many different ones
	Error      string `json:"error,omitempty"`
}
