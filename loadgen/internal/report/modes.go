package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// field is one column of the table of modes, with the function that returns its cell for one mode in one phase.
type field struct {
	Column
	place    int
	legend   string
	optional bool
	cell     func(f *figure.Figures, mode, phase string) Cell
}

// modes is the table of modes by phase, with a legend of the columns that are there.
func modes(f *figure.Figures) Section {
	if f.Total("", "") == nil {
		return Section{ID: Modes, Heading: "Nothing was measured"}
	}
	fields := fieldsOf(f)
	t := &Table{Second: "What they cost", Third: "What they use"}
	for _, x := range fields {
		t.Columns = append(t.Columns, x.Column)
	}
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: phaseTitle(p, len(modes))}
		for _, m := range modes {
			var row []Cell
			for _, x := range fields {
				row = append(row, x.cell(f, m, p.Name))
			}
			g.Rows = append(g.Rows, row)
		}
		t.Groups = append(t.Groups, g)
	})
	return Section{ID: Modes, Heading: "Modes by phase", Table: t, Prose: legend(f, fields, t)}
}

// eachPhase calls each with every phase that was measured and the modes that took part in it.
func eachPhase(f *figure.Figures, each func(p result.PhaseInfo, modes []string)) {
	for _, p := range f.Run.Phases {
		if f.Total("", p.Name) == nil {
			continue
		}
		modes := slices.DeleteFunc(f.Modes(), func(m string) bool { return f.Total(m, p.Name) == nil })
		each(p, modes)
	}
}

// fieldsOf returns the columns that have a value for some mode, in order. The ratio to the first mode is only there if there are two modes.
func fieldsOf(f *figure.Figures) []field {
	all := []field{{
		Column: Column{Title: "mode", Left: true, Part: figure.InAll},
		cell:   func(_ *figure.Figures, mode, _ string) Cell { return Cell{Text: mode} },
	}}
	for _, x := range figure.Table() {
		if x.Column.Place > 0 {
			all = append(all, fieldOf(f, x))
		}
	}
	if ratio, ok := newRatios(f); ok && ratio.known(f) {
		first := ratio.first
		all = append(all, field{
			Column: Column{Above: "p99 vs", Title: tty.Snip(tty.Clean(first), 12), Part: figure.InLatency, Brief: true},
			place:  80, cell: ratio.cell,
			legend: fmt.Sprintf("p99 vs %s: the ratio to the p99 of %s in the same round, and its 95%% interval; %s: it cannot be told from 1; %s: fewer than two rounds have enough requests",
				first, first, alike, unit.None),
		})
	}
	slices.SortStableFunc(all, func(a, b field) int { return cmp.Compare(a.place, b.place) })
	return slices.DeleteFunc(all, func(x field) bool { return x.optional && !hasValue(f, x) })
}

// fieldOf makes a column of a line of the table of figures.
func fieldOf(f *figure.Figures, x figure.Figure) field {
	c := x.Column
	legend := c.Legend
	if t := f.Total("", ""); c.Counted && t != nil && t.Counters() != nil {
		legend += ", background work included"
	}
	return field{
		Column: Column{Name: machineName(x), Above: c.Above, Title: c.Title, Part: c.Part, Spare: c.Spare, Brief: c.Brief}, place: c.Place, legend: legend, optional: c.Optional,
		cell: func(f *figure.Figures, mode, phase string) Cell {
			cell := value(x, f.Total(mode, phase))
			if cell.Known {
				cell.Text = c.Format(cell.Value)
				if cell.Mark != Unmarked {
					cell.Text, cell.Tone = unit.AtLeast+cell.Text, Faint
				}
			}
			if c.Alarm && cell.Value > 0 {
				cell.Tone = Bad
			}
			return cell
		},
	}
}

// value takes a figure of a total, without a text unless there is none.
func value(x figure.Figure, t *figure.Total) Cell {
	v, err := x.Of(t)
	switch {
	case errors.Is(err, figure.ErrTooFewSamples):
		return Cell{Value: v, Known: true, Mark: TooFew}
	case errors.Is(err, figure.ErrAtBound):
		return Cell{Value: v, Known: true, Mark: AtBound}
	case err != nil:
		return Cell{Text: unit.None, Tone: Faint}
	}
	return Cell{Value: v, Known: true}
}

// compared are a run's modes without the steps of sessions, which are compared with nothing.
func compared(run *result.Run) []result.Mode {
	return slices.DeleteFunc(slices.Clone(run.Modes), func(m result.Mode) bool { return m.Session != "" })
}

