package report

import (
	"fmt"
	"io"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// Text writes the report for people at a terminal: the verdict first, and then what was found. The gates are last, where a terminal leaves the reader.
func Text(w io.Writer, r *Report, o Options) error {
	p := newPage(w, o)
	p.verdict(r)
	all := r.forPeople(o)
	if len(all) > 0 && all[0].ID == Findings {
		p.section(all[0])
		all = all[1:]
	}
	p.write("\n")
	for _, x := range r.shortHead(o) {
		p.item(x.Name, headColumn, tty.Faint, x.Text)
	}
	for _, s := range all {
		p.section(s)
	}
	if o.Path != "" || !o.Full {
		p.write("\n")
	}
	if o.Path != "" {
		p.copied("run.json", o.Path)
	}
	if !o.Full {
		p.more(r.more(), o.Path)
	}
	if n := len(r.Run.Traces); n > 0 && o.Path != "" {
		p.item("traces", headColumn, tty.Faint, "this draws the slowest request (--list lists the "+unit.Counted(int64(n), "trace")+" that were kept):")
		p.copied("", "loadgen trace "+inShell(o.Path))
	}
	if o.Grafana != "" {
		p.item("grafana", headColumn, tty.Faint, o.Grafana)
	}
	return p.err
}

// more writes what a full report has besides, and how it is had.
func (p *page) more(what, path string) {
	if path == "" {
		p.item("more", headColumn, tty.Faint, "--full has "+what)
		return
	}
	p.item("more", headColumn, tty.Faint, what+":")
	p.copied("", "loadgen report "+inShell(path)+" --full")
}

// headColumn is where the texts of the head begin.
const headColumn = 10

func (p *page) verdict(r *Report) {
	c := tone(r.Word).color()
	p.item(r.Word+gap, 0, c, r.Run.Scenario.Name+": "+r.Sentence)
	for _, reason := range r.Also {
		p.item(r.Word+gap, 0, c, "also: "+reason)
	}
}

// section writes what a section has: its heading, then table, facts, prose and gates.
func (p *page) section(s Section) {
	p.title(s.Heading)
	if s.Table != nil {
		p.table(s.Table)
	}
	for _, x := range s.Facts {
		p.item(indent+tty.Clean(x.Name)+gap, 0, x.Tone.color(), x.Text)
	}
	if s.Table != nil && len(s.Prose) > 0 {
		p.write("\n")
	}
	for _, n := range s.Prose {
		if n.Warning {
			p.item(indent+"warning"+gap, 0, tty.Yellow, n.Text)
		} else {
			p.item(indent, 0, tty.Plain, n.Text)
		}
	}
	for i, x := range s.Findings {
		p.item(fmt.Sprintf("%s%d%s", indent, i+1, gap), 0, tty.Plain, findingText(x))
	}
	p.gates(s.Gates)
}

func (p *page) gates(all []result.Gate) {
	column := len(indent) + len(gap)
	for _, g := range all {
		column = max(column, len(indent)+len(verdictOf(g))+len(gap))
	}
	for _, g := range all {
		word := verdictOf(g)
		p.item(indent+tty.Clean(word)+gap, column, tone(word).color(), g.Expr)
		for _, s := range []string{g.Compared, g.Reason} {
			if s != "" {
				p.item(strings.Repeat(" ", column), column, tty.Plain, s)
			}
		}
	}
}

// table writes a table: as a list if its last column is a text of any length, else as a grid, and in two or three where the page is too narrow for one.
func (p *page) table(t *Table) {
	if t.Columns[len(t.Columns)-1].Wrap {
		p.list(t)
		return
	}
	g := newGrid(t, figure.InAll)
	if t.Second == "" || g.width() <= p.width {
		g.write(p)
		return
	}
	newGrid(t, figure.InLatency).write(p)
	p.title(t.Second)
	if g := newGrid(t, figure.InCost|figure.InUse); g.width() <= p.width {
		g.write(p)
		return
	}
	newGrid(t, figure.InCost).write(p)
	if !t.in(figure.InUse) {
		return
	}
	p.title(t.Third)
	newGrid(t, figure.InUse).write(p)
}

// longestLead is how wide a cell before the text of a list may be.
const longestLead = 20

// list writes each row as the cells before the text, padded, and the text, wrapped.
func (p *page) list(t *Table) {
	last := len(t.Columns) - 1
	widths := make([]int, last)
	for i := range widths {
		widths[i] = t.Columns[i].Least
		for _, g := range t.Groups {
			for _, row := range g.Rows {
				widths[i] = max(widths[i], min(tty.Width(tty.Clean(row[i].Text)), longestLead))
			}
		}
	}
	for _, g := range t.Groups {
		p.write(p.paint(tty.Bold, tty.Snip(tty.Clean(g.Title), p.width)) + "\n")
		for _, row := range g.Rows {
			var lead strings.Builder
			lead.WriteString(indent)
			for i, c := range row[:last] {
				text := tty.Snip(tty.Clean(c.Text), longestLead)
				lead.WriteString(text + strings.Repeat(" ", max(widths[i]-tty.Width(text), 0)) + gap)
			}
			p.item(lead.String(), 0, row[0].Tone.color(), row[last].Text)
		}
	}
}

// color is how a terminal shows a tone.
func (t Tone) color() tty.Color {
	return [...]tty.Color{Plain: tty.Plain, Good: tty.Green, Bad: tty.Red, Doubtful: tty.Yellow, Faint: tty.Faint}[t]
}
