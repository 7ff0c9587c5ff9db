package comparison

import (
	"math"
	"slices"
	"time"
)

// Figure is what several rounds came to.
type Figure struct {
	Rounds              int // 0: there is no figure
	Median, Least, Most float64
}

// NewFigure returns the figure of the rounds' values.
func NewFigure(values []float64) Figure {
	n := len(values)
	if n == 0 {
		return Figure{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Figure{Rounds: n, Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Least: sorted[0], Most: sorted[n-1]}
}

// Ratios divides values round by round; rounds that one of them lacks (NaN) are left out.
func Ratios(values, by []float64) []float64 {
	var ratios []float64
	for i := range min(len(values), len(by)) {
		if r := values[i] / by[i]; !math.IsNaN(r) && !math.IsInf(r, 0) {
			ratios = append(ratios, r)
		}
	}
	return ratios
}

// Gaps are the times between moments, in seconds, from the first that is at least skip after the very first.
func Gaps(at []time.Time, skip time.Duration) []float64 {
	first := 0
	for first < len(at) && at[first].Sub(at[0]) < skip {
		first++
	}
	var gaps []float64
	for i := first + 1; i < len(at); i++ {
		gaps = append(gaps, at[i].Sub(at[i-1]).Seconds())
	}
	return gaps
}

// Variation is the coefficient of variation: the standard deviation over the mean. Of the gaps between arrivals it is 0 if they are
// perfectly regular, and 1 if they are Poisson. It is NaN of less than two values.
func Variation(values []float64) float64 {
	n := float64(len(values))
	if n < 2 {
		return math.NaN()
	}
	var mean, squares float64
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares/(n-1)) / mean
}

// KS is the Kolmogorov-Smirnov statistic of gaps against the exponential distribution of a rate, times the root of their number: what
// the gaps of a Poisson process exceed KS1pc with once in a hundred.
func KS(gaps []float64, rate float64) float64 {
	sorted := slices.Sorted(slices.Values(gaps))
	n := float64(len(sorted))
	var d float64
	for i, gap := range sorted {
		f := -math.Expm1(-rate * gap)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d * math.Sqrt(n)
}

// KS1pc is the asymptotic critical value of KS at 1% (Massey 1951).
const KS1pc = 1.628
