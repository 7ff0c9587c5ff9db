package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/run"
)

// pageWidth is the width of output that goes to no terminal.
const pageWidth = 120

// width is how wide w is.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return pageWidth
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored reports whether the output takes colours: it is a terminal, and the environment does not ask for none (https://no-color.org).
func colored(env environment) bool {
	unwanted := slices.ContainsFunc(env.vars, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
	return isTerminal(env.stdout) && !unwanted
}

// newProgress shows bars where they can be drawn, and lines elsewhere.
func newProgress(env environment) run.Progress {
	if isTerminal(env.stderr) && !slices.Contains(env.vars, "TERM=dumb") {
		return progress.Bars{W: env.stderr, Width: width(env.stderr)}
	}
	return progress.Lines{W: env.stderr}
}
