// Package impact judges what a fault did to requests: how long it took until they showed it, until they no longer paid for it, and until they
// were as before. It works on samples, one a request, and knows neither what faults are nor how they are done.
//
// # What shows a fault
//
// A request that failed, a response that says that its server ran without its cache, and a response that took more than Slow: twice the 99th
// percentile of the requests before the fault, and at least that and 10 ms.
//
// One slow request proves nothing on a shared machine. Times are therefore judged by slices of 100 ms of due times: a slice shows the fault
// if any of its requests failed or was degraded, or if more than a tenth of them, and at least two, were slow.
package impact

import (
	"slices"
	"sort"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// Sample is one request.
type Sample struct {
	Due, Done time.Duration // since the phase began
	Kind      string        // of its failure; empty for a response
	Measured  bool          // Done - Due is a response time, or the least that it can be
	Degraded  bool          // the response says that its server ran without its cache
	Stale     time.Duration // how much older its page was than a committed change
}

// Band is the time from the begin of a fault to its end, since the phase began.
type Band struct{ From, To time.Duration }

// Meets reports whether a request met the fault: it was due while that lasted, or was not done when it began.
func (b Band) Meets(due, done time.Duration) bool {
	return due < b.To && (due >= b.From || done > b.From)
}

const (
	slice     = 100 * time.Millisecond
	leastSlow = 10 * time.Millisecond
)

// Of returns what the fault that lasted over band did to the samples of a phase of that length. It sorts samples by their due times. Samples
// that met others, the bands of other faults of the phase, and not this one are neither inside nor outside.
func Of(samples []Sample, band Band, others []Band, length time.Duration) result.Impact {
	slices.SortFunc(samples, func(a, b Sample) int { return int(a.Due - b.Due) })
	var inside, outside, before []Sample
	for _, s := range samples {
		switch {
		case band.Meets(s.Due, s.Done):
			inside = append(inside, s)
			continue
		case s.Due < band.From:
			before = append(before, s)
		}
		if !slices.ContainsFunc(others, func(o Band) bool { return o.Meets(s.Due, s.Done) }) {
			outside = append(outside, s)
		}
	}
	j := judge{samples: samples, band: band, until: length, slow: slow(before)}
	for _, o := range others { // what comes after the next fault's begin is its own doing
		if o.From >= band.To {
			j.until = min(j.until, o.From)
		}
	}
	rest := length - (band.To - band.From)
	for _, o := range others {
		rest -= o.To - o.From
	}
	return result.Impact{
		Inside: stretch(inside, band.To-band.From), Outside: stretch(outside, rest),
		Detect: j.detect(), Degrade: j.degrade(), Recover: j.recover(), Watched: max(0, j.until-band.To), Slow: j.slow, Attempts: -1,
	}
}

// first returns the index of the first sample that was due at t or later.
func first(samples []Sample, t time.Duration) int {
	return sort.Search(len(samples), func(i int) bool { return samples[i].Due >= t })
}

func between(samples []Sample, from, to time.Duration) []Sample {
	return samples[first(samples, from):max(first(samples, from), first(samples, to))]
}

// stretch sums samples up.
func stretch(samples []Sample, took time.Duration) result.Stretch {
	s := result.Stretch{Took: max(took, 0), Requests: int64(len(samples))}
	h := hist.New()
	for _, x := range samples {
		if x.Kind != "" {
			if s.Failed == nil {
				s.Failed = map[string]int64{}
			}
			s.Failed[x.Kind]++
		}
		if x.Measured {
			h.Record(x.Done - x.Due)
		}
		if x.Degraded {
			s.Degraded++
		}
		s.Stalest = max(s.Stalest, x.Stale)
	}
	s.Response = measure.Summarize(h)
	return s
}

// slow returns the response time above which a request shows the fault, from those that were done before it.
func slow(before []Sample) time.Duration {
	h := hist.New()
	for _, s := range before {
		if s.Measured {
			h.Record(s.Done - s.Due)
		}
	}
	p99 := h.Quantile(0.99)
	return max(2*p99, p99+leastSlow)
}

// judge finds the times of one fault.
type judge struct {
	samples []Sample // by due time
	band    Band
	until   time.Duration // the end of what can be laid to this fault
	slow    time.Duration
}

// failed reports whether a request failed.
func failed(s Sample) bool { return s.Kind != "" }

// shows reports whether a response alone shows the fault, however long it took.
func shows(s Sample) bool { return failed(s) || s.Degraded }

// isSlow reports whether a request took unusually long.
func (j judge) isSlow(s Sample) bool { return s.Measured && s.Done-s.Due > j.slow }

// detect returns the time from the begin of the fault to the end of the first request that shows it. A request may have been under way when
// it began.
func (j judge) detect() *time.Duration {
	earliest := time.Duration(-1)
	for _, s := range j.samples[:first(j.samples, j.band.To)] {
		if s.Done >= j.band.From && (shows(s) || j.isSlow(s)) && (earliest < 0 || s.Done < earliest) {
			earliest = s.Done
		}
	}
	if earliest < 0 {
		return nil
	}
	d := earliest - j.band.From
	return &d
}

// degrade returns how long requests paid while the fault lasted: they failed, or were slow.
func (j judge) degrade() *time.Duration { return j.last(j.band.From, j.band.To, failed) }

// recover returns how long requests showed the fault after its end.
func (j judge) recover() *time.Duration { return j.last(j.band.To, j.until, shows) }

// last returns the time from from to the end of the last slice up to to whose requests were certainly affected, or slow. It is 0 if there is
// no such slice, and nil if there is none after it, so that nobody knows how it went on.
func (j judge) last(from, to time.Duration, certainly func(Sample) bool) *time.Duration {
	end, open := from, false
	for at := from; at < to; at += slice {
		part := between(j.samples, at, min(at+slice, to))
		switch {
		case len(part) == 0:
		case j.affected(part, certainly):
			end, open = min(at+slice, to), true
		default:
			open = false
		}
	}
	if open {
		return nil
	}
	d := end - from
	return &d
}

// affected reports whether a slice was affected: see the package comment.
func (j judge) affected(part []Sample, certainly func(Sample) bool) bool {
	const tenth, least = 10, 2
	slowOnes := 0
	for _, s := range part {
		if certainly(s) {
			return true
		}
		if j.isSlow(s) {
			slowOnes++
		}
	}
	return slowOnes >= min(least, len(part)) && slowOnes*tenth > len(part)
}
