package page

import (
	"math"
	"slices"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

// lawData is what a law predicts beside what was measured: counts, shares, and times in microseconds. What is not known, or has no end, is nil.
type lawData struct {
	Figure    string   `json:"figure"`
	Relation  string   `json:"relation"`
	Predicted *float64 `json:"predicted,omitempty"`
	Least     *float64 `json:"least,omitempty"` // what agrees is from here
	Most      *float64 `json:"most,omitempty"`  // to there
	Measured  float64  `json:"measured"`
	Agreement string   `json:"agreement"`
}

// staleData is how old the pages were that readers got.
type staleData struct {
	Most  int64   `json:"most"`  // of the stalest read
	Share float64 `json:"share"` // of the reads, that were stale
}

// lawsOf are the predictions of a mode in a phase.
func lawsOf(r *report.Report, mode, phase string) []lawData {
	var all []lawData
	for _, row := range rowsOf(r.Section(report.Predictions).Table, mode, phase) {
		l := lawData{Figure: row.text("figure"), Relation: row.text("relation"), Agreement: row.text("agreement")}
		scale := 1.0
		if l.Figure == result.StaleMax {
			scale = 1000
		}
		number := func(column string) *float64 {
			c := row.cell(column)
			if !c.Known {
				return nil
			}
			v := c.Value * scale
			return &v
		}
		l.Predicted, l.Least, l.Most = number("predicted"), number("least"), number("most")
		l.Measured = row.cell("measured").Value * scale
		all = append(all, l)
	}
	return all
}

// staleOf is how old the pages of a mode in a phase were; nil where that was not looked for.
func staleOf(r *report.Report, mode, phase string) *staleData {
	for _, row := range rowsOf(r.Section(report.Figures).Table, mode, phase) {
		if most := row.cell("stale_max_ms"); most.Known {
			return &staleData{Most: int64(math.Round(most.Value * 1000)), Share: row.cell("stale_ratio").Value}
		}
	}
	return nil
}

// namedRow is a row of a table for programs, whose columns have names.
type namedRow struct {
	columns []report.Column
	cells   []report.Cell
}

// rowsOf returns the rows of a mode in a phase.
func rowsOf(t *report.Table, mode, phase string) []namedRow {
	if t == nil {
		return nil
	}
	var all []namedRow
	for _, g := range t.Groups {
		for _, cells := range g.Rows {
			if row := (namedRow{t.Columns, cells}); g.Name == phase && row.text("mode") == mode {
				all = append(all, row)
			}
		}
	}
	return all
}

// cell is that of a column; one of which nothing is known if there is none of that name.
func (r namedRow) cell(column string) report.Cell {
	i := slices.IndexFunc(r.columns, func(c report.Column) bool { return c.Name == column })
	if i < 0 {
		return report.Cell{}
	}
	return r.cells[i]
}

func (r namedRow) text(column string) string { return r.cell(column).Text }
