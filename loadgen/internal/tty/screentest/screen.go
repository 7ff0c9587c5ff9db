// Package screentest is a terminal as its user sees it: what was written to it, as far as it was not erased, and in what state it was left.
package screentest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/tty"
)

// Screen is a terminal that never scrolls. It knows the sequences that loadgen writes; any other is a text that a test sees.
type Screen struct {
	mu       sync.Mutex // guards all below
	changed  *sync.Cond
	columns  int
	row      int
	rows     []string
	coloured bool     // something was written in a colour, ever
	painting bool     // what is written now has a colour
	modes    []string // private modes that were set and not reset: "?25l" is a hidden cursor
	closed   bool
}

// New returns a screen that is so many columns wide.
func New(columns int) *Screen {
	s := &Screen{columns: columns}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Size is how many columns and rows it has.
func (s *Screen) Size() (columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.columns, 24
}

var sequence = regexp.MustCompile(`^\x1b\[([?0-9;]*)([A-Za-z])`)

// Write implements io.Writer.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	for text != "" {
		for len(s.rows) <= s.row {
			s.rows = append(s.rows, "")
		}
		if m := sequence.FindStringSubmatch(text); m != nil {
			s.obey(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		char, rest, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
		text = rest
		s.put(char)
	}
	s.changed.Broadcast()
	return len(p), nil
}

// obey does what a sequence asks for.
func (s *Screen) obey(parameter, verb string) {
	switch {
	case verb == "A":
		n, _ := strconv.Atoi(parameter)
		s.row = max(s.row-n, 0)
	case verb == "J":
		s.rows = append(s.rows[:s.row], "")
	case verb == "m":
		s.painting = strings.Trim(parameter, "0") != ""
		s.coloured = s.coloured || s.painting
	case strings.HasPrefix(parameter, "?"):
		other := map[string]string{"l": "h", "h": "l"}[verb]
		if i := slices.Index(s.modes, parameter+other); i >= 0 {
			s.modes = slices.Delete(s.modes, i, i+1)
		} else {
			s.modes = append(s.modes, parameter+verb)
		}
	default:
		s.put("\x1b[" + parameter + verb)
	}
}

func (s *Screen) put(char string) {
	switch char {
	case "\r":
	case "\n", "\r\n":
		s.row++
	default:
		if uniseg.StringWidth(s.rows[s.row]) == s.columns {
			s.row++
			s.rows = append(s.rows, "")
		}
		s.rows[s.row] += char
	}
}

// Resize breaks the rows that are too wide now, as terminals do, and leaves the cursor below them.
func (s *Screen) Resize(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []string
	for _, row := range s.rows[:s.row] {
		for uniseg.StringWidth(row) > columns {
			head := tty.Cut(row, columns)
			rows, row = append(rows, head), row[len(head):]
		}
		rows = append(rows, row)
	}
	s.columns, s.rows, s.row = columns, rows, len(rows)
}

// Text is what is seen.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}

// Coloured reports whether anything was written in a colour, also if it was erased.
func (s *Screen) Coloured() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.coloured
}

// Left is in what state the terminal is that a program should have put back: private modes, as "?25l" of a hidden cursor, and "m" of a colour. It is empty if there is nothing.
func (s *Screen) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.Clone(s.modes)
	if s.painting {
		left = append(left, "m")
	}
	return left
}

// Close ends the waiting for what is not written any more.
func (s *Screen) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
}

// Until waits until what is seen is so. It reports false if the screen was closed before.
func (s *Screen) Until(so func(text string) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !so(strings.Join(s.rows, "\n")) {
		if s.closed {
			return false
		}
		s.changed.Wait()
	}
	return true
}
