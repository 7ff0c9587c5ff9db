package testkit

import (
	"context"
	"fmt"
	"io"
	"net"
)

// ServeNoRedis is what a test binary that stands for the app does as its embedded Redis: it writes an address on which it listens, and returns
// when stdin ends or ctx does. It never answers.
func ServeNoRedis(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // nothing is under way on it
	if _, err := fmt.Fprintln(stdout, listener.Addr()); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // its end is all that matters
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return nil
}
