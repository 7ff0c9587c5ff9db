package page

import (
	"slices"
	"strings"

	"loadlab/loadgen/internal/report"
)

// findIntervals returns the intervals of a mode in a phase by the names of their figures, from a table for programs whose columns have these names: the figure's, its
// value, the ends of its interval. What has no interval is not in it.
func findIntervals(t *report.Table, mode, phase string, names [4]string, scale float64) map[string][3]float64 {
	found := map[string][3]float64{}
	for _, row := range rowsOf(t, mode, phase) {
		figure := strings.TrimSuffix(row.text(names[0]), "_ms")
		value, low, high := row.cell(names[1]), row.cell(names[2]), row.cell(names[3])
		if slices.Contains([]string{"p50", "p95", "p99"}, figure) && low.Known && high.Known {
			found[figure] = [3]float64{value.Value * scale, low.Value * scale, high.Value * scale}
		}
	}
	return found
}