// hasValue reports whether a field has a value for any mode in any phase.
func hasValue(f *figure.Figures, of field) bool {
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			if of.cell(f, m, p).Known {
				return true
			}
		}
	}
	return false
}

// phaseTitle returns the name of a phase in which so many modes took part, and a description of its load and of what is otherwise than in others.
func phaseTitle(p result.PhaseInfo, modes int) string {
	s := joined(": ", p.Name, p.Load)
	if p.Mix && modes > 1 {
		s += ", shared by the modes"
	}
	limit := ""
	if p.MaxMemory > 0 {
		limit = "maxmemory=" + scenarioBytes(p.MaxMemory)
	}
	return joined(", ", s, config(p.App), limit)
}

// scenarioBytes renders a number of bytes as scenarios and redis.conf have it: 12mb.
func scenarioBytes(n int64) string {
	const kb, mb = 1 << 10, 1 << 20
	switch {
	case n%mb == 0:
		return fmt.Sprintf("%dmb", n/mb)
	case n%kb == 0:
		return fmt.Sprintf("%dkb", n/kb)
	}
	return strconv.FormatInt(n, 10)
}

// legend explains the columns that are there, and the marks of their cells.
func legend(f *figure.Figures, fields []field, t *Table) []Note {
	notes := []Note{{Text: "Times run from when a request was due to its last byte, so a request that had to wait to be sent is charged for it."}}
	var lines, parts []string
	for _, x := range fields {
		switch {
		case x.legend == "":
		case x.Name == "": // of the ratio, which is no figure
			notes = append(notes, Note{Text: x.legend + ".", Brief: true})
		default:
			parts = append(parts, x.legend)
		}
	}
	if t.has(func(c Cell) bool { return c.Text == unit.None && c.Mark == Unmarked }) {
		parts = append(parts, unit.None+": not measured")
	}
	if len(parts) > 0 {
		lines = append(lines, strings.Join(parts, "; ")+".")
	}
	if t.has(func(c Cell) bool { return c.Mark == TooFew }) {
		notes = append(notes, Note{Brief: true, Text: unit.AtLeast + ": the greatest that was seen, of fewer requests than the percentile takes (p50 2, p95 20, p99 100)."})
	}
	if t.has(func(c Cell) bool { return c.Mark == AtBound }) {
		lines = append(lines, unit.AtLeast+"60.0 s: at least 60 s, the greatest time that is recorded.")
	}
	var warm []string
	for _, p := range f.Run.Phases {
		if p.Warmup {
			warm = append(warm, p.Name)
		}
	}
	if len(warm) > 0 {
		lines = append(lines, "In none of these figures: warm-up ("+strings.Join(warm, ", ")+").")
	}
	return append(append(notes, howSure(f)...), prose(lines...)...)
}

// has reports whether any cell is so.
func (t *Table) has(so func(Cell) bool) bool {
	for _, g := range t.Groups {
		for _, row := range g.Rows {
			if slices.ContainsFunc(row, so) {
				return true
			}
		}
	}
	return false
}

func prose(lines ...string) []Note {
	var notes []Note
	for _, s := range lines {
		notes = append(notes, Note{Text: s})
	}
	return notes
}

// machineName is a figure's name for programs: with its unit where that is not plain.
func machineName(x figure.Figure) string {
	if x.Unit == figure.Milliseconds {
		return x.Name + "_ms"
	}
	return x.Name
}

// figures is every figure of every mode in every phase, and how requests failed, for programs.
func figures(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Name: "mode"}, {Name: "rounds"}}}
	table := figure.Table()
	for _, x := range table {
		t.Columns = append(t.Columns, Column{Name: machineName(x)})
	}
	t.Columns = append(t.Columns, Column{Name: "failures"}, Column{Name: "statuses"}, Column{Name: "first_errors"}, Column{Name: "first_error_at"}, Column{Name: "last_error_at"})
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name}
		for _, m := range modes {
			total := f.Total(m, p.Name)
			row := []Cell{{Text: m}, {Value: float64(total.Rounds()), Known: true}}
			for _, x := range table {
				row = append(row, value(x, total))
			}
			first, last := firstAndLast(f.Run, total)
			row = append(row, Cell{Text: waysToFail(total)}, Cell{Text: statuses(total.Statuses)}, Cell{Text: examples(total)}, Cell{Text: first}, Cell{Text: last})
			g.Rows = append(g.Rows, row)
		}
		t.Groups = append(t.Groups, g)
	})
	return Section{ID: Figures, Heading: "All figures", Data: true, Table: t}
}
