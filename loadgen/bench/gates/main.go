// Command gates counts how often loadgen ab is right: how many builds that change nothing it fails, how many that are slower it finds, how fast, and
// whether it names what is behind them. It runs from the root of a clean tree with loadgen and app in bin, and prints each test as it ends and the counts
// at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errMissed):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "gates:", err)
		os.Exit(2)
	}
}
