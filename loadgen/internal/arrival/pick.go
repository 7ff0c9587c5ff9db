package arrival

import "math"

// Pick chooses arrivals of a phase, so many a second on average, as a pure function of the seed and the arrival's number: the choices of workers that share a
// schedule are together what one would have chosen. Of every so many arrivals that follow one another it is one, at a place that is drawn, so that no second has
// many more than its part, and nothing that repeats itself in the schedule is preferred. Where the rate changes, so does of how many it is one. The zero value chooses none.
type Pick struct {
	seed      uint64
	perSecond float64
	segments  []Segment
	area      []float64 // expected arrivals before each segment
	one       int64     // of so many, if the rate is the same throughout; 0 if it changes
}

// PickOf chooses perSecond arrivals of each second of a profile.
func PickOf(p Profile, seed uint64, perSecond float64) Pick {
	k := Pick{seed: seed, perSecond: perSecond, segments: p.segments, area: p.area}
	if len(p.segments) == 1 && p.segments[0].From == p.segments[0].To {
		k.one = k.oneOf(p.segments[0].From)
	}
	return k
}

// PickOfBurst chooses among n arrivals that are all due at once: as many as of a second, and at least one.
func PickOfBurst(n int64, seed uint64, perSecond float64) Pick {
	k := Pick{seed: seed, perSecond: perSecond}
	k.one = k.oneOf(float64(n) * min(1, perSecond)) // one of n, where a second has less than one
	return k
}

// oneOf returns of how many arrivals one is chosen at a rate.
func (p *Pick) oneOf(rate float64) int64 {
	if p.perSecond <= 0 {
		return 1
	}
	return int64(min(max(1, math.Ceil(rate/p.perSecond-1e-9)), 1<<62))
}

// Has reports whether arrival k is chosen.
func (p *Pick) Has(k int64) bool {
	if p.perSecond <= 0 {
		return false
	}
	n := p.one
	if n == 0 {
		n = p.oneOf(p.rate(float64(k)))
	}
	return uint64(k%n) == splitmix(p.seed+uint64(n), uint64(k/n))%uint64(n)
}

// rate is the arrival rate when x arrivals are expected to have been.
func (p *Pick) rate(x float64) float64 {
	var rate float64
	for i, s := range p.segments {
		area := s.area()
		if area == 0 {
			continue // no arrival is in it
		}
		into := x - p.area[i]
		slope := (s.To - s.From) / s.For.Seconds()
		rate = math.Sqrt(max(0, s.From*s.From+2*slope*min(max(into, 0), area)))
		if into < area {
			break
		}
	}
	return rate
}
