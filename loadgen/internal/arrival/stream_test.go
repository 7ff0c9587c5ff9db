package arrival_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
)

func all(s arrival.Stream) []time.Duration {
	var dues []time.Duration
	for due, ok := s.Next(); ok; due, ok = s.Next() {
		dues = append(dues, due)
	}
	return dues
}

func TestConstantArrivals(t *testing.T) {
	tests := []struct {
		name     string
		segments []arrival.Segment
		want     []time.Duration
	}{
		{"even", arrival.Constant(4, time.Second), []time.Duration{0, 250e6, 500e6, 750e6}},
		{"a fraction counts as one", arrival.Constant(2.5, time.Second), []time.Duration{0, 400e6, 800e6}},
		{"steps", steps(time.Second, 1, 0, 2), []time.Duration{0, 2000e6, 2500e6}},
		{"nothing", arrival.Constant(0, time.Second), nil},
		{"slower than the phase", arrival.Constant(0.1, time.Second), []time.Duration{0}},
	}
	for _, tt := range tests {
		if got := all(arrival.NewConstant(profile(t, tt.segments...))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestConstantCountIsIntegral: up to any moment there were as many arrivals as the integral gives, to the arrival.
func TestConstantCountIsIntegral(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		segments := random(rng)
		p := profile(t, segments...)
		dues := all(arrival.NewConstant(p))
		if got, want := len(dues), int(math.Ceil(p.Expected()-1e-6)); got != want {
			t.Fatalf("%v: got %d arrivals, want %d", segments, got, want)
		}
		if !slices.IsSorted(dues) {
			t.Fatalf("%v: due times go back", segments)
		}
		for range 50 {
			at := time.Duration(rng.Int64N(int64(p.Total())))
			n, _ := slices.BinarySearch(dues, at)
			if want := p.Integral(at); math.Abs(float64(n)-want) > 1+1e-6 {
				t.Fatalf("%v: %d arrivals before %v, want %g", segments, n, at, want)
			}
		}
		if n := len(dues); n > 0 && dues[n-1] >= p.Total() {
			t.Fatalf("%v: the last arrival is due at %v, after the end %v", segments, dues[n-1], p.Total())
		}
	}
}

func TestBurst(t *testing.T) {
	if got, want := all(arrival.NewBurst(3)), []time.Duration{0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStreamsRepeat(t *testing.T) {
	p := profile(t, slices.Concat(ramp(0, 300, 2*time.Second), arrival.Constant(50, time.Second))...)
	makers := map[string]func() arrival.Stream{
		"constant": func() arrival.Stream { return arrival.NewConstant(p) },
		"poisson":  func() arrival.Stream { return arrival.NewPoisson(p, 42) },
		"burst":    func() arrival.Stream { return arrival.NewBurst(10) },
	}
	for name, stream := range makers {
		if a, b := all(stream()), all(stream()); !slices.Equal(a, b) || len(a) == 0 {
			t.Errorf("%s: two streams differ", name)
		}
	}
	if slices.Equal(all(arrival.NewPoisson(p, 42)), all(arrival.NewPoisson(p, 43))) {
		t.Error("poisson: two seeds give the same stream")
	}
}

// ksExp1 is the Kolmogorov-Smirnov statistic of xs against the unit exponential distribution, times the root of their number.
func ksExp1(xs []float64) float64 {
	slices.Sort(xs)
	var d float64
	n := float64(len(xs))
	for i, x := range xs {
		f := 1 - math.Exp(-x)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d * math.Sqrt(n)
}

// ks1pc is the statistic that only one sample in a hundred exceeds (asymptotically).
const ks1pc = 1.628

// TestPoissonGaps: seen through the integral, the gaps of a Poisson process of any rate are unit exponentials.
func TestPoissonGaps(t *testing.T) {
	profiles := map[string][]arrival.Segment{
		"constant": arrival.Constant(1000, 10*time.Second),
		"ramp":     ramp(0, 2000, 10*time.Second),
		"down":     ramp(2000, 0, 10*time.Second),
		"spike":    spike(100, 3000, 4*time.Second, 3*time.Second, 4*time.Second),
		"pauses":   steps(2*time.Second, 1000, 0, 2000, 0, 500),
	}
	for name, segments := range profiles {
		p := profile(t, segments...)
		for seed := range uint64(3) {
			dues := all(arrival.NewPoisson(p, seed))
			gaps := make([]float64, len(dues))
			var last float64
			for i, due := range dues {
				x := p.Integral(due)
				gaps[i], last = x-last, x
			}
			if d := ksExp1(gaps); d > ks1pc {
				t.Errorf("%s, seed %d: KS %.3f of %d gaps, rejected at 1%% above %.3f", name, seed, d, len(gaps), ks1pc)
			}
			// The count is Poisson too: within four standard deviations.
			if want := p.Expected(); math.Abs(float64(len(dues))-want) > 4*math.Sqrt(want) {
				t.Errorf("%s, seed %d: got %d arrivals, want about %.0f", name, seed, len(dues), want)
			}
			if !slices.IsSorted(dues) || dues[len(dues)-1] >= p.Total() {
				t.Errorf("%s, seed %d: due times go back or past the end", name, seed)
			}
		}
	}
}

// TestConstantIsNotPoisson shows that the test above can fail.
func TestConstantIsNotPoisson(t *testing.T) {
	gaps := slices.Repeat([]float64{1}, 1000)
	if d := ksExp1(gaps); d <= ks1pc {
		t.Errorf("KS %.3f of constant gaps: not rejected", d)
	}
}

func TestMix(t *testing.T) {
	if _, err := arrival.NewMix(1, 0, 0); err == nil {
		t.Error("no positive weight: got no error")
	}
	if _, err := arrival.NewMix(1, 1, -1); err == nil {
		t.Error("a negative weight: got no error")
	}
	m, err := arrival.NewMix(7, 5, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, err := arrival.NewMix(7, 5, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 60_000
	var count [3]int
	var same int
	for k := range int64(n) {
		count[m.Mode(k)]++
		if m.Mode(k) == m.Mode(k+1) {
			same++
		}
		if m.Mode(k) != again.Mode(k) {
			t.Fatalf("arrival %d has two modes", k)
		}
	}
	// Binomial, within four standard deviations; so are the runs of independent draws.
	if want := n * 5.0 / 6; math.Abs(float64(count[0])-want) > 4*math.Sqrt(n*5.0/36) || count[1] != 0 {
		t.Errorf("got %v, want %.0f to 0 to %.0f", count, want, n-want)
	}
	if want := n * 26.0 / 36; math.Abs(float64(same)-want) > 5*math.Sqrt(n*26.0/36*10/36) {
		t.Errorf("got %d equal neighbours, want about %.0f", same, want)
	}
	if got := (arrival.Mix{}).Mode(3); got != 0 {
		t.Errorf("zero mix: got mode %d, want 0", got)
	}
}

func BenchmarkPoisson(b *testing.B) {
	p := profile(b, slices.Concat(ramp(0, 1e6, 1000*time.Hour), arrival.Constant(1, time.Hour))...)
	s := arrival.NewPoisson(p, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Next(); !ok {
			b.Fatal("the stream ended")
		}
	}
}

func BenchmarkConstant(b *testing.B) {
	s := arrival.NewConstant(profile(b, arrival.Constant(1e6, 1000*time.Hour)...))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Next(); !ok {
			b.Fatal("the stream ended")
		}
	}
}
