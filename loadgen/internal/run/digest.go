package run

import (
	"fmt"
	"slices"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/unit"
)

// requests adds up the digests of a run's phases.
type requests struct {
	arrival.Digest
	without []string
}

// add adds those of a phase, if they are what the seed determines. A phase is a part of its own: its first arrival is not that of another.
func (q *requests) add(r *runner, d *driven, digest arrival.Digest) {
	if !r.determined(d) {
		if !slices.Contains(q.without, d.phase.Name) {
			q.without = append(q.without, d.phase.Name)
		}
		return
	}
	q.Merge(digest.Of(r.plan.derive(digestStream, d.block.round, d.phase.index)))
}

// determined reports whether the seed alone determines which requests a phase has. In a closed load, users take arrivals as they become free: which of
// them takes which beyond its first depends on the responses, and so does how many there are in a given time.
func (r *runner) determined(d *driven) bool {
	p := d.phase
	if p.Kind != scenario.Closed {
		return true
	}
	if p.Requests == 0 || p.For > 0 {
		return false
	}
	if p.Requests <= p.Users {
		return true
	}
	modes := 0
	for _, m := range d.modes {
		mode := r.Scenario.Modes[m]
		if mode.Session == "" {
			modes++
		}
		if slices.ContainsFunc(mode.Data, func(v scenario.Variable) bool { return v.Spec.Sticky }) {
			return false
		}
	}
	return modes == 1
}

// report returns the sum in the terms of a report.
func (q *requests) report() *result.Requests {
	return &result.Requests{Arrivals: q.Arrivals, Hash: fmt.Sprintf("%016x", q.Sum), Without: q.without}
}

// account puts into the report what the generator was like in a phase. Workers have each an account of their own.
func (r *runner) account(d *driven, res drive.Result) {
	r.requests.add(r, d, res.Digest)
	r.report.Requests = r.requests.report()
	if r.workers == nil {
		r.report.Drivers = append(r.report.Drivers, driver(r.heading(d), d.phase.Warmup, res))
	}
}

// spreadLimits returns the phases that workers did not begin together. A worker that was late is late with its share of the load: what was one load is two.
func spreadLimits(r *result.Run) []string {
	var limits []string
	for _, s := range r.Spreads() {
		if s.Width() > maxSpread && !s.Warmup {
			limits = append(limits, fmt.Sprintf("%s, %s, round %d: the workers began %s apart (at most %s)", s.Mode, s.Phase, s.Round, unit.Latency(s.Width()), unit.Latency(maxSpread)))
		}
	}
	return limits
}
