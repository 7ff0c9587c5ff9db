package localserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tailLines is how much of a dead process's log its error shows, tailBytes how much is read for it.
const (
	tailLines = 12
	tailBytes = 16 << 10
)

// Process is a child process that does not outlive this one. It leads a process group of its own, so that a Ctrl-C in the terminal
// reaches this process only, which then stops its children in order.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // how it ended; set before done is closed
}

// Start starts cmd under a name that is unique among the processes that run in the folder. Its output goes to <name>.log there, its
// number to <name>.pid, and it works in the folder unless cmd.Dir names another one inside it.
//
// On Linux the process gets cmd.SysProcAttr.Pdeathsig, SIGKILL by default, when this process ends. The kernel sends that signal when
// the *thread* that started the child ends, and the Go runtime ends threads as it likes. So the child is started and waited for by one
// goroutine that is locked to its thread: the thread lives for exactly as long as the child does.
func (f *Folder) Start(name string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: name, cmd: cmd, log: filepath.Join(f.path, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.Dir == "" {
		cmd.Dir = f.path
	}
	ownGroup(cmd)

	pidFile := filepath.Join(f.path, name+".pid")
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		// Before the wait, after which it is removed. Should it fail, a Sweep may miss the process; nothing else reads it.
		_ = os.WriteFile(pidFile, strconv.AppendInt(nil, int64(p.PID()), 10), 0o600)
		started <- nil
		p.err = cmd.Wait()
		killGroup(cmd.Process.Pid) // what it started and left
		_ = os.Remove(pidFile)
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// PID is its number; it is only sure to be its own until Done is closed.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended, however that came.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the process ended, as an *ExitError with the end of its log. It is nil while the process runs. To a process that was
// not asked to end, status 0 is an error too.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return &ExitError{Name: p.name, Err: p.err, Log: p.Tail(tailLines)}
	default:
		return nil
	}
}

// Wait waits until the process has ended and returns nil for status 0, or the *ExitError, or why ctx ended.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		if p.err == nil {
			return nil
		}
		return p.Err()
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", p.name, context.Cause(ctx))
	}
}

// Await calls ready every few milliseconds until it returns nil. It fails with an *ExitError when the process ends before that, and
// when ctx ends with its cause and the last error of ready. The context that ready gets ends with the process too: ready may be
// waiting for an answer of another process that took the port.
func (p *Process) Await(ctx context.Context, every time.Duration, ready func(context.Context) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-asking.Done():
		}
	}()
	for {
		err := ready(asking)
		select { // first, and again after a success: what answered may be another process
		case <-p.done:
			return p.Err()
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Err()
		case <-ctx.Done():
			return p.notReady(ctx, err)
		case <-ticker.C:
		}
	}
}

func (p *Process) notReady(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if !errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("wait for %s: %w", p.name, cause)
	}
	return fmt.Errorf("%s did not become ready in time: %w (%w)%s", p.name, cause, last, indent(p.Tail(tailLines)))
}

// Tail is the last lines of what the process wrote, at most n of them.
func (p *Process) Tail(n int) string {
	file, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer file.Close() // it was only read
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-tailBytes), tailBytes))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Stop sends the polite signals in turn, each with so much time to end, and then kills the process and its group. It returns when the
// process has ended, with an error if it had to be killed. To a process that has ended it does nothing.
func (p *Process) Stop(grace time.Duration, polite ...os.Signal) error {
	for _, signal := range polite {
		_ = p.cmd.Process.Signal(signal) // fails only when it has ended
		timer := time.NewTimer(grace)
		select {
		case <-p.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	select {
	case <-p.done:
		return nil
	default:
	}
	p.Kill()
	if len(polite) == 0 {
		return nil
	}
	return fmt.Errorf("%s did not stop within %s: killed", p.name, grace*time.Duration(len(polite)))
}

// Kill kills the process and its group and returns when the process has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only when it has ended
	<-p.done
}

// command is an exec.Cmd that the end of ctx does not kill: ctx is for the start-up, and ending a server takes more than that.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(context.WithoutCancel(ctx), program, args...)
}

// ExitError is a process that ended by itself.
type ExitError struct {
	Name string
	Err  error  // of exec.Cmd.Wait: nil for status 0
	Log  string // the last lines of its output
}

// Error returns one line with the name of the process and how it ended, and then the log, indented.
func (e *ExitError) Error() string {
	how := "exit status 0"
	if e.Err != nil {
		how = e.Err.Error()
	}
	return e.Name + " ended by itself: " + how + indent(e.Log)
}

// Unwrap returns the error of exec.Cmd.Wait.
func (e *ExitError) Unwrap() error { return e.Err }

func indent(log string) string {
	if log == "" {
		return ""
	}
	return "\n    " + strings.ReplaceAll(log, "\n", "\n    ")
}
