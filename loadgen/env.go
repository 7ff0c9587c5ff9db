package main

import (
	"io"
	"strings"
)

// environment is what a command may use of the outside.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	vars           []string // NAME=value
}

// get returns the value of a variable, empty if it is not set.
func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

// lookup returns the value of a variable, and whether it is set.
func (e environment) lookup(name string) (string, bool) {
	for _, v := range e.vars {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
