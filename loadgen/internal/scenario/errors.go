package scenario

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a scenario.
type Error struct {
	File      string
	Line, Col int // from 1; Line is 0 of a scenario that is in no file
	Msg       string
}

func (e Error) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// Errors are all that is wrong with a scenario, one a line, in the order of the file.
type Errors []Error

func (es Errors) Error() string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// place returns a part of a message that has a line of the file in it; empty if there is no file.
func place(format string, line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(format, line)
}
