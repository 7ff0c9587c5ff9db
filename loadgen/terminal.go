package main

import (
	"cmp"
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

// pageHeight is how many rows a terminal has that does not say.
const pageHeight = 24

// size is how many columns and rows w has now.
func size(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns, cmp.Or(rows, pageHeight)
		}
	}
	return pageWidth, pageHeight
}

// width is how wide w is.
func width(w io.Writer) int {
	columns, _ := size(w)
	return columns
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored reports whether the output takes colours.
func colored(env environment) bool { return takesColors(env, env.stdout) }

// takesColors reports whether w takes colours: it is a terminal, and the environment does not ask for none (https://no-color.org).
func takesColors(env environment, w io.Writer) bool {
	unwanted := slices.ContainsFunc(env.vars, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
	return isTerminal(w) && !unwanted
}

// newProgress shows bars where they can be drawn, and lines elsewhere.
func newProgress(env environment) run.Progress {
	if isTerminal(env.stderr) && !slices.Contains(env.vars, "TERM=dumb") {
		return &progress.Bars{W: env.stderr, Colors: takesColors(env, env.stderr), Size: func() (int, int) { return size(env.stderr) }}
	}
	return progress.Lines{W: env.stderr}
}
