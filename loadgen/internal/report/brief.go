package report

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// forPeople returns the sections that a format for people writes: all of them in a full report, and otherwise what fits two screens.
func (r *Report) forPeople(o Options) []Section {
	var all []Section
	for _, s := range r.Sections {
		switch {
		case s.Data:
		case o.Full:
			all = append(all, s)
		case !s.Full && (s.ID != Modes && s.ID != ErrorKinds || !r.matrixHasAll()):
			if s = s.brief(); !s.empty() {
				all = append(all, s)
			}
		}
	}
	return all
}

// matrixHasAll reports whether each phase that was measured has faults, and the matrix all of them.
func (r *Report) matrixHasAll() bool {
	matrix := r.Section(Matrix)
	if matrix.Heading == "" {
		return false
	}
	for _, g := range r.Section(Modes).Table.Groups {
		if !slices.ContainsFunc(matrix.Table.Groups, func(of Group) bool { return of.Name == g.Name }) {
			return false
		}
	}
	return true
}

// brief returns the section as a short report has it: tables with the columns that a stranger needs, gates that do not hold, and warnings.
func (s Section) brief() Section {
	s.Prose = slices.DeleteFunc(slices.Clone(s.Prose), func(n Note) bool { return !n.Brief && !n.Warning })
	s.Findings = s.Findings[:min(briefFindings, len(s.Findings))]
	if s.ID == Matrix {
		s.Table = s.Table.told()
	}
	if s.Table != nil && slices.ContainsFunc(s.Table.Columns, func(c Column) bool { return c.Brief }) {
		s.Table = s.Table.brief()
	}
	if len(s.Gates) > 0 {
		s.Gates, s.Prose = openGates(s.Gates)
	}
	return s
}

// briefFindings is how many findings a short report has: the first are the most important.
const briefFindings = 5

// told returns a matrix without the lines that show nothing: those of which all values are of too few requests, and those that are 0 for all modes, as errors are that nobody had.
func (t *Table) told() *Table {
	short := &Table{Columns: t.Columns}
	for _, g := range t.Groups {
		g.Rows = slices.DeleteFunc(slices.Clone(g.Rows), func(row []Cell) bool {
			return !slices.ContainsFunc(row[1:], func(c Cell) bool {
				if !c.Known {
					return c.Text != unit.None
				}
				return c.Mark == Unmarked && c.Value != 0
			})
		})
		short.Groups = append(short.Groups, g)
	}
	return short
}

// Unjudged is one sentence of gates that are all not judged, for the same reason; empty if that is not so, or there is but one.
func Unjudged(gates []result.Gate) string {
	if len(gates) < 2 || slices.ContainsFunc(gates, func(g result.Gate) bool { return g.Verdict != result.NotJudged || g.Reason != gates[0].Reason }) {
		return ""
	}
	return fmt.Sprintf("%s are not judged: %s.", unit.Counted(int64(len(gates)), "gate"), gates[0].Reason)
}

// openGates returns the gates that do not hold, and counts the others. If none is judged, for the reason that the verdict has, it counts all.
func openGates(all []result.Gate) (open []result.Gate, notes []Note) {
	for _, g := range all {
		if g.Verdict != result.Pass && g.Verdict != result.LeftOut {
			open = append(open, g)
		}
	}
	if text := Unjudged(open); text != "" {
		return nil, []Note{{Text: text, Brief: true}}
	}
	if rest := len(all) - len(open); rest > 0 && len(open) > 0 {
		notes = []Note{{Text: fmt.Sprintf("Of %s, %d %s.", unit.Counted(int64(len(all)), "gate"), rest, map[bool]string{true: "holds or is left out", false: "hold or are left out"}[rest == 1]), Brief: true}}
	}
	return open, notes
}

// empty reports whether there is nothing but a heading.
func (s Section) empty() bool {
	return s.ID != Modes && s.Table == nil && len(s.Facts) == 0 && len(s.Prose) == 0 && len(s.Gates) == 0 && len(s.Findings) == 0
}

// brief returns the table with the columns that a short report has: what does not fit the page of those is left out, the last first.
func (t *Table) brief() *Table {
	short := t.pick(func(i int) bool { return i == 0 || t.Columns[i].Brief })
	short.Second, short.Third = "", ""
	for i := range short.Columns {
		c := &short.Columns[i]
		c.Spare = c.Spare || c.Part == figure.InCost
	}
	return short
}

// shortHead are the facts of the head that a short report has.
func (r *Report) shortHead(o Options) []Fact {
	if o.Full {
		return r.Head
	}
	return slices.DeleteFunc(slices.Clone(r.Head), func(x Fact) bool { return x.Full })
}

// more says what a full report has besides.
func (r *Report) more() string {
	var what []string
	if n := len(r.Section(Findings).Findings) - briefFindings; n > 0 {
		what = append(what, unit.Counted(int64(n), "more finding"))
	}
	for _, x := range []struct{ id, text string }{
		{Modes, "what requests cost"}, {Staleness, "how old pages were"}, {TimeSpent, "where the time went"}, {Laws, "what the laws predict"}, {Faults, "each fault"}, {Intervals, "how sure the figures are"}, {Gates, "all gates"},
	} {
		if s := r.Section(x.id); s.Table != nil || len(s.Gates) > 0 {
			what = append(what, x.text)
		}
	}
	return strings.Join(append(what, "the legends"), ", ")
}
