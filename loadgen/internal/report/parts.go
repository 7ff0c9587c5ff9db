package report

import "loadlab/loadgen/internal/figure"

// Parts returns the section as one for each table that fits a page: a table of times, and one of what they cost and use. A section whose table is never split is its only part.
func (s Section) Parts() []Section {
	if s.Table == nil || s.Table.Second == "" {
		return []Section{s}
	}
	times, cost := s, Section{ID: s.ID, Heading: s.Table.Second, Table: s.Table.only(figure.InCost | figure.InUse)}
	if times.Table = s.Table.only(figure.InLatency); len(cost.Table.Columns) < 2 {
		return []Section{times}
	}
	times.Prose, cost.Prose = nil, s.Prose // it is about both, and stands below both
	return []Section{times, cost}
}

// only returns the table with the columns of some part.
func (t *Table) only(part figure.Part) *Table {
	some := t.pick(func(i int) bool { return t.Columns[i].Part&part != 0 })
	some.Second, some.Third = "", ""
	return some
}

// pick returns the table with some of its columns.
func (t *Table) pick(keep func(i int) bool) *Table {
	some := &Table{Second: t.Second, Third: t.Third}
	for i, c := range t.Columns {
		if keep(i) {
			some.Columns = append(some.Columns, c)
		}
	}
	for _, g := range t.Groups {
		of := Group{Name: g.Name, Title: g.Title}
		for _, row := range g.Rows {
			var cells []Cell
			for i, c := range row {
				if keep(i) {
					cells = append(cells, c)
				}
			}
			of.Rows = append(of.Rows, cells)
		}
		some.Groups = append(some.Groups, of)
	}
	return some
}
