package arrival

import "time"

// Expected is the number of arrivals of the whole profile: exact for constant arrivals but for a last fraction, which counts as one;
// the mean for Poisson arrivals.
func (p Profile) Expected() float64 {
	if len(p.area) == 0 {
		return 0
	}
	return p.area[len(p.segments)]
}

// Rate is the arrival rate at t per second; 0 outside the profile.
func (p Profile) Rate(t time.Duration) float64 {
	if t < 0 || t >= p.Total() {
		return 0
	}
	i := p.at(t)
	s := p.segments[i]
	return s.From + (s.To-s.From)*(t-p.start[i]).Seconds()/s.For.Seconds()
}

// Integral is the expected number of arrivals before t.
func (p Profile) Integral(t time.Duration) float64 {
	if t <= 0 {
		return 0
	}
	if t >= p.Total() {
		return p.Expected()
	}
	i := p.at(t)
	s, dt := p.segments[i], (t - p.start[i]).Seconds()
	slope := (s.To - s.From) / s.For.Seconds()
	return p.area[i] + dt*(s.From+slope*dt/2)
}

// at finds the segment of a time within the profile.
func (p Profile) at(t time.Duration) int {
	i := 0
	for t >= p.start[i+1] {
		i++
	}
	return i
}

// Inverse is inverse from the first segment on.
func (p Profile) Inverse(x float64) time.Duration {
	t, _ := p.inverse(x, 0)
	return t
}
