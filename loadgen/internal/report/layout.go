package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// color is what an SGR escape sequence selects; the zero value selects nothing.
type color int

const (
	plain  color = 0
	bold   color = 1
	faint  color = 2
	red    color = 31
	green  color = 32
	yellow color = 33
)

// page is what a text report is written on: so many columns wide, with or without colours. The first error sticks.
type page struct {
	w      io.Writer
	width  int
	colors bool
	err    error
}

func (p *page) write(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

func (p *page) paint(c color, s string) string {
	if !p.colors || c == plain || s == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

// title begins a part of the report.
func (p *page) title(s string) { p.write("\n" + p.paint(bold, s) + "\n") }

// item writes s wrapped to the page: its first line after lead, which is padded to the width of column, and the others under that
// first line.
func (p *page) item(lead string, column int, c color, s string) {
	hang := max(width(lead), column)
	for i, line := range wrap(clean(s), max(p.width-hang, 20)) {
		if i > 0 {
			p.write(strings.Repeat(" ", hang) + line + "\n")
			continue
		}
		p.write(p.paint(c, strings.TrimRight(lead, " ")))
		p.write(strings.TrimRight(strings.Repeat(" ", hang-width(strings.TrimRight(lead, " ")))+line, " ") + "\n")
	}
}

// wrap breaks s into lines of at most n columns, at blanks, and inside a word only if that alone is longer. There is always one line.
func wrap(s string, n int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(s) {
		wide := width(word)
		if line != "" && used+1+wide <= n {
			line, used = line+" "+word, used+1+wide
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for wide > n {
			head := cut(word, n)
			if head == word {
				break // one character, wider than the line
			}
			lines, word = append(lines, head), word[len(head):]
			wide = width(word)
		}
		line, used = word, wide
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// width is how many columns of a terminal s takes.
func width(s string) int { return uniseg.StringWidth(s) }

// cut returns the head of s that takes at most n columns, and at least one character, with all its marks.
func cut(s string, n int) string {
	end, used, state := 0, 0, -1
	for rest := s; rest != ""; {
		var char string
		var wide int
		char, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if end > 0 && used+wide > n {
			break
		}
		end, used = end+len(char), used+wide
	}
	return s[:end]
}

// snip shortens s to n columns and shows that it did.
func snip(s string, n int) string {
	if width(s) <= n || n < 2 {
		return s
	}
	return cut(s, n-1) + "…"
}
