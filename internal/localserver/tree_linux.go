package localserver

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// TreeCPU returns the CPU time that the process and all its descendants have used, those that have ended included: what a PostgreSQL uses,
// whose every connection is a process. It counts each descendant once, whenever they come and go.
//
// Who lives is read from the kernel's CPU clocks, to the nanosecond. Who has ended is in the account that its parent keeps of the children it
// has waited for. The kernel shows that in whole clock ticks of 10 ms, user and system time apart, so that two sums are up to 20 ms nearer or
// farther from each other than the truth: in all, not for each descendant that has ended. A descendant that outlives its parent is in no
// account, and no longer in the sum.
//
// It fails once the process has ended, and if descendants end faster than they can be looked at.
func (p *Process) TreeCPU() (time.Duration, error) {
	const attempts = 100
	for range attempts {
		own, err := p.CPU()
		if err != nil {
			return 0, err
		}
		tree, err := descendants(p.PID())
		if err != nil {
			return 0, fmt.Errorf("read the descendants of process %d: %w", p.PID(), err)
		}
		if sum, ok := tree.sum(own); ok {
			return sum, nil
		}
	}
	return 0, fmt.Errorf("the descendants of process %d end faster than their CPU clocks can be read", p.PID())
}

// tree is a process and its descendants as they were a moment ago. The first is the process itself.
type tree []procStat

// sum returns the CPU time of the tree, whose first process has used own.
//
// A child's time moves to its parent's account when the parent waits for it, and the child is gone a moment after that. The sum takes each time
// from one of the two: it reads the accounts first and the clocks second, and is void unless every descendant lives once that is done. Then none
// had been waited for when the accounts were read. A descendant that began after the list was made is in the next sum.
func (t tree) sum(own time.Duration) (time.Duration, bool) {
	sum := own
	for _, p := range t {
		s, err := readStat(p.pid)
		if err != nil || !s.is(p) {
			return 0, false
		}
		sum += s.ended
	}
	for _, p := range t[1:] {
		used, err := cpuClock(p.pid)
		if err != nil {
			return 0, false
		}
		sum += used
	}
	for _, p := range t[1:] {
		if s, err := readStat(p.pid); err != nil || !s.is(p) {
			return 0, false
		}
	}
	return sum, true
}

// descendants returns the tree of a process.
func descendants(root int) (tree, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]procStat{}
	var t tree
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errGone):
			continue // it ended meanwhile
		case err != nil:
			return nil, err
		case pid == root:
			t = append(t, s)
		}
		children[s.parent] = append(children[s.parent], s)
	}
	if len(t) == 0 {
		return nil, fs.ErrNotExist
	}
	for i := 0; i < len(t); i++ {
		t = append(t, children[t[i].pid]...)
	}
	return t, nil
}

// procStat is what /proc/PID/stat has of a process.
type procStat struct {
	pid, parent int
	begun       uint64        // when, in ticks since boot: a number may be used again
	ended       time.Duration // CPU time of the children that it has waited for
	living      bool          // it has not ended: it is no zombie
}

// is reports whether s is the process that o was, and whether that lives.
func (s procStat) is(o procStat) bool { return s.living && s.begun == o.begun && s.parent == o.parent }

// errGone is that a process ended while its stat was read.
var errGone = errors.New("the process is gone")

func readStat(pid int) (procStat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return procStat{}, err
		}
		return procStat{}, errGone // ESRCH
	}
	return parseStat(pid, text)
}

// parseStat reads a line of proc_pid_stat(5). The name of the program is in parentheses, and may hold any others.
func parseStat(pid int, line []byte) (procStat, error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go has
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	number := func(field int) uint64 { // as the manual counts: state is 3
		n, err := strconv.ParseUint(string(fields[field-3]), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	if len(fields) < 20 {
		return procStat{}, fmt.Errorf("/proc/%d/stat is %q", pid, line)
	}
	state := fields[0][0]
	return procStat{
		pid: pid, parent: int(number(4)), begun: number(22), ended: time.Duration(number(16)+number(17)) * tick, //nolint:gosec // ticks
		living: state != 'Z' && state != 'X' && state != 'x',
	}, nil
}
