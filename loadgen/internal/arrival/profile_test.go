package arrival_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
)

func profile(t testing.TB, segments ...arrival.Segment) arrival.Profile {
	t.Helper()
	p, err := arrival.New(segments...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ramp goes from one rate to another.
func ramp(from, to float64, d time.Duration) []arrival.Segment {
	return []arrival.Segment{{For: d, From: from, To: to}}
}

// steps holds each of the rates for the same time.
func steps(each time.Duration, rates ...float64) []arrival.Segment {
	held := make([]arrival.Segment, len(rates))
	for i, r := range rates {
		held[i] = arrival.Segment{For: each, From: r, To: r}
	}
	return held
}

// spike is a base rate that jumps to a peak, and back.
func spike(base, peak float64, before, during, after time.Duration) []arrival.Segment {
	return []arrival.Segment{
		{For: before, From: base, To: base},
		{For: during, From: peak, To: peak},
		{For: after, From: base, To: base},
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string][]arrival.Segment{
		"nothing":       nil,
		"no time":       arrival.Constant(10, 0),
		"negative time": arrival.Constant(10, -time.Second),
		"negative rate": arrival.Constant(-1, time.Second),
		"NaN":           ramp(0, math.NaN(), time.Second),
		"infinite":      arrival.Constant(math.Inf(1), time.Second),
		"too long":      steps(math.MaxInt64, 1, 1),
	}
	for name, segments := range tests {
		if _, err := arrival.New(segments...); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestProfileFigures(t *testing.T) {
	spike := slices.Concat(spike(10, 100, 2*time.Second, time.Second, 3*time.Second), ramp(0, 40, time.Second))
	p := profile(t, spike...)
	if got, want := p.Total(), 7*time.Second; got != want {
		t.Errorf("total: got %v, want %v", got, want)
	}
	if got, want := p.Expected(), 20.0+100+30+20; got != want {
		t.Errorf("expected: got %g, want %g", got, want)
	}
	tests := []struct {
		t              time.Duration
		rate, integral float64
	}{
		{-time.Second, 0, 0},
		{0, 10, 0},
		{time.Second, 10, 10},
		{2 * time.Second, 100, 20},
		{2500 * time.Millisecond, 100, 70},
		{3 * time.Second, 10, 120},
		{6500 * time.Millisecond, 20, 155},
		{7 * time.Second, 0, 170},
		{time.Hour, 0, 170},
	}
	for _, tt := range tests {
		if got := p.Rate(tt.t); math.Abs(got-tt.rate) > 1e-9 {
			t.Errorf("rate at %v: got %g, want %g", tt.t, got, tt.rate)
		}
		if got := p.Integral(tt.t); math.Abs(got-tt.integral) > 1e-9 {
			t.Errorf("integral to %v: got %g, want %g", tt.t, got, tt.integral)
		}
	}
	var none arrival.Profile
	if none.Total() != 0 || none.Expected() != 0 || none.Rate(0) != 0 || none.Integral(1) != 0 || none.Inverse(0) != 0 {
		t.Error("the zero profile is not empty")
	}
}

func TestInverseOverPauses(t *testing.T) {
	p := profile(t, steps(time.Second, 0, 10, 0, 0, 10, 0)...)
	tests := []struct {
		x    float64
		want time.Duration
	}{
		{0, time.Second}, // the load rests, then starts
		{5, 1500 * time.Millisecond},
		{10 - 1e-12, 4 * time.Second}, // not at 2 s, where a rounding error would put it
		{10, 4 * time.Second},
		{15, 4500 * time.Millisecond},
		{20, 6 * time.Second},
		{1000, 6 * time.Second},
		{-1, time.Second},
	}
	for _, tt := range tests {
		if got := p.Inverse(tt.x); got != tt.want {
			t.Errorf("inverse of %g: got %v, want %v", tt.x, got, tt.want)
		}
	}
}

// TestInverseNearlyFlat is the case in which the textbook's quadratic formula loses all digits.
func TestInverseNearlyFlat(t *testing.T) {
	p := profile(t, ramp(1000, 1000+1e-9, 100*time.Second)...)
	for _, x := range []float64{1, 500, 99_999} {
		want := time.Duration(x * float64(time.Millisecond))
		if got := p.Inverse(x); (got - want).Abs() > time.Microsecond {
			t.Errorf("inverse of %g: got %v, want %v", x, got, want)
		}
	}
}

// random returns a profile of up to six segments, pauses among them.
func random(rng *rand.Rand) []arrival.Segment {
	segments := make([]arrival.Segment, 1+rng.IntN(6))
	for i := range segments {
		s := arrival.Segment{For: time.Duration(1 + rng.Int64N(int64(3*time.Second)))}
		switch rng.IntN(4) {
		case 0: // a pause
		case 1:
			s.From = rng.Float64() * 500
			s.To = s.From
		case 2:
			s.To = rng.Float64() * 500
		default:
			s.From, s.To = rng.Float64()*500, rng.Float64()*500
		}
		segments[i] = s
	}
	return segments
}

func TestInverseUndoesIntegral(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		segments := random(rng)
		p := profile(t, segments...)
		last := time.Duration(-1)
		for i := range 200 {
			x := p.Expected() * float64(i) / 200
			at := p.Inverse(x)
			if at < last {
				t.Fatalf("%v: inverse goes back at %g: %v after %v", segments, x, at, last)
			}
			last = at
			if got := p.Integral(at); math.Abs(got-x) > 1e-6*max(1, x) {
				t.Fatalf("%v: integral of inverse of %g: got %g", segments, x, got)
			}
		}
	}
}
