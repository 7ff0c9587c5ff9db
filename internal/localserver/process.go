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
	"sync"
	"time"
)

// tailLines is how much of a dead process's log its error shows, tailBytes how much is read for it.
const (
	tailLines = 12
	tailBytes = 16 << 10
)

// Process is a child process that does not outlive this one. It leads a process group of its own, so that a Ctrl-C in the terminal
// reaches this process only, which then stops its children in order. A server's Restart makes its Process stand for the next process.
// The methods are safe for concurrent use.
type Process struct {
	name, log string

	mu  sync.Mutex // guards run
	run *run
}

// run is one process from its start to its end. A Process has another one after a restart.
type run struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; set before done is closed
}

func (p *Process) now() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Start starts cmd under a name that is unique among the processes that run in the folder. Its output goes to <name>.log there, its
// number to <name>.pid, and it works in the folder unless cmd.Dir names another one inside it.
//
// On Linux the process gets cmd.SysProcAttr.Pdeathsig, SIGKILL by default, when this process ends. The kernel sends that signal when
// the *thread* that started the child ends, and the Go runtime ends threads as it likes. So the child is started and waited for by one
// goroutine that is locked to its thread: the thread lives for exactly as long as the child does.
func (f *Folder) Start(name string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: name, log: filepath.Join(f.path, name+".log")}
	if err := f.start(p, cmd, os.O_TRUNC); err != nil {
		return nil, err
	}
	return p, nil
}

// start starts cmd as the process p; mode is how its log is opened, beside what it always takes.
func (f *Folder) start(p *Process, cmd *exec.Cmd, mode int) error {
	r := &run{cmd: cmd, done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND|mode, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer out.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.Dir == "" {
		cmd.Dir = f.path
	}
	ownGroup(cmd)

	pidFile := filepath.Join(f.path, p.name+".pid")
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		// Before the wait, after which it is removed. Should it fail, a Sweep may miss the process; nothing else reads it.
		_ = os.WriteFile(pidFile, strconv.AppendInt(nil, int64(cmd.Process.Pid), 10), 0o600)
		started <- nil
		r.err = cmd.Wait()
		killGroup(cmd.Process.Pid) // what it started and left
		_ = os.Remove(pidFile)
		close(r.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
	return nil
}

// PID is its number; it is only sure to be its own until Done is closed.
func (p *Process) PID() int { return p.now().cmd.Process.Pid }

// Done is closed when the process has ended, however that came.
func (p *Process) Done() <-chan struct{} { return p.now().done }

// Err returns how the process ended, as an *ExitError with the end of its log. It is nil while the process runs. To a process that was
// not asked to end, status 0 is an error too.
func (p *Process) Err() error {
	r := p.now()
	select {
	case <-r.done:
		return p.exitError(r)
	default:
		return nil
	}
}

func (p *Process) exitError(r *run) error {
	return &ExitError{Name: p.name, Err: r.err, Log: p.Tail(tailLines)}
}

// Wait waits until the process has ended and returns nil for status 0, or the *ExitError, or why ctx ended.
func (p *Process) Wait(ctx context.Context) error {
	r := p.now()
	select {
	case <-r.done:
		if r.err == nil {
			return nil
		}
		return p.exitError(r)
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", p.name, context.Cause(ctx))
	}
}

// Await calls ready every few milliseconds until it returns nil. It fails with an *ExitError when the process ends before that, and
// when ctx ends with its cause and the last error of ready. The context that ready gets ends with the process too: ready may be
// waiting for an answer of another process that took the port.
func (p *Process) Await(ctx context.Context, every time.Duration, ready func(context.Context) error) error {
	r := p.now()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.done:
			cancel()
		case <-asking.Done():
		}
	}()
	for {
		err := ready(asking)
		select { // first, and again after a success: what answered may be another process
		case <-r.done:
			return p.exitError(r)
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-r.done:
			return p.exitError(r)
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
	r := p.now()
	for _, signal := range polite {
		_ = r.cmd.Process.Signal(signal) // fails only when it has ended
		timer := time.NewTimer(grace)
		select {
		case <-r.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	select {
	case <-r.done:
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
	r := p.now()
	_ = r.cmd.Process.Kill() // fails only when it has ended
	<-r.done
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
