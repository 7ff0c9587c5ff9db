// Package arrival computes when the requests of an open phase are due. It is pure arithmetic: a Profile is an arrival rate over time, and a
// Stream turns it into due times one by one, as a closed form of how many there were before. It knows neither a clock nor a response,
// so nothing that happens during a run can move a due time, and the same parameters give the same stream again.
package arrival

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Segment is a stretch of time in which the rate goes in a straight line from From to To arrivals per second.
type Segment struct {
	For      time.Duration
	From, To float64
}

// Constant is one rate throughout.
func Constant(rate float64, d time.Duration) []Segment {
	return []Segment{{For: d, From: rate, To: rate}}
}

// Profile is an arrival rate over time, piecewise linear. Make it with New; the zero value has no arrivals.
type Profile struct {
	segments []Segment
	start    []time.Duration // start[i] is when segment i begins; one more than segments
	area     []float64       // area[i] is the expected number of arrivals before start[i]
}

// errEmpty is a profile that lasts no time.
var errEmpty = errors.New("an arrival profile needs at least one segment")

// New joins segments. It refuses rates that are negative or not finite, and lengths that are not positive.
func New(segments ...Segment) (Profile, error) {
	if len(segments) == 0 {
		return Profile{}, errEmpty
	}
	p := Profile{segments: segments, start: make([]time.Duration, len(segments)+1), area: make([]float64, len(segments)+1)}
	for i, s := range segments {
		if s.For <= 0 || s.For > math.MaxInt64-p.start[i] {
			return Profile{}, fmt.Errorf("arrival segment %d lasts %v: must be above 0, and the sum below 292 years", i+1, s.For)
		}
		for _, rate := range []float64{s.From, s.To} {
			if !(rate >= 0) || rate > maxRate {
				return Profile{}, fmt.Errorf("arrival segment %d has rate %g/s: must be 0 to %g", i+1, rate, maxRate)
			}
		}
		p.start[i+1] = p.start[i] + s.For
		p.area[i+1] = p.area[i] + s.area()
	}
	return p, nil
}

// maxRate is one arrival per nanosecond, the resolution of a due time.
const maxRate = 1e9

func (s Segment) area() float64 { return (s.From + s.To) / 2 * s.For.Seconds() }

// Total is how long the profile lasts.
func (p Profile) Total() time.Duration {
	if len(p.start) == 0 {
		return 0
	}
	return p.start[len(p.segments)]
}

// inverse returns the first moment after which more than x arrivals are expected: the due time of the arrival that has x before it. In a
// stretch without arrivals it is the stretch's end, never its beginning: the load rests there. It is Total for any x that the profile
// does not reach. x is known not to lie before segment i; inverse returns the segment where it does lie.
func (p Profile) inverse(x float64, i int) (time.Duration, int) {
	x = max(x, 0)
	// The sums of areas carry rounding errors. An x that close below a boundary is meant to be on it.
	slack := 1e-9 + 1e-13*x
	for i < len(p.segments) && x >= p.area[i+1]-slack {
		i++
	}
	if i == len(p.segments) {
		return p.Total(), i
	}
	return p.start[i] + p.segments[i].inverse(max(0, x-p.area[i])), i
}

// inverse solves From*t + slope*t*t/2 = x for t. The usual formula cancels when the slope is small against the rate; this form of it
// only adds.
func (s Segment) inverse(x float64) time.Duration {
	if x == 0 && s.From == 0 {
		return 0
	}
	slope := (s.To - s.From) / s.For.Seconds()
	root := math.Sqrt(max(0, s.From*s.From+2*slope*x))
	t := 2 * x / (s.From + root)
	return min(time.Duration(math.Round(t*1e9)), s.For)
}
