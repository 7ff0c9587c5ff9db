package measure

import (
	"cmp"
	"slices"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/hist"
)

// Result is what one mode did in the phase, in the terms of a report's cell.
type Result struct {
	Ledger   result.Ledger
	Seconds  []result.Second // in order; histograms without values are empty strings
	Response result.Summary
	Service  result.Summary
	Lag      result.Summary
	Server   result.Server // without Counters, which only the server knows
	Spent    []result.Bucket
	Herds    []result.Herd
	Peak     int64            // of recomputes in a second
	Statuses map[int]int64    // responses by status code
	Failures []result.Failure // the most frequent first
	Clamped  int64            // values outside the histograms' range, of all three clocks
	Asked    *result.Revalidation
	Replicas []result.Replica
}

// Finish ends the recording and returns a result a mode. An error means that histograms lost values: the run cannot be trusted.
func (r *Recorder) Finish() ([]Result, error) {
	r.mu.Lock()
	for mode := range r.modes {
		m := &r.modes[mode]
		for _, s := range m.seconds {
			if s.clocks != nil {
				r.encoder.put(job{mode: mode, at: s.at, clocks: s.clocks})
			}
		}
		m.seconds = nil
	}
	r.mu.Unlock()

	all, err := r.encoder.finish()
	results := make([]Result, len(all))
	var e hist.Encoder
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, of := range all {
		m := &r.modes[i]
		seconds, serr := inOrder(of.seconds)
		replicas, rerr := m.byReplica(&e)
		err = cmp.Or(err, serr, rerr)
		results[i] = Result{
			Ledger:   m.ledger(),
			Seconds:  m.bySecond.into(seconds),
			Response: Summarize(m.total.response),
			Service:  Summarize(m.total.service),
			Lag:      Summarize(m.total.lag),
			Server:   m.sums(),
			Spent:    m.spent.buckets(),
			Herds:    m.herds.Finish(),
			Peak:     m.peak.most(),
			Statuses: m.byStatus(),
			Failures: m.failures.list(),
			Replicas: replicas,
			Asked:    m.revalidation(),
			Clamped:  m.total.response.Clamped() + m.total.service.Clamped() + m.total.lag.Clamped(),
		}
	}
	return results, err
}

// inOrder sorts seconds and joins those that were closed more than once.
func inOrder(seconds []result.Second) ([]result.Second, error) {
	slices.SortStableFunc(seconds, func(a, b result.Second) int { return cmp.Compare(a.At, b.At) })
	var e hist.Encoder
	var out []result.Second
	for _, s := range seconds {
		if n := len(out); n > 0 && out[n-1].At == s.At {
			joined, err := join(&e, out[n-1], s)
			if err != nil {
				return nil, err
			}
			out[n-1] = joined
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

// Summarize returns what a reader wants of a histogram.
func Summarize(h *hist.Histogram) result.Summary {
	q := h.Quantiles(0.50, 0.90, 0.95, 0.99)
	return result.Summary{Count: h.Count(), Mean: h.Mean(), P50: q[0], P90: q[1], P95: q[2], P99: q[3], Max: h.Max()}
}
