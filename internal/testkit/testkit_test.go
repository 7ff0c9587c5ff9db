package testkit_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"

	"loadlab/internal/testkit"
)

func TestLog(t *testing.T) {
	var l testkit.Log
	first := l.Written("two lines")
	if second := l.Written("two lines"); first != second {
		t.Error("two channels for the same text")
	}
	for _, text := range []string{"one line\ntwo ", "lines\n"} {
		select {
		case <-first:
			t.Errorf("closed before %q was written", text)
		default:
		}
		_, _ = io.WriteString(&l, text)
	}
	<-first
	<-l.Written("one line")
	if got, want := l.String(), "one line\ntwo lines\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProcesses(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "sleep 1000 & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if _, ok := testkit.FindProcess(pid); !ok {
		t.Skip("SKIPPED, NOT TESTED: there is no /proc")
	}
	family := testkit.Descendants(pid)
	if len(family) != 1 || family[0].Parent != pid || !testkit.Running(family[0].PID) {
		t.Fatalf("got %+v, want the one child of %d", family, pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	testkit.Gone(t, pid) // although it has not been waited for
	if p, ok := testkit.FindProcess(pid); !ok || p.State != 'Z' {
		t.Errorf("got %+v, %v, want a process in state Z", p, ok)
	}
	_ = cmd.Wait() // it was killed
	if testkit.Running(pid) {
		t.Error("it runs after Wait")
	}
	child, err := os.FindProcess(family[0].PID)
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Kill()
	testkit.Gone(t, family[0].PID)
}
