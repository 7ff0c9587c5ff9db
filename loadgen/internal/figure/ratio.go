package figure

import (
	"math"

	"loadlab/loadgen/internal/stats"
)

// Comparable returns the figure of a total as ratios are made of it: NaN if there is none, or if it is marked.
func (f Figure) Comparable(t *Total) float64 {
	v, err := f.Of(t)
	if err != nil {
		return math.NaN()
	}
	return v
}

// PairedRatio is the ratio of a figure of one mode to that of another, from the rounds that have both: the values are by round, and NaN of a round
// that has none.
func PairedRatio(of, to []float64) (stats.Ratio, error) {
	var own, others [][]float64
	for i := range min(len(of), len(to)) {
		if !math.IsNaN(of[i]) && !math.IsNaN(to[i]) {
			own, others = append(own, []float64{of[i]}), append(others, []float64{to[i]})
		}
	}
	return stats.PairedRatio(own, others, stats.Level)
}
