package report

import (
	"strings"

	"loadlab/loadgen/internal/tty"
)

// grid is a table for a terminal: columns as wide as their widest cell, and section lines across them. Blanks are its only lines.
type grid struct {
	columns []column
	rows    []gridRow
}

// column is one column of a grid: its title, in one or two lines.
type column struct {
	above, title string
	left         bool // aligned; numbers are aligned right
}

// gridRow is a row of cells, or a section line.
type gridRow struct {
	section string
	cells   []cell
}

// cell is one value, as it is printed.
type cell struct {
	text  string
	color tty.Color
}

const (
	gap    = "  "
	indent = "  "
)

func (g *grid) section(s string) { g.rows = append(g.rows, gridRow{section: tty.Clean(s)}) }

func (g *grid) row(cells ...cell) {
	for i := range cells {
		cells[i].text = tty.Clean(cells[i].text)
	}
	g.rows = append(g.rows, gridRow{cells: cells})
}

// widths are the widths of the columns.
func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = max(tty.Width(c.above), tty.Width(c.title))
		for _, r := range g.rows {
			if r.cells != nil {
				widths[i] = max(widths[i], tty.Width(r.cells[i].text))
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

// write writes the grid on p. Where it is too wide for the page, its first column, which holds names, is cut.
func (g *grid) write(p *page) {
	widths := g.widths()
	if over := g.width() - p.width; over > 0 {
		widths[0] = max(widths[0]-over, 8)
	}
	above, titles, two := make([]cell, len(widths)), make([]cell, len(widths)), false
	for i, c := range g.columns {
		above[i], titles[i] = cell{tty.Snip(c.above, widths[i]), tty.Faint}, cell{tty.Snip(c.title, widths[i]), tty.Faint}
		two = two || c.above != ""
	}
	if two {
		g.line(p, widths, above)
	}
	g.line(p, widths, titles)
	for _, r := range g.rows {
		if r.cells == nil {
			p.write(p.paint(tty.Bold, tty.Snip(r.section, p.width)) + "\n")
			continue
		}
		g.line(p, widths, r.cells)
	}
}

// line writes one line of cells. Blanks are written only before a text, so that no line ends in them.
func (g *grid) line(p *page, widths []int, cells []cell) {
	var b strings.Builder
	blanks := indent
	for i, c := range cells {
		text := tty.Snip(c.text, widths[i])
		pad := strings.Repeat(" ", max(widths[i]-tty.Width(text), 0))
		if !g.columns[i].left {
			blanks, pad = blanks+pad, ""
		}
		if text != "" {
			b.WriteString(blanks + p.paint(c.color, text))
			blanks = ""
		}
		blanks += pad + gap
	}
	p.write(b.String() + "\n")
}
