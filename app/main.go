// Command app is the system under test: a housing portal that serves the same page in many ways and reports what each cost.
//
// Without flags it brings its own SQLite file and Redis and serves on port 8000; -h lists the rest.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"loadlab/app/api"
	"loadlab/app/internal/redisproc"
	"loadlab/internal/quit"
	"loadlab/internal/revision"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), quit.Signals()...)
	if os.Getenv("GOGC") == "" {
		// A hit allocates its 48 KB page and the live heap is small: with the default the collector would run a hundred times a second.
		debug.SetGCPercent(gcPercent)
	}
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-") { // else it is the child of one that has warned
		for _, text := range misspelt(os.Environ()) {
			fmt.Fprintln(os.Stderr, "app: warning:", text)
		}
	}
	err := execute(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

const gcPercent = 400

// execute runs the app until ctx ends.
func execute(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == api.CommandRedis {
		return redisproc.Serve(ctx, cmp.Or(strings.Join(args[1:], " "), "127.0.0.1:0"), stdin, stdout)
	}
	if len(args) > 0 && args[0] == healthCommand {
		return healthcheck(ctx, args[1:], env, stderr)
	}
	if slices.Contains(args, "--version") || slices.Contains(args, "-version") {
		fmt.Fprintf(stdout, "app %s, %s\n", revision.Get(), runtime.Version())
		return nil
	}
	cfg, err := parseFlags(args, env, stderr)
	if err != nil {
		return err
	}
	app, err := start(ctx, cfg, env, stderr)
	if err != nil {
		return err
	}
	return app.serve(ctx)
}
