package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// series are n figures that go on from each other by rho, with a spike now and then, and change by so much from at on.
func series(rng *rand.Rand, n int, rho, change float64, at int) []float64 {
	x := make([]float64, n)
	state := rng.NormFloat64()
	for i := range x {
		state = rho*state + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		x[i] = state
		if rng.IntN(20) == 0 {
			x[i] += 4
		}
		if i >= at {
			x[i] += change
		}
	}
	return x
}

func TestChanges(t *testing.T) {
	step := func(n int, parts ...float64) (x []float64) { // with a little that is no noise
		for _, level := range parts {
			for i := range n {
				x = append(x, level+0.1*float64(i%3))
			}
		}
		return x
	}
	for _, tt := range []struct {
		name string
		x    []float64
		want []int
	}{
		{"one", step(8, 1, 2), []int{8}},
		{"two", step(8, 1, 3, 2), []int{8, 16}},
		{"there and back", step(10, 1, 2, 1), []int{10, 20}},
		{"none", step(20, 1), nil},
		{"all the same", slices.Repeat([]float64{7}, 30), nil},
		{"a spike", append(append(step(10, 1), 50), step(10, 1)...), nil},
		{"too few to tell", step(3, 1, 9), nil},
		{"one figure", []float64{3}, nil},
	} {
		got, err := stats.Changes(tt.x, 0.01, 1)
		var at []int
		for _, c := range got {
			at = append(at, c.At)
			if c.P <= 0 || c.P > 0.01 {
				t.Errorf("%s: p is %g", tt.name, c.P)
			}
		}
		if err != nil || !slices.Equal(at, tt.want) {
			t.Errorf("%s: got changes at %v, %v, want %v", tt.name, at, err, tt.want)
		}
	}
	for _, x := range [][]float64{nil, {1, math.NaN()}, {math.Inf(1)}} {
		if _, err := stats.Changes(x, 0.01, 1); err == nil {
			t.Errorf("%v: no error", x)
		}
	}
	if _, err := stats.Changes([]float64{1, 2}, 0, 1); !errors.Is(err, stats.ErrLevel) {
		t.Errorf("alpha 0: got %v", err)
	}
}

// The figures of Changes' comment are of -runs 1000.
func TestSimulatedChanges(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 20, 40} {
		for _, rho := range []float64{0, 0.3, 0.6} {
			false1 := 0
			for run := range *runs {
				rng := rand.New(rand.NewPCG(uint64(run), uint64(n)))
				if got, err := stats.Changes(series(rng, n, rho, 0, 0), 0.01, uint64(run)); err != nil {
					t.Fatal(err)
				} else if len(got) > 0 {
					false1++
				}
			}
			t.Logf("%d figures, correlated by %.1f: a change that is none in %s", n, rho, percent(false1))
			if rho == 0 && !atMost(false1, 0.01) {
				t.Errorf("%d figures: a change that is none in %s, want at most 1%%", n, percent(false1))
			}
		}
		for _, sd := range []float64{1, 2, 4} {
			found := 0
			for run := range *runs {
				rng := rand.New(rand.NewPCG(uint64(run), uint64(n)+1))
				got, err := stats.Changes(series(rng, n, 0, sd, n/2), 0.01, uint64(run))
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(got, func(c stats.Change) bool { return max(c.At-n/2, n/2-c.At) <= 2 }) {
					found++
				}
			}
			t.Logf("%d figures, %g sd: found in %s", n, sd, percent(found))
			if sd == 4 && n >= 20 && !atLeast(found, 0.95) {
				t.Errorf("%d figures: a change of 4 standard deviations was found in %s", n, percent(found))
			}
		}
	}
}
