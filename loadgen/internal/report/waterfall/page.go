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

// wrap writes s on as many lines as it needs.
func (p *page) wrap(c tty.Color, s string) {
	for _, line := range tty.Hang(s, p.width, "  ") {
		p.line(p.paint(c, line))
	}
}

// right puts s at the right of n columns.
func right(s string, n int) string { return strings.Repeat(" ", max(n-tty.Width(s), 0)) + s }
