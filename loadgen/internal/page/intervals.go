package page

import (
	"slices"
	"strings"

	"loadlab/loadgen/internal/report"
)

// findIntervals returns the intervals of a mode in a phase by the names of their figures, from a table of a report whose columns have these names: the figure's, its
// value, the ends of its interval. What has no interval is not in it.
func findIntervals(t *report.Table, mode, phase string, names [4]string, scale float64) map[string][3]float64 {
	if t == nil {
		return nil
	}
	var at [4]int
	for i, name := range names {
		at[i] = slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == name })
	}
	found := map[string][3]float64{}
	for _, g := range t.Groups {
		for _, row := range g.Rows {
			figure := strings.TrimSuffix(row[at[0]].Text, "_ms")
			if g.Name != phase || row[0].Text != mode || !slices.Contains([]string{"p50", "p95", "p99"}, figure) || !row[at[2]].Known || !row[at[3]].Known {
				continue
			}
			found[figure] = [3]float64{row[at[1]].Value * scale, row[at[2]].Value * scale, row[at[3]].Value * scale}
		}
	}
	return found
}
