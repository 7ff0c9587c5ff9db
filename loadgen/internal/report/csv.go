package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// CSV writes one row for each mode and phase, in the scenario's order, with every figure there is; what was not measured is empty.
// Latencies are in milliseconds and rates per second. The last two columns name the figures of the row that are marked: quantiles of too few
// samples, and times that are at least what is recorded.
func CSV(w io.Writer, r *Report, _ Options) error {
	t := r.Section(Figures).Table
	row := []string{"run", "scenario", "stack", "phase"}
	for _, c := range t.Columns {
		row = append(row, c.Name)
	}
	rows := [][]string{append(row, "too_few_samples", "at_bound")}
	for _, g := range t.Groups {
		for _, cells := range g.Rows {
			row := []string{r.Run.ID, r.Run.Scenario.Name, r.Run.Stack.Kind, g.Name}
			for _, c := range cells {
				row = append(row, c.plain())
			}
			rows = append(rows, append(row, strings.Join(t.marked(cells, TooFew), " "), strings.Join(t.marked(cells, AtBound), " ")))
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// marked returns the names of the columns of a row that have that mark.
func (t *Table) marked(row []Cell, mark Mark) []string {
	var names []string
	for i, c := range row {
		if c.Mark == mark {
			names = append(names, t.Columns[i].Name)
		}
	}
	return names
}

// plain renders a cell for a program: the number where it is one, whole numbers in full and others to six digits.
func (c Cell) plain() string {
	switch {
	case c.Known && c.Value == math.Trunc(c.Value):
		return strconv.FormatFloat(c.Value, 'f', 0, 64)
	case c.Known:
		return strconv.FormatFloat(c.Value, 'g', 6, 64)
	case c.Tone == Faint:
		return ""
	}
	return c.Text
}
