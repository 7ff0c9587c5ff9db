package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Process is a process as /proc describes it; see proc_pid_stat(5).
type Process struct {
	PID, Parent int
	Name        string
	State       byte // R runs, S sleeps, T is stopped by a signal, Z has ended and its parent has not waited for it, X is dead
}

// FindProcess returns the process with that number. It is not ok if there is none, or no /proc.
func FindProcess(pid int) (p Process, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return p, false
	}
	// 1234 (name) S 1 ...: the name may contain blanks and parentheses.
	head, rest, _ := strings.Cut(string(text), " (")
	end := strings.LastIndex(rest, ") ")
	if end < 0 {
		return p, false
	}
	p.Name = rest[:end]
	_, err = fmt.Sscanf(head+rest[end+1:], "%d %c %d", &p.PID, &p.State, &p.Parent)
	return p, err == nil
}

// running reports whether the process has not ended.
func (p Process) running() bool { return p.State != 'Z' && p.State != 'X' }

// Running reports whether there is such a process and it has not ended. A process whose parent has not waited for it yet has ended, where
// there is a /proc to find that out.
func Running(pid int) bool {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		p, err := os.FindProcess(pid)
		return err == nil && p.Signal(syscall.Signal(0)) == nil
	}
	p, ok := FindProcess(pid)
	return ok && p.running()
}

// Gone waits until none of the processes runs.
func Gone(t testing.TB, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		Eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return !Running(pid) })
	}
}

// Kill kills a server, and returns when the processes that it had started have ended too: a backend of PostgreSQL answers for a moment after its parent has
// ended, and for longer on a busy machine.
func Kill(t testing.TB, server interface {
	PID() int
	Kill()
}) {
	t.Helper()
	family := Descendants(server.PID())
	server.Kill()
	for _, p := range family {
		Gone(t, p.PID)
	}
}

// Descendants returns the running children of a process, their children, and so on; none where there is no /proc.
func Descendants(pid int) []Process {
	children := map[int][]Process{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if p, ok := FindProcess(pid); ok && p.running() { // if not ok, it has ended meanwhile
			children[p.Parent] = append(children[p.Parent], p)
		}
	}
	family := children[pid]
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i].PID]...)
	}
	return family
}
