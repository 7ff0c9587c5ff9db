package run

import (
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
)

// sampling is which requests of a phase are traced. Of an open load it is a function of the seed and the arrival's number, so that workers trace together what one
// process would have traced; all requests of a session are, or none. Of a closed load nobody knows beforehand how many requests a second has: it goes by the time of sending,
// and workers share the budget.
type sampling struct {
	all    bool
	open   bool
	pick   arrival.Pick
	budget *client.Budget
}

// Sample implements client.Sampler.
func (s *sampling) Sample(mode int, k int64, at time.Time) bool {
	switch {
	case s.all:
		return true
	case s.open:
		return s.pick.Has(k)
	}
	return s.budget.Sample(mode, k, at)
}

// sampling returns that of a phase, within the scenario's number of traces a second, or the run's.
func (r *runner) sampling(d *driven) *sampling {
	p := d.phase
	rate := r.Traces
	if p.Trace.Said {
		rate = p.Trace.PerSecond
	}
	s := &sampling{all: p.Trace.Said && p.Trace.All, open: p.Kind != scenario.Closed}
	if !s.open {
		s.budget = client.NewBudget(rate / float64(d.share.Step()))
		return s
	}
	rate /= r.requestsOfArrival(d)
	seed := r.plan.derive(traceStream, d.block.round, p.index)
	if p.Kind == scenario.Burst {
		s.pick = arrival.PickOfBurst(int64(p.Users), seed, rate)
	} else if profile, err := profileOf(p.Phase); err == nil { // the loop reports one that is not
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
func (s *sampler) Sample(mode int, k int64, at time.Time) bool {
	of := s.of.Load()
	return of != nil && of.Sample(mode, k, at)
}
