package run

import (
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/scenario"
)

// sampling is which requests of a phase are traced. It is a function of the seed and of the arrival's number, or of a closed load of the user and of how many arrivals that has had, so that workers
// trace together what one process would have traced; all requests of a session are, or none.
type sampling struct {
	all   bool
	pick  arrival.Pick
	turns arrival.Turns
	users []userTurn // of a closed load; an entry is its user's alone
}

// userTurn is the arrival that a user is at.
type userTurn struct {
	k      int64
	n      int64 // of the arrivals that it has had, this one with them
	chosen bool
}

// Sample implements client.Sampler.
func (s *sampling) Sample(_ int, k, user int64, _ time.Time) bool {
	switch {
	case s.all:
		return true
	case s.users == nil:
		return s.pick.Has(k)
	case user >= int64(len(s.users)):
		return false // who draws nothing
	}
	t := &s.users[user]
	if t.n == 0 || t.k != k {
		t.chosen = s.turns.Has(user, t.n)
		t.k, t.n = k, t.n+1
	}
	return t.chosen
}

// sampling returns that of a phase, within the scenario's number of traces a second, or the run's.
func (r *runner) sampling(d *driven) *sampling {
	p := d.phase
	rate := r.Traces
	if p.Trace.Said {
		rate = p.Trace.PerSecond
	}
	rate /= r.requestsOfArrival(d)
	seed := r.plan.derive(traceStream, d.block.round, p.index)
	s := &sampling{all: p.Trace.Said && p.Trace.All}
	switch profile, err := profileOf(p.Phase); {
	case p.Kind == scenario.Closed:
		s.users = make([]userTurn, p.Users)
		s.turns = arrival.TurnsOf(p.Users, seed, rate, p.For, (p.Think.Min+p.Think.Max)/2)
	case p.Kind == scenario.Burst:
		s.pick = arrival.PickOfBurst(int64(p.Users), seed, rate)
	case err == nil: // the loop reports one that is not
		s.pick = arrival.PickOf(profile, seed, rate)
	}
	return s
}

// requestsOfArrival is how many requests an arrival of a phase has on average.
func (r *runner) requestsOfArrival(d *driven) float64 {
	var requests, arrivals float64
	for m, weight := range r.weights(d) {
		requests += weight * float64(max(1, r.Scenario.Modes[m].Steps))
		arrivals += weight
	}
	return requests / arrivals
}

// sampler is the sampling of the phase under way. Connections outlive phases.
type sampler struct {
	of atomic.Pointer[sampling] // nil traces nothing
}

// Sample implements client.Sampler.
func (s *sampler) Sample(mode int, k, user int64, at time.Time) bool {
	of := s.of.Load()
	return of != nil && of.Sample(mode, k, user, at)
}
