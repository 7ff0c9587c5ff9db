package report

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// matrix sets all modes against all faults of a run that has several: a line for each fault and mode with what it cost.
func matrix(f *figure.Figures) []Section {
	all := faultsOf(f)
	if len(all) < 2 {
		return nil
	}
	t := &Table{Columns: []Column{{Title: "fault", Left: true}}}
	var modes []string
	for _, x := range all {
		for _, m := range x.Modes {
			if !slices.Contains(modes, m) {
				modes = append(modes, m)
			}
		}
	}
	for _, m := range modes {
		t.Columns = append(t.Columns, Column{Title: m, Left: true})
	}
	for _, x := range all {
		g := Group{Name: x.Phase, Title: joined(": ", x.Phase, x.Text)}
		for _, line := range matrixLines() {
			row := []Cell{{Text: line.name, Tone: Faint}}
			for _, m := range modes {
				row = append(row, line.cell(f, x, m))
			}
			if slices.ContainsFunc(row[1:], func(c Cell) bool { return c.Text != unit.None }) {
				g.Rows = append(g.Rows, row)
			}
		}
		t.Groups = append(t.Groups, g)
	}
	legend := Note{Brief: true, Text: "errors: of the requests that were due or under way while the fault lasted; extra p99 and p95: theirs beyond those of the others of the phase; " +
		"stalest: the longest that a page was served after a price change while the fault lasted; back after: from its end until requests were as before; " +
		"~: of fewer requests than the percentile takes."}
	return []Section{{
		ID: Matrix, Heading: "Outages: what each fault cost each mode", Table: t, Prose: slices.Concat([]Note{legend}, howSure(f), traceLegend(f)),
	}}
}

// matrixLine is one figure of a cell of the matrix.
type matrixLine struct {
	name string
	cell func(f *figure.Figures, x faultOf, mode string) Cell
}

func matrixLines() []matrixLine {
	none := Cell{Text: unit.None, Tone: Faint}
	of := func(cell func(s figure.Suffered) Cell) func(*figure.Figures, faultOf, string) Cell {
		return func(_ *figure.Figures, x faultOf, mode string) Cell {
			if len(x.Of[mode]) == 0 {
				return none
			}
			return cell(x.Sum(mode))
		}
	}
	return []matrixLine{
		{"errors", of(func(s figure.Suffered) Cell {
			share, _ := figure.Ratio(s.Errors, s.Requests)
			text := "0"
			if s.Errors > 0 {
				text = fmt.Sprintf("%s (%s)", unit.Count(s.Errors), unit.Percent(share))
			}
			return Cell{Text: text, Value: float64(s.Errors), Known: true, Tone: badIf(s.Errors > 0)}
		})},
		{"extra p99", extra(atP99)},
		{"extra p95", extra(atP95)},
		{"stalest", of(func(s figure.Suffered) Cell {
			if s.Stalest == 0 {
				return none
			}
			return latency(s.Stalest)
		})},
		{"back after", of(func(s figure.Suffered) Cell { return lasted(s.Recover, "not seen") })},
		{"trace", func(f *figure.Figures, x faultOf, mode string) Cell { return x.trace(f, mode) }},
	}
}

// extra is how much a percentile of a fault's requests is beyond that of the others.
func extra(p percentile) func(*figure.Figures, faultOf, string) Cell {
	return func(f *figure.Figures, x faultOf, mode string) Cell {
		if len(x.Of[mode]) == 0 {
			return Cell{Text: unit.None, Tone: Faint}
		}
		sum := x.Sum(mode)
		in, out := x.percentile(f, p, mode, figure.Inside, sum.Inside), x.percentile(f, p, mode, figure.Outside, sum.Outside)
		if !in.Known || !out.Known {
			return Cell{Text: unit.None, Tone: Faint}
		}
		more := in.Value - out.Value
		text := unit.Latency(figure.Duration(max(more, -more)))
		switch {
		case more > 0:
			text = "+" + text
		case more < 0:
			text = "−" + text
		}
		if in.Mark != Unmarked || out.Mark != Unmarked {
			text = "~" + strings.TrimSpace(text)
		}
		return Cell{Text: text, Value: more, Known: true, Mark: max(in.Mark, out.Mark)}
	}
}
