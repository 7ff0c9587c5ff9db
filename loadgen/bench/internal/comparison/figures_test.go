package comparison_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/bench/internal/comparison"
)

const ms = time.Millisecond

func near(got, want float64) bool {
	return math.Abs(got-want) < 1e-9 || math.IsNaN(got) && math.IsNaN(want)
}

func TestFigure(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   comparison.Figure
	}{
		{nil, comparison.Figure{}},
		{[]float64{3}, comparison.Figure{Rounds: 1, Median: 3, Least: 3, Most: 3}},
		{[]float64{5, 1, 2}, comparison.Figure{Rounds: 3, Median: 2, Least: 1, Most: 5}},
		{[]float64{4, 1, 2, 9}, comparison.Figure{Rounds: 4, Median: 3, Least: 1, Most: 9}},
	} {
		before := slices.Clone(tt.values)
		if got := comparison.NewFigure(tt.values); got != tt.want {
			t.Errorf("%v: got %+v, want %+v", before, got, tt.want)
		}
		if !slices.Equal(before, tt.values) {
			t.Errorf("%v were changed", before)
		}
	}
}

func TestRatiosAreByRound(t *testing.T) {
	nan := math.NaN()
	got := comparison.Ratios([]float64{2, 9, nan, 4, 1, 7}, []float64{1, nan, 5, 2, 0})
	if want := []float64{2, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGaps(t *testing.T) {
	start := time.Now()
	at := []time.Time{start, start.Add(ms), start.Add(10 * ms), start.Add(12 * ms), start.Add(16 * ms)}
	for _, tt := range []struct {
		skip time.Duration
		want []float64
	}{
		{0, []float64{.001, .009, .002, .004}},
		{5 * ms, []float64{.002, .004}},
		{16 * ms, nil},
		{time.Second, nil},
	} {
		got := comparison.Gaps(at, tt.skip)
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(near)); diff != "" {
			t.Errorf("skip %v (-want +got):\n%s", tt.skip, diff)
		}
	}
	if got := comparison.Gaps(nil, 0); got != nil {
		t.Errorf("no arrivals: got %v", got)
	}
}

func TestVariation(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, math.NaN()},
		{[]float64{1}, math.NaN()},
		{[]float64{2, 2, 2}, 0},
		{[]float64{1, 3}, math.Sqrt2 / 2},
	} {
		if got := comparison.Variation(tt.values); !near(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.values, got, tt.want)
		}
	}
}

// exponential are gaps of a Poisson process.
func exponential(rng *rand.Rand, n int, rate float64) []float64 {
	gaps := make([]float64, n)
	for i := range gaps {
		gaps[i] = rng.ExpFloat64() / rate
	}
	return gaps
}

func TestKS(t *testing.T) {
	// One value at the median: the distribution functions differ by a half before it and after it.
	if got := comparison.KS([]float64{math.Ln2}, 1); !near(got, .5) {
		t.Errorf("one value: got %v, want 0.5", got)
	}
	// In a hundred samples, about one exceeds the critical value of 1%.
	rng := rand.New(rand.NewPCG(1, 2))
	rejected := 0
	for range 500 {
		if comparison.KS(exponential(rng, 1000, 50), 50) > comparison.KS1pc {
			rejected++
		}
	}
	if rejected > 12 {
		t.Errorf("%d of 500 Poisson samples were rejected, want about 5", rejected)
	}
	// What is not Poisson, or not at this rate, is rejected.
	for name, gaps := range map[string][]float64{
		"constant":          slices.Repeat([]float64{.02}, 1000),
		"another rate":      exponential(rng, 1000, 60),
		"a fifth in bursts": slices.Concat(exponential(rng, 800, 50), make([]float64, 200)),
	} {
		if d := comparison.KS(gaps, 50); d <= comparison.KS1pc {
			t.Errorf("%s: got %v, not rejected", name, d)
		}
	}
}

func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"cpu  100 2 30 5000 60 7 8 9 10 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n", 1560 * ms, true},
		{"cpu  100 2 30 5000 60 7 8 9", 1560 * ms, true},
		{"cpu  100 2 30 5000 60 7 8", 0, false},
		{"cpu  100 2 x 5000 60 7 8 9", 0, false},
		{"cpu  100 2 -3 5000 60 7 8 9", 0, false},
		{"intr 100 2 30 5000 60 7 8 9", 0, false},
		{"", 0, false},
	} {
		if got, ok := comparison.ParseStat([]byte(tt.text)); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %v, %v; want %v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
