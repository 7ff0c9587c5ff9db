package arrival

import (
	"math/rand/v2"
	"time"
)

// Stream hands out due times in order, measured from the start of the phase; ok is false when there are no more. Its memory does not
// grow, and two streams of the same parameters are the same, so that one can be read by what releases the arrivals and another by what
// serves them.
type Stream interface {
	Next() (due time.Duration, ok bool)
	// skip passes over n arrivals, for less than it takes to compute when they are due.
	skip(n int64)
}

// NewConstant returns evenly spaced arrivals: the k-th, from 0, is due when the profile expects k before it.
func NewConstant(p Profile) Stream { return &constant{cursor: cursor{p: p}} }

// NewPoisson returns the arrivals of a Poisson process whose rate is the profile's: unit exponentials, summed, seen through the
// inverse of the profile's integral (time change; Devroye, Non-Uniform Random Variate Generation, VI.1.3).
func NewPoisson(p Profile, seed uint64) Stream {
	return &poisson{cursor: cursor{p: p}, rng: rand.New(rand.NewPCG(seed, poissonStream))}
}

// NewBurst returns n arrivals that are all due at once.
func NewBurst(n int64) Stream { return &burst{left: n} }

// poissonStream keeps the numbers of Poisson arrivals apart from whatever else is drawn with the same seed.
const poissonStream = 0x706f6973736f6e

// cursor inverts a profile at ever greater x.
type cursor struct {
	p    Profile
	i    int
	last time.Duration
}

func (c *cursor) due(x float64) (time.Duration, bool) {
	var t time.Duration
	if t, c.i = c.p.inverse(x, c.i); c.i == len(c.p.segments) {
		return 0, false
	}
	// Rounding must not let a due time go back.
	c.last = max(c.last, t)
	return c.last, true
}

type constant struct {
	cursor
	k float64 // exact up to 2^53
}

func (s *constant) Next() (time.Duration, bool) {
	t, ok := s.due(s.k)
	s.k++
	return t, ok
}

func (s *constant) skip(n int64) { s.k += float64(n) }

type poisson struct {
	cursor
	rng *rand.Rand
	x   float64
}

func (s *poisson) Next() (time.Duration, bool) {
	s.x += s.rng.ExpFloat64()
	return s.due(s.x)
}

// skip draws every gap, as the sum is of all of them. The inverse of the profile is the greater part of the work.
func (s *poisson) skip(n int64) {
	for range n {
		s.x += s.rng.ExpFloat64()
	}
}

type burst struct{ left int64 }

func (s *burst) Next() (time.Duration, bool) {
	if s.left <= 0 {
		return 0, false
	}
	s.left--
	return 0, true
}

func (s *burst) skip(n int64) { s.left -= n }
