// Command loadgen drives scripted load against the lab, or against any service, and says what each way of serving it costs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// Recording allocates nothing in the steady state, but a phase begins with some megabytes of histograms and ends with their
		// encodings: with the default a heap this small would be collected in the middle of the load.
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C ends the run in good order; after it, the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(program(ctx, os.Args[1:], environment{stdout: os.Stdout, stderr: os.Stderr, vars: os.Environ()}))
}

const gcPercent = 800

// program runs the command line args, tells what went wrong, and returns the exit code. A verdict has been told by its report.
func program(ctx context.Context, args []string, env environment) int {
	err := execute(ctx, args, env)
	if err != nil && !errors.As(err, new(verdict)) {
		fmt.Fprintln(env.stderr, "loadgen:", err)
	}
	return exitCode(err)
}

// environment is what a command may use of the outside.
type environment struct {
	stdout, stderr io.Writer
	vars           []string // NAME=value
}

// get is the value of a variable, empty if it is not set.
func (e environment) get(name string) string {
	for _, v := range e.vars {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
