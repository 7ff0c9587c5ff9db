// Package redisproc is the embedded Redis as a process of its own: miniredis must not share a scheduler and a garbage collector with the
// app that is measured. Serve is what the child does, Start is what its parent calls.
//
// The parent holds the write end of a pipe that is the child's standard input and never writes to it. The child ends when it reads the
// end of it, which also comes when the parent is killed by SIGKILL, on every system.
package redisproc

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how far apart the steps of miniredis' clock are: what its TTLs are accurate to.
const tick = 10 * time.Millisecond

// Serve runs miniredis on addr (host:port; port 0 is a free one), writes the address it listens on to stdout as one line, and returns nil
// once stdin ends or ctx does. Errors are those of listening and of stdout.
func Serve(ctx context.Context, addr string, stdin io.Reader, stdout io.Writer) error {
	e, err := listen(addr)
	if err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	defer e.close()
	if _, err := fmt.Fprintln(stdout, e.addr()); err != nil {
		return fmt.Errorf("tell the address of the embedded Redis: %w", err)
	}
	eof := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(eof)
	}()
	run(ctx, e.Miniredis, eof)
	return nil
}

// run moves the clock of m, whose TTLs do not run by themselves, until eof or the end of ctx. It goes by what has passed, not by the
// number of ticks: a busy machine drops some.
func run(ctx context.Context, m *miniredis.Miniredis, eof <-chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-eof:
			return
		case <-t.C:
			now := time.Now()
			m.FastForward(now.Sub(last))
			last = now
		}
	}
}
