package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"loadlab/internal/testkit"
)

// descendants returns the process numbers of the running children of a process, their children, and so on. The test is skipped where those
// cannot be known.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	if _, ok := testkit.FindProcess(os.Getpid()); !ok {
		t.Skip("SKIPPED, NOT TESTED: there is no /proc to look for processes in")
	}
	var pids []int
	for _, p := range testkit.Descendants(pid) {
		pids = append(pids, p.PID)
	}
	if len(pids) == 0 {
		t.Errorf("process %d has no children", pid)
	}
	return pids
}

// appPID is the number of the app that runs under the folder for temporary files.
func appPID(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "loadlab-*", "app.pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d apps run, want 1: %v", len(files), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// child is a loadgen in a process of its own.
type child struct {
	*exec.Cmd
	stdout *testkit.Log
	stderr *testkit.Log
}

func newChild(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), binary(t, "loadgen"), args...), stdout: &testkit.Log{}, stderr: &testkit.Log{}}
	c.Stdout, c.Stderr = c.stdout, c.stderr
	return c
}

func (c *child) start(t *testing.T) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
}

// signal sends the child a signal and waits for its end.
func (c *child) signal(t *testing.T, s syscall.Signal) ending {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Error(err)
	}
	return ending{c.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
}
