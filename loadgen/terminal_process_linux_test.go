package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty/screentest"
)

// TestCtrlC types Ctrl-C on the terminal of a run, in the middle of a phase, after the terminal was made narrower: no bar is left, the terminal is as it was, and the report of the
// part that was measured is there.
func TestCtrlC(t *testing.T) {
	workplace(t)
	write(t, "long.yaml", "why: x\nrounds: 1\nmodes: {page: GET /}\nphases: [{name: short, rate: 50/s, for: 300ms}, {name: long, rate: 50/s, for: 60s}]\n")
	url := service(t)
	for _, tt := range []struct {
		name   string
		vars   []string
		piped  bool // the report goes to no terminal
		bars   bool
		colour bool
	}{
		{name: "in colours", bars: true, colour: true},
		{name: "without colours", vars: []string{"NO_COLOR=1"}, bars: true},
		{name: "on a dumb terminal", vars: []string{"TERM=dumb"}},
		{name: "piped", piped: true, bars: true, colour: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			screen := screentest.New(80)
			tty := newTerminal(t, 80, screen)
			before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			c := newChild(t, "run", "./long.yaml", "--target", url, "--out", "out", "--no-html")
			c.Env = append(os.Environ(), append([]string{"TERM=xterm-256color"}, tt.vars...)...)
			c.Stdin, c.Stderr = tty.File, tty.File
			if !tt.piped {
				c.Stdout = tty.File
			}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			c.start(t)
			narrower(t, tt.bars, tty, screen)
			if _, err := tty.user.Write([]byte{3}); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
				t.Fatal(err)
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("the terminal's settings are %+v (%v), were %+v", after, err, before)
			}
			raw := tty.end()
			screen.Until(func(string) bool { return false }) // all of it is there
			seen, report := screen.Text(), screen.Text()
			if tt.piped {
				report = c.stdout.String()
			}
			if code := c.ProcessState.ExitCode(); code != result.ExitInterrupted || !strings.Contains(report, "INTERRUPTED") || !strings.Contains(report, "Modes by phase") {
				t.Errorf("exit code %d and\n%s\nwant %d and the report of what was measured", code, report, result.ExitInterrupted)
			}
			if strings.ContainsAny(seen, "━┄▁\x1b") || strings.Contains(seen, " left") || len(screen.Left()) > 0 {
				t.Errorf("on the screen is %q, with %q not put back", seen, screen.Left())
			}
			if !strings.Contains(seen, "short") {
				t.Errorf("the line of the phase that had ended is gone:\n%s", seen)
			}
			if screen.Coloured() != tt.colour || strings.Contains(c.stdout.String(), "\x1b") || !tt.bars && strings.Contains(raw, "\x1b") {
				t.Errorf("colours: %t, want %t, and sequences nowhere but on a terminal that takes them", screen.Coloured(), tt.colour)
			}
		})
	}
}

// narrower makes the terminal of a run narrower while it is drawn on: what is drawn fits.
func narrower(t *testing.T, bars bool, tty *terminal, screen *screentest.Screen) {
	t.Helper()
	if !bars {
		if !screen.Until(func(text string) bool { return strings.Contains(text, "short") }) { // a line of the phase that has ended
			t.Fatalf("the run ended by itself:\n%s", screen.Text())
		}
		return
	}
	for _, x := range []struct {
		columns int
		names   string // what there is room for
	}{{80, "long"}, {40, ""}} {
		screen.Resize(x.columns) // first: what is drawn for the width before is broken, and drawn over
		tty.resize(t, uint16(x.columns))
		drawn := func(text string) bool {
			rows := strings.Split(text, "\n")
			i := slices.IndexFunc(rows, func(row string) bool {
				return strings.HasPrefix(row, "run  ") && strings.HasSuffix(row, "left") && uniseg.StringWidth(row) < x.columns
			})
			return i > 0 && strings.Contains(text, x.names)
		}
		if !screen.Until(drawn) {
			t.Fatalf("the run ended by itself:\n%s", screen.Text())
		}
	}
	for row := range strings.SplitSeq(screen.Text(), "\n") {
		if uniseg.StringWidth(row) > 40 {
			t.Errorf("in 40 columns: %q", row)
		}
	}
}
