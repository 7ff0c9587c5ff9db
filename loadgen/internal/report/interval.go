package report

import (
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// intervals are what the percentiles of each mode are in one round, with their intervals.
func intervals(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Title: "mode", Left: true}}}
	names := []string{"p50", "p95", "p99"}
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Title: name, Spare: name == "p50"})
	}
	var over []string
	byRound := false
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: p.Name}
		for _, m := range modes {
			row := []Cell{{Text: m}}
			for _, name := range names {
				cell, of := within(f, name, m, p.Name)
				row = append(row, cell)
				if cell.Known && cell.Mark == Unmarked && !slices.Contains(over, of.Over()) {
					over = append(over, of.Over())
					byRound = byRound || of.Blocks == 0
				}
			}
			g.Rows = append(g.Rows, row)
		}
		t.Groups = append(t.Groups, g)
	})
	if len(over) == 0 {
		return Section{}
	}
	each, luck := "round", ""
	if !byRound {
		each, luck = "block", " What differs from one round to the next is in no interval of blocks."
	}
	return Section{ID: Intervals, Full: true, Heading: "How sure the figures are: those of one " + each, Table: t,
		Prose: prose("The middle of " + strings.Join(over, ", ") + ", and the interval that has the true middle in 95% of such runs; " + unit.None + ": unknown. The figures above are of " +
			"all requests together, to which the worst " + each + "s give the most: a p99 of those is often above." + luck)}
}

// howSure says of a run of one round that nothing in it has an interval, where that is so: a stranger takes two figures beside each other for a difference. Rounds that are longer
// have intervals of blocks of their time.
func howSure(f *figure.Figures) []Note {
	rounds, err := f.Rounds()
	if err != nil || len(rounds) != 1 || alone(f) {
		return nil
	}
	sure := false
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		sure = sure || slices.ContainsFunc(modes, func(m string) bool { _, ok := f.Interval("p50", m, p.Name); return ok })
	})
	if sure {
		return nil
	}
	return []Note{{Text: "One round: no figure here has an interval, and nothing is said to be faster or slower (loadgen run --rounds 3 gives them).", Brief: true}}
}

// within is a percentile of one round with its interval, which is returned too; the percentile of all requests if it is marked.
func within(f *figure.Figures, name, mode, phase string) (Cell, figure.Interval) {
	cell := rendered(name, f.Total(mode, phase), inMillis)
	if cell.Mark != Unmarked {
		return cell, figure.Interval{}
	}
	i, ok := f.Interval(name, mode, phase)
	if !ok {
		return Cell{Text: unit.None, Tone: Faint}, i
	}
	return Cell{Text: unit.LatencyWithin(figure.Duration(i.Value), figure.Duration(i.Low), figure.Duration(i.High)), Value: i.Value, Known: true}, i
}

// intervalFigures are the intervals of every figure that has a column, for programs.
func intervalFigures(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Name: "mode"}, {Name: "figure"}, {Name: "middle"}, {Name: "low"}, {Name: "high"}, {Name: "rounds"}, {Name: "blocks"}}}
	number := func(x float64, known bool) Cell { return Cell{Value: x, Known: known} }
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name}
		for _, mode := range modes {
			for _, x := range figure.Table() {
				i, ok := f.Interval(x.Name, mode, p.Name)
				if x.Column.Place == 0 || !ok || value(x, f.Total(mode, p.Name)).Mark != Unmarked {
					continue
				}
				rounds := i.N
				if i.Blocks > 0 {
					rounds = 1
				}
				g.Rows = append(g.Rows, []Cell{{Text: mode}, {Text: machineName(x)}, number(i.Value, true), number(i.Low, true), number(i.High, true),
					number(float64(rounds), true), number(float64(i.Blocks), i.Blocks > 0)})
			}
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: IntervalFigures, Heading: "Intervals", Data: true, Table: t}
}
