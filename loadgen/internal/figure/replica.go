package figure

import (
	"slices"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Replica is what a total came to at one of several replicas.
type Replica struct {
	Requests, Failed int64 // that ended there
	Response         *hist.Histogram
	Out              time.Duration // out of service

	counters api.Counts
	exact    bool // counters are of every cell
}

// Counters returns the replica's exact counters, or nil if a cell lacks them.
func (r *Replica) Counters() api.Counts {
	if !r.exact {
		return nil
	}
	return r.counters
}

// replica returns the i-th, which it adds if there were fewer.
func (t *Total) replica(i int) *Replica {
	for len(t.Replicas) <= i {
		t.Replicas = append(t.Replicas, &Replica{Response: hist.New(), counters: api.Counts{}, exact: true})
	}
	return t.Replicas[i]
}

// addReplicas adds the replicas of a cell.
func (t *Total) addReplicas(all []result.Replica) error {
	for i, r := range all {
		to := t.replica(i)
		to.Requests += r.Requests
		to.Failed += r.Failed
		to.Out += r.Out
		to.exact = to.exact && r.Counters != nil
		to.counters = to.counters.Add(r.Counters)
		if err := merge(to.Response, r.Response); err != nil {
			return err
		}
	}
	return nil
}

// sumReplicas adds the replicas of another total, except for the time that they were out of service: as for that of the load, whether it adds up is
// known to the caller alone.
func (t *Total) sumReplicas(all []*Replica) error {
	for i, r := range all {
		to := t.replica(i)
		to.Requests += r.Requests
		to.Failed += r.Failed
		to.exact = to.exact && r.exact
		to.counters = to.counters.Add(r.counters)
		if err := to.Response.Add(r.Response); err != nil {
			return err
		}
	}
	return nil
}

// sumOut adds the time that replicas were out of service. Modes that shared a phase shared it too.
func (t *Total) sumOut(all []*Replica, mixed bool) {
	for i, r := range all {
		to := t.replica(i)
		if mixed {
			to.Out = max(to.Out, r.Out)
		} else {
			to.Out += r.Out
		}
	}
}

// OutOfService reports whether any replica was, for a time.
func (t *Total) OutOfService() bool {
	return slices.ContainsFunc(t.Replicas, func(r *Replica) bool { return r.Out > 0 })
}
