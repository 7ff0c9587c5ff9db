package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"

	"loadlab/loadgen/internal/tty/screentest"
)

// terminal is a pseudo-terminal that keeps what is written to it.
type terminal struct {
	*os.File // the program's side
	user     *os.File
	read     chan string
}

// newTerminal makes a terminal that is so many columns wide. What is written to it is shown on screen too, if there is one.
func newTerminal(t *testing.T, columns uint16, screen *screentest.Screen) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: no pseudo-terminals: %v", err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{user: master, read: make(chan string, 1)}
	tty.resize(t, columns)
	if tty.File, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	go func() {
		var text strings.Builder
		var to io.Writer = &text
		if screen != nil {
			defer screen.Close()
			to = io.MultiWriter(to, screen)
		}
		_, _ = io.Copy(to, master) // ends with an error when the other side is closed
		master.Close()
		tty.read <- text.String()
	}()
	return tty
}

func (tty *terminal) resize(t *testing.T, columns uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(tty.user.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}); err != nil {
		t.Fatal(err)
	}
}

// end closes the terminal and returns what was written to it.
func (tty *terminal) end() string {
	tty.Close()
	return strings.ReplaceAll(<-tty.read, "\r\n", "\n")
}

var escape = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// On a terminal there is a bar with figures while a phase runs, in colours if they are not unwanted, and nothing is wider than it.
func TestOnATerminal(t *testing.T) {
	workplace(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		columns  uint16
		vars     []string
		bar      string
		colours  bool
		progress string
	}{
		{80, nil, "% ", true, "1/1 hit          hit "},
		{140, []string{"NO_COLOR=1"}, "━━━", false, "round 1/1  hit            hit "},
		{100, []string{"NO_COLOR=", "TERM=dumb"}, "", false, "round 1/1  hit            hit "},
	} {
		stdout, stderr := newTerminal(t, tt.columns, nil), newTerminal(t, tt.columns, nil)
		code := program(t.Context(), []string{"hit", server.URL, "--rate", "50/s", "--for", "900ms"}, environment{stdout: stdout.File, stderr: stderr.File, vars: tt.vars})
		out, err := stdout.end(), stderr.end()
		if code != 0 && !limited(ending{code: code, stdout: out}) {
			t.Errorf("%d columns: exit code %d\n%s\n%s", tt.columns, code, out, err)
		}
		if got := strings.Contains(out, "\x1b["); got != tt.colours {
			t.Errorf("%d columns, %q: colours: %t, want %t", tt.columns, tt.vars, got, tt.colours)
		}
		plain := strings.ReplaceAll(escape.ReplaceAllString(err, ""), "\r", "")
		lines := strings.Split(strings.TrimSpace(plain), "\n")
		if drawn := len(lines) > 2; drawn != (tt.bar != "") || !strings.Contains(plain, tt.bar) {
			t.Errorf("%d columns, %q: no bar %q in %q", tt.columns, tt.vars, tt.bar, lines)
		}
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, tt.progress) {
			t.Errorf("%d columns: left behind %q, want %q", tt.columns, last, tt.progress)
		}
		if tt.bar == "" {
			continue // a log
		}
		for _, line := range append(lines, strings.Split(escape.ReplaceAllString(out, ""), "\n")...) {
			if w := uniseg.StringWidth(line); w > int(tt.columns) {
				t.Errorf("%d columns: %d in %q", tt.columns, w, line)
			}
		}
	}
}

func TestWithoutATerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, w := range []io.Writer{io.Discard, null} {
		if got := width(w); got != pageWidth || isTerminal(w) || colored(environment{stdout: w}) {
			t.Errorf("%T: width %d, terminal %t", w, got, isTerminal(w))
		}
	}
}
