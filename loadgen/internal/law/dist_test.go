package law_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/law"
)

func within(got, want, relative float64) bool { return math.Abs(got-want) <= relative*math.Abs(want) }

// TestE1 is held against values of 17 digits from series of 120 digits.
func TestE1(t *testing.T) {
	for _, tt := range []struct{ x, want float64 }{
		{1e-10, 22.448635265138924}, {0.01, 4.0379295765381138}, {0.1, 1.8229239584193907}, {0.5, 0.55977359477616081},
		{0.99, 0.22309982579017724}, {1, 0.21938393439552027}, {1.01, 0.21574162379448997}, {2, 0.04890051070806112}, {5, 0.0011482955912753258},
		{10, 4.1569689296853243e-06}, {50, 3.783264029550459e-24}, {100, 3.6835977616820322e-46},
	} {
		if got := law.E1(tt.x); !within(got, tt.want, 1e-13) {
			t.Errorf("E1(%g): got %.16g, want %.16g", tt.x, got, tt.want)
		}
	}
	if got := law.E1(0); !math.IsInf(got, 1) {
		t.Errorf("E1(0): got %v, want +Inf", got)
	}
	if got := law.E1(-1); !math.IsNaN(got) {
		t.Errorf("E1(-1): got %v, want NaN", got)
	}
}

// TestXFetchMean is of the table of which the closed form is known, and holds the distribution's mean against the form.
func TestXFetchMean(t *testing.T) {
	for _, tt := range []struct{ arrivals, want float64 }{{.1, 1.10}, {.5, 1.43}, {1, 1.75}, {2, 2.15}, {4, 2.52}, {10, 2.71}, {1000, math.E}} {
		closed, mean, _ := law.XFetch(tt.arrivals, 1, 1, 1)
		if math.Abs(closed-tt.want) > .006 || !within(mean, closed, .003) {
			t.Errorf("λ·D = %g: got %.4f in closed form and %.4f by the distribution, want %.2f", tt.arrivals, closed, mean, tt.want)
		}
	}
	for _, beta := range []float64{.001, .3, 1, 5, 100} {
		for _, window := range []float64{.5, 1, 3} {
			closed, mean, _ := law.XFetch(6, window, 1, beta)
			if !within(mean, closed, .01) {
				t.Errorf("beta %g, window %g: got %.4f in closed form and %.4f by the distribution", beta, window, closed, mean)
			}
		}
	}
}

// TestXFetchSimulated holds mean and variance against a simulation, to four standard errors.
func TestXFetchSimulated(t *testing.T) {
	const trials = 15_000
	for _, tt := range []struct{ lambda, window, took, beta float64 }{
		{.1, 1, 1, 1}, {1, 1, 1, 1}, {4, 1, 1, 1}, {10, 1, 1, .5}, {10, 1, 1, 2}, {5, 1.5, 1, 1}, {5, .7, 1, 2},
	} {
		rng := rand.New(rand.NewPCG(7, math.Float64bits(tt.lambda*tt.window*tt.beta)))
		var sum, squares float64
		for range trials {
			n := float64(simulateXFetch(rng, tt.lambda, tt.window, tt.took, tt.beta))
			sum, squares = sum+n, squares+n*n
		}
		mean := sum / trials
		variance := squares/trials - mean*mean
		closed, _, wantVariance := law.XFetch(tt.lambda, tt.window, tt.took, tt.beta)
		if math.Abs(mean-closed) > 4*math.Sqrt(variance/trials) {
			t.Errorf("%+v: got a mean of %.4f, want %.4f", tt, mean, closed)
		}
		if !within(variance, wantVariance, .1) {
			t.Errorf("%+v: got a variance of %.4f, want %.4f", tt, variance, wantVariance)
		}
	}
}

// simulateXFetch returns how many requests recompute one page, from long before its expiry until the first has stored the next.
func simulateXFetch(rng *rand.Rand, lambda, window, took, beta float64) int {
	scale := beta * took
	left := scale*(math.Log(max(lambda*scale, 1))+10) + window
	n, replaced := 0, math.Inf(-1)
	for ; left > replaced; left -= rng.ExpFloat64() / lambda {
		if rng.ExpFloat64()*scale >= left {
			if n == 0 {
				replaced = left - window
			}
			n++
		}
	}
	return n
}

