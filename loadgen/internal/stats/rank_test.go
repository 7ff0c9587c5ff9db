package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

func near(got, want, by float64) bool { return math.Abs(got-want) <= by }

// TestWalshPublished is of the depression scores of Hollander and Wolfe, table 3.1, and their results: 3.2 and 3.3 (also those of R's
// wilcox.test with conf.int).
func TestWalshPublished(t *testing.T) {
	before := []float64{1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	var d []float64
	for i := range before {
		d = append(d, after[i]-before[i])
	}
	got, err := stats.Walsh(d, .95)
	if err != nil || !near(got.Value, -.46, 1e-9) || !near(got.Low, -.786, 1e-9) || !near(got.High, -.010, 1e-9) || got.N != 9 {
		t.Errorf("got %+v, %v, want -0.46 [-0.786, -0.010] of 9", got, err)
	}
}

// TestCritical is of Wilcoxon's table for two-sided 5% and 1%, and of the least n at all.
func TestCritical(t *testing.T) {
	for _, tt := range []struct {
		n     int
		alpha float64
		want  int
	}{
		{5, .05, -1}, {6, .05, 0}, {7, .05, 2}, {8, .05, 3}, {9, .05, 5}, {10, .05, 8}, {12, .05, 13}, {15, .05, 25}, {20, .05, 52}, {25, .05, 89},
		{30, .05, 137}, {50, .05, 434}, {7, .01, -1}, {8, .01, 0}, {10, .01, 3}, {20, .01, 37}, {30, .01, 109},
	} {
		if got := stats.Critical(tt.n, tt.alpha); got != tt.want {
			t.Errorf("%d figures at %g: got %d, want %d", tt.n, tt.alpha, got, tt.want)
		}
	}
	for _, alpha := range []float64{.05, .01, .001} { // the approximation beside the exact distribution
		for _, n := range []int{65, 100, 200} {
			k, below := stats.Critical(n, alpha), 0.0
			for _, p := range stats.SignedRank(n)[:k+1] {
				below += p
			}
			if !near(2*below, alpha, .001) {
				t.Errorf("%d figures at %g: got a level of %.5f", n, alpha, 2*below)
			}
		}
	}
	for _, tt := range []struct {
		level float64
		want  int
	}{{.5, 2}, {.9, 5}, {.95, 6}, {.99, 8}, {0, 0}, {1, 0}, {math.NaN(), 0}} {
		if got := stats.LeastFor(tt.level); got != tt.want {
			t.Errorf("least for %g: got %d, want %d", tt.level, got, tt.want)
		}
	}
}

// rankTest is the two-sided p-value of the signed-rank test, by its definition and all vectors of signs.
func rankTest(x []float64, centre float64) float64 {
	sorted := make([]float64, len(x))
	for i, v := range x {
		sorted[i] = math.Abs(v - centre)
	}
	slices.Sort(sorted)
	observed := 0
	for _, v := range x {
		if v > centre {
			rank, _ := slices.BinarySearch(sorted, math.Abs(v-centre))
			observed += rank + 1
		}
	}
	below, above := 0, 0
	for signs := range 1 << len(x) {
		sum := 0
		for i := range x {
			sum += (signs >> i & 1) * (i + 1)
		}
		if sum <= observed {
			below++
		}
		if sum >= observed {
			above++
		}
	}
	return 2 * float64(min(below, above)) / math.Exp2(float64(len(x)))
}

// TestWalshInvertsTheTest holds the interval to be what the test does not reject, just inside and just outside of both bounds.
func TestWalshInvertsTheTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 11; n++ {
		for _, level := range []float64{.8, .95, .99} {
			x := make([]float64, n)
			for i := range x {
				x[i] = rng.NormFloat64()
			}
			got, err := stats.Walsh(x, level)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounded() != (n >= stats.LeastFor(level)) {
				t.Errorf("%d figures at %g: got %+v, want an interval from %d figures on", n, level, got, stats.LeastFor(level))
			}
			if !got.Bounded() {
				continue
			}
			for _, tt := range []struct {
				at       float64
				rejected bool
			}{{got.Low - 1e-9, true}, {got.Low + 1e-9, false}, {got.High - 1e-9, false}, {got.High + 1e-9, true}} {
				if p := rankTest(x, tt.at); (p <= 1-level) != tt.rejected {
					t.Errorf("%v at %g: got %+v, where the test of %g has p = %g", x, level, got, tt.at, p)
				}
			}
		}
	}
}

func TestQuantiles(t *testing.T) {
	for _, tt := range []struct {
		p    float64
		df   int
		want float64
	}{
		{.975, 1, 12.7062}, {.975, 2, 4.30265}, {.975, 3, 3.18245}, {.975, 4, 2.77645}, {.975, 7, 2.36462}, {.975, 30, 2.04227}, {.975, 200, 1.97190},
		{.975, 201, 1.97184}, {.975, 1000, 1.96234}, {.995, 1, 63.6567}, {.995, 2, 9.92484}, {.999, 10, 4.14370}, {.8, 5, .919544}, {.5, 9, 0},
	} { // published tables
		if got := stats.StudentQuantile(tt.p, tt.df); !near(got, tt.want, 2e-5*max(tt.want, 1)) {
			t.Errorf("t of %d degrees of freedom at %g: got %.6f, want %.6f", tt.df, tt.p, got, tt.want)
		}
	}
	if got := stats.NormalQuantile(.975); !near(got, 1.959963984540054, 1e-12) {
		t.Errorf("normal at .975: got %.15f", got)
	}
}

func TestFiguresThatAreNone(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		x     []float64
		level float64
		want  error
	}{
		{nil, .95, stats.ErrNoFigures}, {[]float64{1, nan}, .95, stats.ErrNotFinite}, {[]float64{-inf}, .95, stats.ErrNotFinite},
		{make([]float64, stats.MaxBlocks+1), .95, stats.ErrTooMany}, {[]float64{1}, 0, stats.ErrLevel}, {[]float64{1}, 1, stats.ErrLevel},
		{[]float64{1}, nan, stats.ErrLevel}, {[]float64{1}, .95, nil}, {[]float64{math.MaxFloat64, math.MaxFloat64}, .5, nil},
	} {
		if _, err := stats.Walsh(tt.x, tt.level); !errors.Is(err, tt.want) {
			t.Errorf("Walsh of %d figures at %g: got %v, want %v", len(tt.x), tt.level, err, tt.want)
		}
		if _, err := stats.Batches(tt.x, tt.level); !errors.Is(err, tt.want) {
			t.Errorf("Batches of %d figures at %g: got %v, want %v", len(tt.x), tt.level, err, tt.want)
		}
		if _, err := stats.Rounds([][]float64{tt.x}, tt.level); !errors.Is(err, tt.want) {
			t.Errorf("Rounds of %d figures at %g: got %v, want %v", len(tt.x), tt.level, err, tt.want)
		}
	}
	if v, err := stats.HodgesLehmann([]float64{1, 2, 9}); err != nil || v != 3.5 {
		t.Errorf("Hodges-Lehmann of 1, 2, 9: got %v, %v, want 3.5, the median of 1, 1.5, 2, 5, 5.5, 9", v, err)
	}
}
