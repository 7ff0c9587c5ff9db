package waterfall

import (
	"strings"

	"loadlab/loadgen/internal/tty"
)

// page is what a trace is drawn on.
type page struct {
	b      strings.Builder
	width  int
	colors bool
}

func (p *page) paint(c tty.Color, s string) string {
	if !p.colors {
		return s
	}
	return c.Paint(s)
}

func (p *page) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// wrap writes s, broken at blanks where it is too long.
func (p *page) wrap(c tty.Color, s string) {
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case tty.Width(line)+1+tty.Width(word) <= p.width:
			line += " " + word
		default:
			p.line(p.paint(c, tty.Snip(line, p.width)))
			line = "  " + word
		}
	}
	p.line(p.paint(c, tty.Snip(line, p.width)))
}

// right puts s at the right of n columns.
func right(s string, n int) string { return strings.Repeat(" ", max(n-tty.Width(s), 0)) + s }
