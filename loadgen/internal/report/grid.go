package report

import (
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/tty"
)

// grid is a table for a terminal: columns as wide as their widest cell, and group titles across them. Blanks are its only lines.
type grid struct {
	columns []Column
	rows    []gridRow
}

// gridRow is a row of cells, or the title of a group.
type gridRow struct {
	title string
	cells []Cell
	below string // of the row
}

const (
	gap    = "  "
	indent = "  "
)

// newGrid lays out the columns of some part of a table.
func newGrid(t *Table, part figure.Part) *grid {
	g := &grid{}
	var used []int
	for i, c := range t.Columns {
		if !c.Below && (t.Second == "" || c.Part&part != 0) {
			g.columns, used = append(g.columns, c), append(used, i)
		}
	}
	for _, group := range t.Groups {
		if group.Title != "" {
			g.rows = append(g.rows, gridRow{title: tty.Clean(group.Title)})
		}
		for _, row := range group.Rows {
			var cells []Cell
			for _, i := range used {
				c := row[i]
				c.Text = tty.Clean(c.Text)
				cells = append(cells, c)
			}
			r := gridRow{cells: cells}
			if last := len(t.Columns) - 1; t.Columns[last].Below {
				r.below = row[last].Text
			}
			g.rows = append(g.rows, r)
		}
	}
	return g
}

// widths are the widths of the columns.
func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = max(tty.Width(c.Above), tty.Width(c.Title))
		for _, r := range g.rows {
			if r.cells != nil {
				widths[i] = max(widths[i], tty.Width(r.cells[i].Text))
			}
		}
	}
	return widths
}

// width is how many columns of a terminal the grid takes.
func (g *grid) width() int {
	n := len(indent) - len(gap)
	for _, w := range g.widths() {
		n += len(gap) + w
	}
	return n
}

// drop leaves out the last column that can be spared, and reports whether there was one.
func (g *grid) drop() bool {
	for i, c := range slices.Backward(g.columns) {
		if !c.Spare {
			continue
		}
		g.columns = slices.Delete(g.columns, i, i+1)
		for j := range g.rows {
			if cells := g.rows[j].cells; cells != nil {
				g.rows[j].cells = slices.Delete(cells, i, i+1)
			}
		}
		return true
	}
	return false
}

// leastNames is how narrow the first column of a grid is cut, which holds names.
const leastNames = 8

// write writes the grid on p. Where it is too wide for the page, columns that can be spared are left out; if that is not enough, its first column is cut;
// and if that is not enough either, it is written in parts below each other, each with the first column.
func (g *grid) write(p *page) {
	for g.width() > p.width && g.drop() {
	}
	widths := g.widths()
	over := g.width() - p.width
	if over > 0 && widths[0]-over < leastNames {
		if parts := g.split(p.width); len(parts) > 1 {
			for i, part := range parts {
				if i > 0 {
					p.write("\n")
				}
				part.write(p)
			}
			return
		}
	}
	if over > 0 {
		widths[0] = max(widths[0]-over, leastNames)
	}
	above, titles, two := make([]Cell, len(widths)), make([]Cell, len(widths)), false
	for i, c := range g.columns {
		above[i], titles[i] = Cell{Text: tty.Snip(c.Above, widths[i]), Tone: Faint}, Cell{Text: tty.Snip(c.Title, widths[i]), Tone: Faint}
		two = two || c.Above != ""
	}
	if two {
		g.line(p, widths, above)
	}
	g.line(p, widths, titles)
	for _, r := range g.rows {
		if r.cells == nil {
			p.write(p.paint(tty.Bold, tty.Snip(r.title, p.width)) + "\n")
			continue
		}
		g.line(p, widths, r.cells)
		if r.below != "" {
			p.item(strings.Repeat(indent, 3), 0, tty.Faint, r.below)
		}
	}
}

// split returns the grid in parts of as many columns as fit a page, each with the first.
func (g *grid) split(width int) []*grid {
	widths := g.widths()
	first := len(indent) + widths[0]
	var parts [][]int
	used := width + 1
	for i, w := range widths[1:] {
		if used += len(gap) + w; used > width {
			parts, used = append(parts, []int{0}), first+len(gap)+w
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], i+1)
	}
	var all []*grid
	for _, columns := range parts {
		part := &grid{}
		for _, i := range columns {
			part.columns = append(part.columns, g.columns[i])
		}
		for _, r := range g.rows {
			row := gridRow{title: r.title}
			for _, i := range columns {
				if r.cells != nil {
					row.cells = append(row.cells, r.cells[i])
				}
			}
			part.rows = append(part.rows, row)
		}
		all = append(all, part)
	}
	return all
}

// line writes one line of cells. Blanks are written only before a text, so that no line ends in them.
func (g *grid) line(p *page, widths []int, cells []Cell) {
	var b strings.Builder
	blanks := indent
	for i, c := range cells {
		text := tty.Snip(c.Text, widths[i])
		pad := strings.Repeat(" ", max(widths[i]-tty.Width(text), 0))
		if !g.columns[i].Left {
			blanks, pad = blanks+pad, ""
		}
		if text != "" {
			b.WriteString(blanks + p.paint(c.Tone.color(), text))
			blanks = ""
		}
		blanks += pad + gap
	}
	p.write(b.String() + "\n")
}

// in reports whether any column is in that part of the table alone.
func (t *Table) in(part figure.Part) bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Part == part })
}
