// Command loadgen drives scripted load against the lab, or against any service, and reports what each way of serving it costs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"loadlab/internal/quit"
	"loadlab/loadgen/internal/cluster"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// Recording allocates nothing in the steady state, but a phase begins with some megabytes of histograms and ends with their
		// encodings: with the default a heap this small would be collected in the middle of the load.
		debug.SetGCPercent(gcPercent)
	}
	outliveLimit()
	cluster.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), quit.Signals()...)
	// The first Ctrl-C ends the run in good order; after it, the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(program(ctx, os.Args[1:], environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, vars: os.Environ()}))
}

const gcPercent = 800

// outliveLimit takes SIGXFSZ from the runtime, which would end the program for a file that may not grow: the write fails all the same, and the
// report is still to be printed.
func outliveLimit() { signal.Notify(make(chan os.Signal, 1), syscall.SIGXFSZ) }

// program runs the command line args, writes what went wrong, and returns the exit code. Of a verdict the report has been written already.
func program(ctx context.Context, args []string, env environment) int {
	env.warnOfSlips(args)
	err := execute(ctx, args, env)
	if err != nil && !errors.As(err, new(verdict)) {
		fmt.Fprintln(env.stderr, "loadgen:", err)
	}
	return exitCode(err)
}