func TestDistributions(t *testing.T) {
	for _, mean := range []float64{0, 1e-9, .3, 12, 5000, 3e6} {
		if d := law.Poisson(mean); !within(d.Mean, mean, 1e-9) || !within(d.Variance, mean, 1e-6) {
			t.Errorf("Poisson(%g): got mean %g, variance %g", mean, d.Mean, d.Variance)
		}
	}
	// Sums: those of Poisson counts are Poisson, whatever way they were made.
	for _, n := range []int64{1, 3, 77, 100_000} {
		got, want := law.Poisson(2.5).Times(n), law.Poisson(2.5*float64(n))
		gl, gm := got.Interval(.001)
		wl, wm := want.Interval(.001)
		if !within(got.Variance, want.Variance, 1e-3) || gl-wl > 1+wl/1000 || wl-gl > 1+wl/1000 || gm-wm > 1+wm/1000 || wm-gm > 1+wm/1000 {
			t.Errorf("%d of Poisson(2.5): got %d to %d, variance %g, want %d to %d, %g", n, gl, gm, got.Variance, wl, wm, want.Variance)
		}
	}
	for _, tt := range []struct {
		mean, alpha float64
		least, most int
	}{{3, .05, 0, 7}, {10, .05, 4, 17}, {10, .002, 2, 21}, {0, .05, 0, 0}} { // quantiles of R's qpois
		if least, most := law.Poisson(tt.mean).Interval(tt.alpha); least != tt.least || most != tt.most {
			t.Errorf("Poisson(%g), %g: got %d to %d, want %d to %d", tt.mean, tt.alpha, least, most, tt.least, tt.most)
		}
	}
	for _, n := range []int{1, 2, 3, 10} {
		const others = 2.8
		want := 1 + float64(n-1)*(1-math.Exp(-others/float64(n)))
		if d := law.Distinct(others, n); !within(d.Mean, want, 1e-9) {
			t.Errorf("of %d replicas: got %g, want 1 + (N-1)(1 - e^(-λD/N)) = %g", n, d.Mean, want)
		}
	}
	ms := time.Millisecond
	for _, tt := range []struct {
		d    time.Duration
		want float64
	}{{45 * ms, 4}, {25 * ms, 2}, {3 * ms, 0}, {40 * ms, 3.5}} {
		if d := law.Even(100, tt.d, 0); math.Abs(d.Mean-tt.want) > .01 {
			t.Errorf("evenly, %v: got %g others, want %g", tt.d, d.Mean, tt.want)
		}
	}
}

// TestChe holds hit ratios against simulations of an LRU and a RANDOM cache.
func TestChe(t *testing.T) {
	const keys, room, requests = 400, 100, 50_000
	for _, tt := range []struct {
		s      float64
		random bool
		ttl    float64
	}{{.8, false, 1e9}, {1.1, false, 1e9}, {.8, true, 1e9}, {.8, false, 800}, {.8, true, 800}, {.8, false, 200}} {
		_, want := law.EvictedAfter(keys, tt.s, 1, tt.ttl, room, tt.random)
		got := simulateCache(rand.New(rand.NewPCG(3, 4)), keys, room, requests, tt.s, tt.ttl, tt.random)
		if math.Abs(got-want) > .015 {
			t.Errorf("%+v: got %.4f by simulation, want %.4f", tt, got, want)
		}
	}
}

// simulateCache asks for keys by Zipf's law, one a unit of time, and returns the share of hits of the second half of the requests.
func simulateCache(rng *rand.Rand, keys, room, requests int, s, ttl float64, random bool) float64 {
	upto := make([]float64, keys)
	var sum float64
	for k := range keys {
		sum += math.Pow(float64(k+1), -s)
		upto[k] = sum
	}
	never := math.Inf(-1)
	stored, asked := make([]float64, keys), make([]float64, keys)
	for k := range stored {
		stored[k] = never
	}
	hits := 0
	for now := range requests {
		at := float64(now)
		key, _ := slices.BinarySearch(upto, rng.Float64()*sum)
		if at-stored[key] < ttl {
			asked[key] = at
			if now >= requests/2 {
				hits++
			}
			continue
		}
		stored[key], asked[key] = at, at
		var in []int
		for k, since := range stored {
			if at-since < ttl {
				in = append(in, k)
			}
		}
		if len(in) <= room {
			continue
		}
		victim := in[rng.IntN(len(in))]
		if !random {
			victim = slices.MinFunc(in, func(a, b int) int { return cmp.Compare(asked[a], asked[b]) })
		}
		stored[victim] = never
	}
	return float64(hits) / float64(requests-requests/2)
}
