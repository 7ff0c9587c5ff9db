// Command bench measures the load generator, beside the other generators on the PATH. See package comparison.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"loadlab/loadgen/bench/internal/comparison"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	program, err := os.Executable()
	if err == nil {
		err = comparison.Main(ctx, program, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
