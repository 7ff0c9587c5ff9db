package shard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// SecretFile is where a process that Start has started reads the secret of its run.
const SecretFile = "/dev/fd/3"

// Process is the process of a worker on this machine.
type Process struct {
	cmd    *exec.Cmd
	stderr tail
	done   chan struct{}
	err    error // of the process; after done
}

// Start starts a worker. The secret goes through a pipe that no other process has. The end of ctx does not end it: it ends with the run, or by Stop. Its standard input ends
// with this process, however that does.
func Start(ctx context.Context, program string, args, env []string, secret []byte) (*Process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	defer read.Close()
	p := &Process{cmd: exec.CommandContext(context.WithoutCancel(ctx), program, args...), done: make(chan struct{})}
	if _, err := p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a worker: %w", err), write.Close())
	}
	p.cmd.Env, p.cmd.Stderr, p.cmd.ExtraFiles = env, &p.stderr, []*os.File{read}
	p.cmd.WaitDelay = time.Second
	apart(p.cmd)
	if err := p.cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	_, err = write.Write(secret) // the pipe has room for it
	err = errors.Join(err, write.Close())
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err != nil {
		p.Stop(0)
		return nil, fmt.Errorf("pass the secret to a worker: %w", err)
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended returns how the process has ended, with the last that it wrote, if it does so within a time; empty if it runs on.
func (p *Process) Ended(within time.Duration) string {
	if !p.over(within) {
		return ""
	}
	text := "ended: " + p.cmd.ProcessState.String()
	if last := p.stderr.last(); last != "" {
		text += ": " + last
	}
	return text
}

// over reports whether the process has ended, or does within a time.
func (p *Process) over(within time.Duration) bool {
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-p.done:
		return true
	case <-limit.C:
	}
	select { // both may have been
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop ends the process, after a time in which it may end by itself, and waits for its end.
func (p *Process) Stop(after time.Duration) {
	if p.over(after) {
		return
	}
	_ = p.cmd.Process.Kill() // it may just have ended
	<-p.done
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if n := len(t.text) - tailSize; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(b), nil
}

// last is the last line.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.text))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
