package localserver

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Frozen is a process that is stopped, with its descendants. It goes on with Thaw, or with the end of this process.
type Frozen struct {
	pids  []int
	guard *exec.Cmd
	alive io.WriteCloser // the guard's standard input
}

// freezeLimit is how long processes may take to stop.
const freezeLimit = 10 * time.Second

// Freeze stops the process and all its descendants by SIGSTOP, and returns when all of them have stopped: connections are still accepted, by the
// kernel, and nothing answers.
//
// A stopped process does not heed the signal that ends it with this one, unless that is SIGKILL: see Folder.Start. So a guard lets them go on if
// this process ends, however that comes: a shell that waits for the end of its standard input.
func (p *Process) Freeze(ctx context.Context) (*Frozen, error) {
	f := &Frozen{}
	if err := f.freeze(ctx, p.PID()); err != nil {
		f.Thaw()
		return nil, fmt.Errorf("stop %s: %w", p.name, err)
	}
	return f, nil
}

// freeze stops a process and its descendants.
func (f *Frozen) freeze(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	// The process first: it starts no more of them then. What was being started is in the second list.
	for {
		all, err := descendants(pid)
		if err != nil {
			return err
		}
		// One that has ended, and that its parent cannot reap any more, stops no further.
		all = slices.DeleteFunc(all, func(one procStat) bool { return !one.living })
		if len(all) == len(f.pids) && stopped(all) {
			return nil
		}
		f.pids = f.pids[:0]
		for _, one := range all {
			f.pids = append(f.pids, one.pid)
		}
		if err := f.watch(); err != nil {
			return err
		}
		f.signal(syscall.SIGSTOP)
		tick := time.NewTimer(time.Millisecond)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it goes on: %w", context.Cause(ctx))
		}
	}
}

// stopped reports whether all processes are stopped.
func stopped(all tree) bool {
	for _, one := range all {
		if !one.frozen {
			return false
		}
	}
	return true
}

// watch starts a guard for the processes that are to be stopped, in place of the one before.
func (f *Frozen) watch() error {
	f.dismiss()
	pids := make([]string, len(f.pids))
	for i, pid := range f.pids {
		pids[i] = strconv.Itoa(pid)
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", "read -r _ || kill -CONT "+strings.Join(pids, " "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C in the terminal is for this process only
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a guard: %w", err)
	}
	f.guard, f.alive = cmd, in
	return nil
}

// dismiss ends the guard.
func (f *Frozen) dismiss() {
	if f.guard == nil {
		return
	}
	_, _ = io.WriteString(f.alive, "\n") // fails only when it has ended
	_ = f.alive.Close()
	_ = f.guard.Wait()
	f.guard = nil
}

// signal sends a signal to all. A process that has ended is none of them any more.
func (f *Frozen) signal(s syscall.Signal) {
	for _, pid := range f.pids {
		_ = syscall.Kill(pid, s)
	}
}

// PIDs are the numbers of the processes that are stopped, the first that of the process itself.
func (f *Frozen) PIDs() []int { return f.pids }

// Thaw lets the processes go on.
func (f *Frozen) Thaw() {
	f.signal(syscall.SIGCONT)
	f.dismiss()
}
