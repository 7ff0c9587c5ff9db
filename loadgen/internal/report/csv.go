package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// CSV writes one row for each mode and phase, in the scenario's order, with every figure that Names names; what was not measured is
// empty. Latencies are in milliseconds and rates per second.
func CSV(w io.Writer, run *Run) error {
	f, err := NewFigures(run)
	if err != nil {
		return err
	}
	head := []string{"run", "scenario", "stack", "phase", "mode", "rounds"}
	for _, name := range Names() {
		if _, unit := lookup(name); unit == "ms" {
			name += "_ms"
		}
		head = append(head, name)
	}
	out := csv.NewWriter(w)
	rows := [][]string{head}
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			t := f.total(m, p)
			if t == nil {
				continue
			}
			row := []string{run.ID, run.Scenario.Name, run.Stack.Kind, p, m, strconv.Itoa(len(t.rounds))}
			for _, name := range Names() {
				s := ""
				if x, _, err := f.Value(name, m, p); err == nil {
					s = plainNumber(x)
				}
				row = append(row, s)
			}
			rows = append(rows, row)
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// plainNumber renders x for a spreadsheet: whole numbers in full, others to six digits.
func plainNumber(x float64) string {
	if x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}
