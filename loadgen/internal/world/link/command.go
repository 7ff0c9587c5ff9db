package link

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// UsageError is an error in what was asked for.
type UsageError struct{ error }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.error }

// Main is the program of a link's process: it forwards until ctx ends, and writes its totals then. An error is one line.
func Main(ctx context.Context, args []string, stdout io.Writer) error {
	var c Config
	var listen, to string
	flags := flag.NewFlagSet("link", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.StringVar(&listen, "listen", "", "where clients connect: tcp:HOST:PORT or unix:PATH")
	flags.StringVar(&to, "to", "", "the server: tcp:HOST:PORT or unix:PATH")
	flags.DurationVar(&c.RTT, "rtt", 0, "of a round trip")
	flags.DurationVar(&c.Jitter, "jitter", 0, "the most that is added to the delay of a direction")
	flags.Int64Var(&c.Bandwidth, "bandwidth", 0, "bytes a second, of each direction of a connection; 0 is no limit")
	flags.Uint64Var(&c.Seed, "seed", uint64(time.Now().UnixNano()), "of the jitter") //nolint:gosec // a seed
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return UsageError{err}
	}
	c.Listen, c.Target = parseAddr(listen), parseAddr(to)
	if err := c.Validate(); err != nil {
		return UsageError{err}
	}
	l, err := Listen(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "linking %s to %s, round trip %s\n", l.Addr(), c.Target, c.RTT)
	err = l.Serve(ctx)
	t := l.Stats()
	fmt.Fprintf(stdout, "forwarded %d bytes over %d connections; the server was not reached for %d of them\n", t.Bytes, t.Accepted, t.Failed)
	return err
}

// parseAddr reads what Addr.String writes. Validate refuses what is none.
func parseAddr(s string) Addr {
	network, address, _ := strings.Cut(s, ":")
	return Addr{Network: network, Address: address}
}
