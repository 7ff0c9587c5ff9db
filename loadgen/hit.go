package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/stack"
)

func hitCommand(env environment) *cobra.Command {
	var f hitFlags
	cmd := &cobra.Command{
		Use: "hit URL", Short: "Drive one request at any URL, without a scenario", Args: cobra.ArbitraryArgs,
		Example: `  loadgen hit http://localhost:8000/api/properties/cached/ --rate 200/s --for 10s
  loadgen hit http://localhost:8000/api/properties/live/naive/ -c 50 --for 8s
  loadgen hit http://localhost:8000/api/properties/cached/ -n 1000 --json | jq .figures.p99_ms`,
	}
	flags := cmd.Flags()
	f.define(flags)
	seed := flags.Uint64("seed", 1, "seed of the arrivals")
	limited := flags.Bool("allow-limited", false, "exit 0 also when the generator was the bottleneck")
	var o hitOutput
	flags.StringVar(&o.out, "out", "", "`folder` for the results: run.json, as loadgen run leaves it (default: none is written)")
	full := fullFlag(flags)
	flags.BoolVar(&o.json, "json", false, "print one JSON object, and no report: see README")
	var save string
	flags.StringVar(&save, "save", "", "write the scenario that this would run to a `file`, for loadgen run, and make no request")
	flags.StringVar(&o.html, "html", "", "write the report as a page to this `file` too")
	liveFlag(flags, &o.live)
	var connect connectFlags
	connect.define(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.stdin, o.full = env.stdin, *full
		address, err := f.urlOf(args)
		if err != nil {
			return usageError{err}
		}
		s, d, err := f.scenario(address)
		if err != nil {
			return usageError{err}
		}
		target := connect.over(nil, d.target)
		options, err := connect.options(target)
		if err != nil {
			return err
		}
		for _, note := range d.notes {
			fmt.Fprintln(env.stderr, "loadgen:", note)
		}
		if save != "" {
			return saveHit(env, save, d, target, *seed)
		}
		return hit(cmd.Context(), env, run.Config{
			Scenario: s, Seed: *seed, Client: options, AllowLimited: *limited, Progress: newProgress(env),
			Stack: stack.Config{Kind: stack.Remote, Targets: []string{d.target}, Log: env.stderr},
		}, o)
	}
	return cmd
}

// hitOutput is what hit leaves.
type hitOutput struct {
	out  string // folder for run.json; empty for none
	html string // file for the report as a page; empty for none
	live string // address of a page that shows the run while it goes on; empty for none
	json bool
	full bool // all sections of the report
}

// hit runs the one phase, and prints the report, whose last line other programs can read, or one JSON object. Nothing judges the figures
// of a hit, but one of which no request succeeded has failed.
func hit(ctx context.Context, env environment, cfg run.Config, o hitOutput) error {
	if o.out != "" {
		if err := writable(o.out, cfg.Stack.Kind); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := tryFile(o.html); err != nil {
			return usageError{fmt.Errorf("--html: %w", err)}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchers, err := serveLive(ctx, env, &cfg, o.live, cancel)
	if err != nil {
		return err
	}
	defer watchers.close(ctx)
	r, err := run.Run(ctx, cfg)
	if err != nil {
		return err
	}
	end := verdictOf(r)
	path := ""
	if o.out != "" {
		var lost error
		if path, lost = keep(r, o.out); lost != nil {
			end = cmp.Or(end, error(verdict(result.ExitInvalid)))
			fmt.Fprintln(env.stderr, "loadgen:", lostError(lost))
		}
	}
	rendered, err := report.New(r)
	if err != nil {
		return unprinted(err, path)
	}
	draw := sync.OnceValues(func() (page.Drawn, error) { return page.Draw(rendered) })
	watchers.finish(draw)
	if o.html != "" {
		if lost := drawTo(o.html, draw); lost != nil {
			end = cmp.Or(end, error(verdict(result.ExitInvalid)))
			fmt.Fprintln(env.stderr, "loadgen: the page is lost, the report is on standard output:", lost)
			o.html = ""
		}
	}
	if o.json {
		return cmp.Or(writeHitJSON(env.stdout, rendered, path, exitCode(end)), end)
	}
	fmt.Fprintln(env.stdout)
	if err := printReport(env, rendered, report.Options{Path: path, Full: o.full}); err != nil {
		return unprinted(err, path)
	}
	if o.html != "" {
		fmt.Fprintln(env.stdout, "page      "+o.html)
	}
	if len(r.Cells) > 0 {
		fmt.Fprintf(env.stdout, "\n%s\n", summary(r))
	}
	return end
}

// summary is one line that other programs can read: "300 requests p50=1.2ms p90=1.5ms p95=2ms p99=3ms", without the quantiles if there is no sample, and with
// " errors=3: status 404 x 3" after it if requests failed. A line before it names the quantiles that are of too few requests.
func summary(r *result.Run) string {
	parts, doubtful := []string{fmt.Sprintf("%d requests", r.Cells[0].Ledger.Scheduled)}, []string(nil)
	figures, err := figure.New(r)
	if err != nil {
		return parts[0]
	}
	for _, name := range []string{"p50", "p90", "p95", "p99"} {
		value, _, err := figures.Value(name, "", "")
		switch {
		case errors.Is(err, figure.ErrTooFewSamples), errors.Is(err, figure.ErrAtBound):
			doubtful = append(doubtful, name)
		case err != nil:
			continue
		}
		parts = append(parts, name+"="+brief(figure.Duration(value)))
	}
	if causes := report.Causes(figures); causes != "" {
		parts = append(parts, fmt.Sprintf("errors=%d: %s", r.Cells[0].Ledger.Errors(), causes))
	}
	line := strings.Join(parts, " ")
	if len(doubtful) > 0 {
		line = "At least (too few requests, or beyond what is recorded): " + strings.Join(doubtful, ", ") + "\n\n" + line
	}
	return line
}

// brief renders a duration without a space, as time.ParseDuration reads it.
func brief(d time.Duration) string { return d.Round(time.Microsecond).String() }
