package stats_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// TestEValuesAllSigns goes through all vectors of signs of ten epochs: after each epoch the mean is 1, and the share of vectors that ever
// reach 1/alpha is alpha at most.
func TestEValuesAllSigns(t *testing.T) {
	x := []float64{.3, 1.2, .05, .7, 2.2, .9, .4, 1.1, .6, .8}
	means := make([]float64, len(x))
	reached := map[float64]int{.5: 0, .1: 0, .05: 0, .02: 0}
	for signs := range 1 << len(x) {
		y := slices.Clone(x)
		for i := range y {
			y[i] *= float64(1 - 2*(signs>>i&1))
		}
		e, err := stats.EValues(y)
		if err != nil {
			t.Fatal(err)
		}
		for i := range e {
			means[i] += e[i] / math.Exp2(float64(len(x)))
		}
		for alpha := range reached {
			if slices.Max(e) >= 1/alpha {
				reached[alpha]++
			}
		}
	}
	for i, m := range means {
		if !near(m, 1, 1e-12) {
			t.Errorf("after epoch %d: got a mean of %v, want 1", i+1, m)
		}
	}
	for alpha, n := range reached {
		if share := float64(n) / 1024; share > alpha || n == 0 {
			t.Errorf("reached 1/%g: got a share of %v", alpha, share)
		}
	}
}

// TestEValues is of the formula by hand, and of what cannot be bet on.
func TestEValues(t *testing.T) {
	e, err := stats.EValues([]float64{2, 1, -1, 3})
	if err != nil {
		t.Fatal(err)
	}
	var want [4]float64
	for _, b := range []float64{.25, .5, 1, 2, 4} { // the scales are 2, 1.5 and 1
		p := 1.0
		want[0] += p / 5
		for i, x := range []float64{1.0 / 2, -1 / 1.5, 3.0 / 1} {
			p *= math.Exp(b*x) / math.Cosh(b*x)
			want[i+1] += p / 5
		}
	}
	for i := range want {
		if !near(e[i], want[i], 1e-12) {
			t.Errorf("after epoch %d: got %v, want %v", i+1, e[i], want[i])
		}
	}
	same := make([]float64, 2000)
	for i := range same {
		same[i] = 1
	}
	e, err = stats.EValues(same)
	if first := slices.IndexFunc(e, func(v float64) bool { return v >= 100 }); err != nil || first+1 != 9 || math.IsInf(slices.Max(e), 0) {
		t.Errorf("the same each time: got 100 after %d epochs and %v in the end (%v), want 9 and a number", first+1, e[len(e)-1], err)
	}
	if e, err = stats.EValues([]float64{0, 0, 5, math.MaxFloat64, 1e-300}); err != nil || slices.ContainsFunc(e, func(v float64) bool { return !(v >= 0) }) {
		t.Errorf("far from each other: got %v, %v", e, err)
	}
	if _, err = stats.EValues([]float64{1, math.NaN()}); !errors.Is(err, stats.ErrNotFinite) {
		t.Errorf("NaN: got %v", err)
	}
}
