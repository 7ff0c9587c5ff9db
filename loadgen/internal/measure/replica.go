package measure

import (
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// replica is what one mode's requests came to at one of several replicas.
type replica struct {
	ended, failed int64
	response      *hist.Histogram
}

func newReplicas(n int) []replica {
	all := make([]replica, n)
	for i := range all {
		all[i].response = hist.New()
	}
	return all
}

// record enters an outcome of a request that was due at due. One that was never sent belongs to no replica.
func (r *replica) record(due time.Time, o *Outcome) {
	if o.Kind == Unsent {
		return
	}
	r.ended++
	if o.Kind != OK {
		r.failed++
	}
	if o.Kind == OK || o.Kind == Timeout {
		r.response.Record(o.Done.Sub(due))
	}
}

// byReplica returns the replicas in the form of a report; nil if there is but one.
func (m *mode) byReplica(e *hist.Encoder) ([]result.Replica, error) {
	var all []result.Replica
	for _, r := range m.replicas {
		encoded, err := e.Encode(r.response)
		if err != nil {
			return nil, err
		}
		all = append(all, result.Replica{Requests: r.ended, Failed: r.failed, Response: encoded})
	}
	return all, nil
}
