// Package tty fits text to a terminal: how wide it is, where it is broken or cut, what colour it has, and what of it must not reach a
// terminal as it is.
package tty

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Color is what an SGR escape sequence selects; the zero value selects nothing.
type Color int

// Colours.
const (
	Plain   Color = 0
	Bold    Color = 1
	Faint   Color = 2
	Red     Color = 31
	Green   Color = 32
	Yellow  Color = 33
	Blue    Color = 34
	Magenta Color = 35
	Cyan    Color = 36
)

// Paint gives s the colour, unless there is nothing to be seen of it.
func (c Color) Paint(s string) string {
	if c == Plain || strings.TrimSpace(s) == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

// Wrap breaks s into lines of at most n columns, at blanks, and inside a word only if that alone is longer. There is always one line.
func Wrap(s string, n int) []string { return Hang(s, n, "") }

// Hang is Wrap with an indent before each line but the first.
func Hang(s string, n int, indent string) []string {
	var lines []string
	line, lead := "", "" // the line so far, and the indent that it began with
	end := func() {
		lines = append(lines, line)
		line, lead = indent, indent
	}
	for _, word := range strings.Fields(s) {
		if line != lead && Width(line)+1+Width(word) <= n {
			line += " " + word
			continue
		}
		if line != lead {
			end()
		}
		for {
			head := Cut(word, n-Width(lead))
			if len(head) == len(word) {
				break // it fits, or is one character that is wider than the line
			}
			line, word = line+head, word[len(head):]
			end()
		}
		line += word
	}
	if line != lead || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// Width is how many columns of a terminal s takes.
func Width(s string) int { return uniseg.StringWidth(s) }

// Cut returns the head of s that takes at most n columns, and at least one character, with all its marks.
func Cut(s string, n int) string {
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

// Snip shortens s to n columns and shows that it did, where there is room for that. Only a first character that is wider than n-1 columns
// stays whole.
func Snip(s string, n int) string {
	switch {
	case Width(s) <= n:
		return s
	case n <= 0:
		return ""
	case n == 1:
		return "…"
	}
	return Cut(s, n-1) + "…"
}

// Strip returns s without the sequences that colour it.
func Strip(s string) string {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// Clean replaces what a terminal would act on: names and versions come from files and from servers.
func Clean(s string) string {
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
