package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/stack"
)

func hitCommand(env environment) *cobra.Command {
	var f hitFlags
	cmd := &cobra.Command{
		Use: "hit URL", Short: "Drive one request at any URL, without a scenario", Args: arguments(cobra.ExactArgs(1)),
		Example: `  loadgen hit http://localhost:8000/api/properties/cached/ --rate 200/s --for 10s
  loadgen hit http://localhost:8000/api/properties/live/naive/ -c 50 --for 8s`,
	}
	flags := cmd.Flags()
	f.define(flags)
	seed := flags.Uint64("seed", 1, "seed of the arrivals")
	limited := flags.Bool("allow-limited", false, "exit 0 also when the generator was the bottleneck")
	full := fullFlag(flags)
	html := flags.String("html", "", "write the report as a page to this file too")
	var connect connectFlags
	connect.define(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, target, err := f.scenario(args[0])
		if err != nil {
			return usageError{err}
		}
		options, err := connect.options(target)
		if err != nil {
			return err
		}
		return hit(cmd.Context(), env, run.Config{
			Scenario: s, Seed: *seed, Client: options, AllowLimited: *limited, Progress: newProgress(env),
			Stack: stack.Config{Kind: stack.Remote, Targets: []string{target}},
		}, *full, *html)
	}
	return cmd
}

// hit runs the one phase, prints the report, and ends it with a line that other programs can read.
func hit(ctx context.Context, env environment, cfg run.Config, full bool, html string) error {
	r, err := run.Run(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	if err := printReport(env, r, report.Options{Full: full}); err != nil {
		return err
	}
	if html != "" {
		writePage(env, html, func(w io.Writer) error { return runPage(w, r, "") })
	}
	if len(r.Cells) > 0 {
		fmt.Fprintf(env.stdout, "\n%s\n", summary(r))
	}
	return verdictOf(r)
}

// summary is one line that other programs can read: "300 requests p50=1.2ms p90=1.5ms p95=2ms p99=3ms", 0s for what was not measured.
// A line before it names the quantiles that are of too few requests.
func summary(r *result.Run) string {
	parts, doubtful := []string{fmt.Sprintf("%d requests", r.Cells[0].Ledger.Scheduled)}, []string(nil)
	figures, err := figure.New(r)
	if err != nil {
		return parts[0]
	}
	for _, name := range []string{"p50", "p90", "p95", "p99"} {
		text := brief(0)
		value, _, err := figures.Value(name, "", "")
		switch {
		case errors.Is(err, figure.ErrTooFewSamples), errors.Is(err, figure.ErrAtBound):
			doubtful = append(doubtful, name)
			fallthrough
		case err == nil:
			text = brief(figure.Duration(value))
		}
		parts = append(parts, name+"="+text)
	}
	line := strings.Join(parts, " ")
	if len(doubtful) > 0 {
		line = "At least (too few requests, or beyond what is recorded): " + strings.Join(doubtful, ", ") + "\n\n" + line
	}
	return line
}

// brief renders a duration without a space, as time.ParseDuration reads it.
func brief(d time.Duration) string { return d.Round(time.Microsecond).String() }
