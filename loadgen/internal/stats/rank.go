package stats

import (
	"math"
	"slices"
)

// exactUpTo is the greatest n for which the signed-rank statistic's distribution is counted; the normal approximation is within 0.1
// percentage points of it from there on at the levels that loadlab uses.
const exactUpTo = 64

// HodgesLehmann returns the median of the Walsh averages of x, which are the means of all pairs of figures, each with itself too: an
// estimate of the centre that a few spikes do not move (Hodges and Lehmann 1963).
func HodgesLehmann(x []float64) (float64, error) {
	if err := check(x); err != nil {
		return 0, err
	}
	return median(walshAverages(x)), nil
}

// Walsh returns the Hodges-Lehmann estimate of the centre of x, which are independent and symmetric about it, and its interval: the values
// that Wilcoxon's signed-rank test does not reject, which are those between two of the ordered Walsh averages (Tukey 1949; Hollander and
// Wolfe, Nonparametric Statistical Methods, 3.3). Up to 64 figures the test is exact, and the level is at least the one asked for; beyond,
// it is the normal approximation with a continuity correction. An interval of a level needs LeastFor(level) figures.
func Walsh(x []float64, level float64) (Interval, error) {
	if err := check(x); err != nil {
		return Interval{}, err
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, err
	}
	w := walshAverages(x)
	i := Interval{Value: median(w), Low: math.Inf(-1), High: math.Inf(1), N: len(x)}
	if k := critical(len(x), 1-level); k >= 0 {
		i.Low, i.High = w[k], w[len(w)-1-k]
	}
	return i, nil
}

// LeastFor returns the least number of figures that Walsh has an interval of that level for: 6 for 95%, 8 for 99%. The signed-rank test of
// n figures has no p-value below 2/2^n. It returns 0 if the level is not one.
func LeastFor(level float64) int {
	if checkLevel(level) != nil {
		return 0
	}
	return int(math.Ceil(1 - math.Log2(1-level)))
}

// walshAverages returns them in order. Halves are added, so that no sum overflows.
func walshAverages(x []float64) []float64 {
	w := make([]float64, 0, len(x)*(len(x)+1)/2)
	for i, a := range x {
		for _, b := range x[i:] {
			w = append(w, a/2+b/2)
		}
	}
	slices.Sort(w)
	return w
}

// Median returns the median of one figure or more, in any order.
func Median(x []float64) float64 { return median(slices.Sorted(slices.Values(x))) }

// median is that of ordered figures.
func median(ordered []float64) float64 {
	n := len(ordered)
	return ordered[(n-1)/2]/2 + ordered[n/2]/2
}

// critical returns the greatest k for which the signed-rank statistic of n figures is at most k with a probability of at most alpha/2, and
// -1 if there is none.
func critical(n int, alpha float64) int {
	if n <= exactUpTo {
		k, below := -1, 0.0
		for _, p := range signedRank(n) {
			if below += p; below > alpha/2*(1+1e-12) {
				break
			}
			k++
		}
		return k
	}
	f := float64(n)
	mean, sd := f*(f+1)/4, math.Sqrt(f*(f+1)*(2*f+1)/24)
	return max(int(math.Floor(mean-0.5-normalQuantile(1-alpha/2)*sd)), -1)
}

// signedRank returns the distribution of the signed-rank statistic of n figures, the sum of a random subset of 1 to n, by adding one rank
// after the other.
func signedRank(n int) []float64 {
	p := make([]float64, n*(n+1)/2+1)
	p[0] = 1
	for rank := 1; rank <= n; rank++ {
		for sum := rank * (rank + 1) / 2; sum >= 0; sum-- {
			p[sum] /= 2
			if sum >= rank {
				p[sum] += p[sum-rank] / 2
			}
		}
	}
	return p
}
