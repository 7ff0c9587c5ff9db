package waterfall

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// color is what an SGR escape sequence selects; the zero value selects nothing.
type color int

const (
	plain   color = 0
	bold    color = 1
	faint   color = 2
	red     color = 31
	green   color = 32
	yellow  color = 33
	blue    color = 34
	magenta color = 35
	cyan    color = 36
)

// page is what a trace is drawn on.
type page struct {
	b      strings.Builder
	width  int
	colors bool
}

func (p *page) paint(c color, s string) string {
	if !p.colors || c == plain || strings.TrimSpace(s) == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

func (p *page) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// wrap writes s, broken at blanks where it is too long.
func (p *page) wrap(c color, s string) {
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= p.width:
			line += " " + word
		default:
			p.line(p.paint(c, snip(line, p.width)))
			line = "  " + word
		}
	}
	p.line(p.paint(c, snip(line, p.width)))
}

// width is how many columns of a terminal s takes.
func width(s string) int { return uniseg.StringWidth(s) }

// right puts s at the right of n columns.
func right(s string, n int) string { return strings.Repeat(" ", max(n-width(s), 0)) + s }

// snip shortens s to n columns and shows that it did.
func snip(s string, n int) string {
	if width(s) <= n {
		return s
	}
	end, used, state := 0, 0, -1
	for rest := s; rest != ""; {
		var char string
		var wide int
		char, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+wide > n-1 {
			break
		}
		end, used = end+len(char), used+wide
	}
	return s[:end] + "…"
}

// clean replaces what a terminal would act on: names come from services.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
