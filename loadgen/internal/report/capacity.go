package report

import (
	"fmt"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// capacity is what each mode can stand while it keeps to the scenario's objective: of the phases in which it does, the one with the most
// requests a second. A scenario without an objective has none.
func capacity(f *figure.Figures) Section {
	o := f.Run.Scenario.Objective
	if o == nil {
		return Section{}
	}
	bound, ok := figure.Named(o.Figure)
	if !ok || f.Total("", "") == nil {
		return Section{}
	}
	within := o.Figure + " ≤ " + unit.Length(o.AtMost)
	t := &Table{Columns: []Column{
		{Title: "mode", Left: true}, {Name: "rate", Title: "req/s"}, {Name: "cores", Above: "cores", Title: "used"},
		{Name: "per_core", Above: "req/s", Title: "/core"}, {Name: machineName(bound), Title: o.Figure}, {Name: "load", Title: "with", Left: true},
	}}
	g := Group{Name: within, Title: within}
	for _, m := range f.Modes() {
		if row := capacityOf(f, m, bound, figure.Millis(o.AtMost)); row != nil {
			g.Rows = append(g.Rows, row)
		}
	}
	if len(g.Rows) == 0 {
		return Section{}
	}
	t.Groups = []Group{g}
	lines := []string{fmt.Sprintf("Of the phases with %s and at most %s of the requests failed, the one with the most requests a second. cores used: CPU "+
		"seconds a second of all processes of the app, the database and Redis, and not of the generator.", within, unit.Percent(bound.Beyond()))}
	if t.has(func(c Cell) bool { return c.Text == never }) {
		lines = append(lines, fmt.Sprintf("%s: in no phase; %s and load are those of the phase with the least %s.", never, o.Figure, o.Figure))
		for _, row := range g.Rows {
			if row[1].Text == never {
				lines = append(lines, fmt.Sprintf("%s never kept to %s: with %s, its best phase, its %s was %s.", row[0].Text, within, row[5].Text, o.Figure, row[4].Text))
			}
		}
	}
	if t.has(func(c Cell) bool { return c.Text == unit.None }) {
		lines = append(lines, unit.None+": not measured, or in too few requests.")
	}
	return Section{ID: Capacity, Heading: "Capacity: requests a second and core", Table: t, Prose: prose(lines...)}
}

// never stands for the rate of a mode that keeps to the objective in no phase.
const never = "never"

// capacityOf returns the row of a mode; nil if it was in no phase of its own.
func capacityOf(f *figure.Figures, mode string, bound figure.Figure, atMost float64) []Cell {
	best, ok := f.Stand(mode, bound, atMost)
	if !ok {
		return nil
	}
	row := []Cell{{Text: mode}}
	if best.Keeps {
		for _, name := range []string{"rate", "cores", "per_core"} {
			row = append(row, rendered(name, best.Total, unit.Digits))
		}
		return append(row, rendered(bound.Name, best.Total, inMillis), Cell{Text: best.Phase.Load})
	}
	none := Cell{Text: unit.None, Tone: Faint}
	no := Cell{Text: never, Tone: Doubtful}
	if v := value(bound, best.Total); v.Value <= atMost { // of too few requests, or with too many failed
		no = none
	}
	return append(row, no, none, none, rendered(bound.Name, best.Total, inMillis), Cell{Text: best.Phase.Load})
}

// rendered is a figure of a total as a cell.
func rendered(name string, t *figure.Total, format func(float64) string) Cell {
	x, _ := figure.Named(name)
	c := value(x, t)
	if c.Known {
		c.Text = format(c.Value)
	}
	if c.Mark != Unmarked {
		c.Text, c.Tone = unit.AtLeast+c.Text, Faint
	}
	return c
}

func inMillis(x float64) string { return unit.Latency(figure.Duration(x)) }
