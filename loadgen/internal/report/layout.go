package report

import (
	"io"
	"regexp"
	"strings"

	"loadlab/loadgen/internal/tty"
)

// page is what a text report is written on: so many columns wide, with or without colours. The first error sticks.
type page struct {
	w      io.Writer
	width  int
	colors bool
	err    error
}

func newPage(w io.Writer, o Options) *page {
	p := &page{w: w, width: o.Width, colors: o.Color}
	if p.width <= 0 {
		p.width = 80
	}
	return p
}

func (p *page) write(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

func (p *page) paint(c tty.Color, s string) string {
	if !p.colors {
		return s
	}
	return c.Paint(s)
}

// title begins a section.
func (p *page) title(s string) { p.write("\n" + p.paint(tty.Bold, s) + "\n") }

// item writes s wrapped to the page: its first line after lead, which is padded to the width of column, and the others under that
// first line.
func (p *page) item(lead string, column int, c tty.Color, s string) {
	hang := max(tty.Width(lead), column)
	for i, line := range tty.Wrap(tty.Clean(s), max(p.width-hang, 20)) {
		if i > 0 {
			p.write(strings.Repeat(" ", hang) + line + "\n")
			continue
		}
		p.write(p.paint(c, strings.TrimRight(lead, " ")))
		p.write(strings.TrimRight(strings.Repeat(" ", hang-tty.Width(strings.TrimRight(lead, " ")))+line, " ") + "\n")
	}
}

// copied writes a path or a command after its name, on a line of its own that is never broken: it is for copying.
func (p *page) copied(name, s string) {
	p.write(p.paint(tty.Faint, name) + strings.Repeat(" ", headColumn-len(name)) + tty.Clean(s) + "\n")
}

// inShell returns a word as a shell reads it: in quotes, if it has characters that mean something to one.
func inShell(word string) string {
	if regexp.MustCompile(`^[\w%+,./:@-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
