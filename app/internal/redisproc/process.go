package redisproc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// closeGrace is how long a child may take to end by itself before it is killed.
const closeGrace = 2 * time.Second

// Process is a running child. It has to be closed.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	addr  string
}

// Start starts executable with args, a program that calls Serve, and returns once it listens. The child's standard error is this
// process'. Errors are those of starting it, a first line that is no address, and the end of ctx before there was one; ctx has no
// bearing on the child after that.
func Start(ctx context.Context, executable string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), executable, args...)
	ownGroup(cmd)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = closeGrace
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	p := &Process{cmd: cmd, stdin: stdin}
	if p.addr, err = readAddr(ctx, stdout); err != nil {
		_ = cmd.Process.Kill()
		_ = p.Close()
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	return p, nil
}

// Addr is where the child listens, as host:port.
func (p *Process) Addr() string { return p.addr }

// Close ends the child and waits for it. The error is the child's, if it did not end well.
func (p *Process) Close() error {
	_ = p.stdin.Close() // closed already, if Close is called again
	kill := time.AfterFunc(closeGrace, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("end the embedded Redis: %w", err)
	}
	return nil
}

// readAddr reads the line with the child's address. The goroutine that reads ends at the latest when the child does, for that closes the
// pipe.
func readAddr(ctx context.Context, stdout io.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(stdout).ReadString('\n')
		got <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-got:
		if a.err != nil {
			return "", fmt.Errorf("it told no address: %w", a.err)
		}
		if _, _, err := net.SplitHostPort(a.line); err != nil {
			return "", fmt.Errorf("it told no address but %q", a.line)
		}
		return a.line, nil
	}
}
