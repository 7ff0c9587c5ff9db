package link

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats are totals since the link began.
type Stats struct {
	Accepted int64    `json:"accepted"`          // connections of clients
	Open     int64    `json:"open"`              // of them open now
	Failed   int64    `json:"failed"`            // of them closed, because the server could not be reached
	Bytes    int64    `json:"bytes"`             // that were read, both ways
	Failure  *Failure `json:"failure,omitempty"` // why, if any failed
}

// Failure is when the server was not reached, and why the last time.
type Failure struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Error string    `json:"error"`
}

// Effect is what a fault did so far. All counts are of connections that the fault struck.
type Effect struct {
	Fault Fault      `json:"fault"`
	Began time.Time  `json:"began"`
	Ended *time.Time `json:"ended,omitempty"` // nil while it lasts

	// Refused is how many connects of the link's own its closed listener refused, one when the fault begins and one when it ends. Those of
	// clients are seen by nobody but them.
	Refused     int64 `json:"refused"`
	Connections int64 `json:"connections"` // that were struck, open ones and those made while it lasted
	Resets      int64 `json:"resets"`      // of them reset
	Held        int64 `json:"held"`        // bytes held back
	Dropped     int64 `json:"dropped"`     // bytes dropped, also after the fault ended
	Delayed     int64 `json:"delayed"`     // chunks that came later
}

// Nothing reports whether the fault has done nothing that anybody could have noticed.
func (e Effect) Nothing() bool {
	return e.Refused == 0 && e.Resets == 0 && e.Held == 0 && e.Dropped == 0 && e.Delayed == 0
}

// Status is a link as it is.
type Status struct {
	Name   string  `json:"name"`
	Listen Addr    `json:"listen"`
	To     Addr    `json:"to"`
	Wire   Wire    `json:"wire"`
	Fault  *Effect `json:"fault,omitempty"` // the one that lasts, or that ended last
	Stats  Stats   `json:"stats"`
}

// effect counts an Effect: the loop writes it, anybody reads it.
type effect struct {
	fault Fault
	kind  Kind
	began time.Time
	ended atomic.Pointer[time.Time]

	refused, connections, resets, held, dropped, delayed atomic.Int64
}

// snapshot returns the counts; nil of no effect.
func (e *effect) snapshot() *Effect {
	if e == nil {
		return nil
	}
	return &Effect{Fault: e.fault, Began: e.began, Ended: e.ended.Load(), Refused: e.refused.Load(), Connections: e.connections.Load(),
		Resets: e.resets.Load(), Held: e.held.Load(), Dropped: e.dropped.Load(), Delayed: e.delayed.Load()}
}

// failures keeps a Failure. The zero value has none.
type failures struct {
	mu   sync.Mutex // guards last
	last *Failure
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Now()
	first := at
	if f.last != nil {
		first = f.last.First
	}
	f.last = &Failure{First: first, Last: at, Error: err.Error()}
}

func (f *failures) load() *Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}
