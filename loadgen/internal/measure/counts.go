package measure

import (
	"cmp"
	"slices"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
)

// counts are those of a mode by second since the phase began.
type counts []result.SecondCounts

// maxCounted bounds how many seconds are counted apart, however long a phase is: what is later counts to the last.
const maxCounted = 1 << 16

// at returns the counts of a point in time. They are valid until those of another are asked for.
func (c *counts) at(t time.Duration) *result.SecondCounts {
	i := min(int(max(t, 0)/time.Second), maxCounted-1)
	for len(*c) <= i {
		*c = append(*c, result.SecondCounts{})
	}
	return &(*c)[i]
}

// add counts an outcome in the second in which it was due, and its response in the one in which it was complete.
func (c *counts) add(due, done time.Duration, o *Outcome) {
	if o.Kind == OK {
		c.at(done).Done++
	}
	o.CountIn(c.at(due))
}

// CountIn counts the outcome in the second in which its request was due, but for Scheduled and Done, which are of other moments.
func (o *Outcome) CountIn(s *result.SecondCounts) {
	switch {
	case o.Kind != OK:
		s.Failed++
	case o.Cache == api.CacheCoalesced:
		s.Waited++
	case o.Stored:
		s.Recomputes++
	}
	s.Wait += o.Timing.Wait
}

// merge adds the counts of another worker.
func (c *counts) merge(o counts) {
	for i, one := range o {
		c.at(time.Duration(i) * time.Second).Add(one)
	}
}

// into returns seconds, which are in order and of which each stands for all up to the next, with the counts. Responses that came after the last of them have
// seconds of their own.
func (c counts) into(seconds []result.Second) []result.Second {
	last := -1
	if n := len(seconds); n > 0 {
		last = seconds[n-1].At
	}
	for i, one := range c {
		if one == (result.SecondCounts{}) {
			continue
		}
		at, exact := slices.BinarySearchFunc(seconds, i, func(s result.Second, i int) int { return cmp.Compare(s.At, i) })
		switch {
		case i > last:
			seconds = append(seconds, result.Second{At: i, SecondCounts: one})
			continue
		case !exact:
			at = max(at-1, 0)
		}
		seconds[at].Add(one)
	}
	return seconds
}
