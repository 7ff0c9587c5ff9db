// Package shard has one run driven by several workers: processes on this machine, or anywhere. It is their membership, their clocks, and the
// transport of what they are to do and of what they have measured. It neither drives load nor knows what a scenario means.
//
// # Trust
//
// A run has one secret, which its workers get by another way: an inherited pipe, a mounted file. Both sides derive the same key from it, and a
// connection is TLS 1.3 in which each shows that it has the key. Who has not gets no further than that, on either side.
//
// # Membership
//
// A worker registers with its index, an id that no other process has, and the hashes of its program and of its scenario, which must be the
// coordinator's. All must be there in time, or nothing is sent. A worker that is silent, an index that registers twice and
// a worker with another program or scenario fail the run, by name. Nobody takes a lost worker's place: what it would have sent is missing.
//
// # Connections
//
// A connection that breaks, or on which nothing comes for half of the time that an end may be silent, is given up, and the worker dials again: what it drives goes on. Its greeting shows that it
// is the same process, by a word that it drew when it began, and takes the place of the connection before. What must arrive is numbered, kept until the other end has acknowledged
// it, and sent again on the next connection; each greeting names the last number that has come, so that nothing is missing or comes twice. A worker that has had no connection for as long as it
// may be silent is lost, and so is the coordinator to a worker.
//
// # A phase
//
// The coordinator says which phase is next. Each worker prepares it, and measures meanwhile how the coordinator's clock differs from its own (Cristian,
// 1989: of several exchanges, the one with the shortest round trip; the error is at most half of that). When all are ready, the coordinator names
// the moment at which the phase begins. Every second, a worker reports what came since the report before, numbered from the begin of the phase, and last of all
// what its loop came to.
package shard

import (
	"encoding/json"
	"fmt"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// Limits of time. The zero value of each is its default.
type Limits struct {
	Join    time.Duration // until all workers have registered: 30 s
	Prepare time.Duration // until all are ready for a phase: 15 s
	Silence time.Duration // of a worker, or of the coordinator: 10 s
	Stop    time.Duration // until a worker that was stopped has reported, beyond what its requests may take: 10 s
	Lead    time.Duration // from when all are ready to the begin of a phase, or 10 round trips if that is longer: 50 ms
}

func (l Limits) complete() Limits {
	for _, each := range []struct {
		limit *time.Duration
		is    time.Duration
	}{{&l.Join, 30 * time.Second}, {&l.Prepare, 15 * time.Second}, {&l.Silence, 10 * time.Second}, {&l.Stop, 10 * time.Second}, {&l.Lead, 50 * time.Millisecond}} {
		if *each.limit <= 0 {
			*each.limit = each.is
		}
	}
	return l
}

// Identity is what a worker registers with.
type Identity struct {
	Index    int    `json:"index"` // from 0
	UID      string `json:"uid"`   // of the process or the pod: no two have the same
	Host     string `json:"host"`
	PID      int    `json:"pid"`
	Program  string `json:"program"`  // hash of it
	Scenario string `json:"scenario"` // hash of it and its data
}

// Name is how a worker is shown.
func (i Identity) Name() string { return fmt.Sprintf("worker %d", i.Index) }

// Clock is what a worker knows of the coordinator's clock.
type Clock struct {
	Offset time.Duration `json:"offset"` // of the coordinator's clock from its own
	Error  time.Duration `json:"error"`  // at most
	Trip   time.Duration `json:"trip"`   // there and back, the shortest
}

// Phase is a phase that is to be driven.
type Phase struct {
	Number int             `json:"number"` // of the phases that this run has driven, from 1
	Load   json.RawMessage `json:"load"`   // what it is, in the terms of who drives it
}

// Seen is a request that the coordinator wants to know of by itself, and not in sums alone.
type Seen struct {
	Mode int           `json:"mode"`
	Due  time.Duration `json:"due"`
	// Sent, below 0 if it never was, and Done are times since the begin of the phase. Those of Outcome are not set.
	Sent    time.Duration   `json:"sent"`
	Done    time.Duration   `json:"done"`
	Outcome measure.Outcome `json:"outcome"`
}

// At returns the outcome of a request in a phase that began at a time.
func (s *Seen) At(start time.Time) *measure.Outcome {
	o := s.Outcome
	o.Done = start.Add(s.Done)
	if o.Sent = (time.Time{}); s.Sent >= 0 {
		o.Sent = start.Add(s.Sent)
	}
	return &o
}

// NewSeen is the reverse of At.
func NewSeen(mode int, due time.Duration, start time.Time, o *measure.Outcome) Seen {
	s := Seen{Mode: mode, Due: due, Sent: -1, Done: o.Done.Sub(start), Outcome: *o}
	if !o.Sent.IsZero() {
		s.Sent = o.Sent.Sub(start)
	}
	s.Outcome.Sent, s.Outcome.Done = time.Time{}, time.Time{}
	return s
}

// Report is what a worker sends every second of a phase.
type Report struct {
	Phase  int           `json:"phase"`  // its Number
	Second int           `json:"second"` // from 0, one after the other
	Delta  measure.Delta `json:"delta"`
	Seen   []Seen        `json:"seen,omitempty"`
	Done   *Done         `json:"done,omitempty"` // in the last report alone
}

// Done is what a worker's loop came to.
type Done struct {
	Result drive.Result `json:"result"`
	Failed string       `json:"failed,omitempty"` // why the loop did not begin
}

// LostError is a worker that did not do its part.
type LostError struct {
	Identity
	Reason string
}

func (e *LostError) Error() string {
	if e.UID == "" {
		return e.Name() + " " + e.Reason
	}
	return fmt.Sprintf("%s (%s, process %d, uid %s) %s", e.Name(), e.Host, e.PID, e.UID, e.Reason)
}
