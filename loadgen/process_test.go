package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is what /proc has of a process.
type process struct {
	pid, parent, group int
	name               string
	ended              bool // and has not been waited for
}

// processes are all of the machine; the test is skipped where that cannot be known.
func processes(t *testing.T) (all []process) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("SKIPPED, NOT TESTED: there is no /proc to look for processes in")
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		head, rest, _ := strings.Cut(string(text), " (")
		end := strings.LastIndex(rest, ") ")
		fields := strings.Fields(rest[end+2:])
		p := process{name: rest[:end], ended: fields[0] == "Z" || fields[0] == "X"}
		for i, to := range []*int{&p.pid, &p.parent, &p.group} {
			if *to, err = strconv.Atoi([]string{head, fields[1], fields[2]}[i]); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, p)
	}
	return all
}

// descendants are the living children of a process, their children, and so on.
func descendants(t *testing.T, pid int) (family []process) {
	t.Helper()
	all := processes(t)
	of := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if of[p.parent] && !of[p.pid] && !p.ended {
				of[p.pid], grown = true, true
				family = append(family, p)
			}
		}
	}
	return family
}

// gone waits until none of the processes is left.
func gone(t *testing.T, family []process) {
	t.Helper()
	if len(family) == 0 {
		t.Error("there were no processes to end")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for started := time.Now(); ; <-tick.C {
		var left []process
		for _, now := range processes(t) {
			for _, p := range family {
				if now.pid == p.pid && now.name == p.name && !now.ended {
					left = append(left, now)
				}
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Since(started) > 10*time.Second {
			t.Errorf("processes left: %+v", left)
			return
		}
	}
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
	stdout *log
	stderr *log
}

func newChild(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), binary(t, "loadgen"), args...), stdout: &log{}, stderr: &log{}}
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
