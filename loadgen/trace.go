package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report/waterfall"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/unit"
)

func traceCommand(env environment) *cobra.Command {
	var mode, phase, why, id string
	var expand, all bool
	cmd := &cobra.Command{
		Use: "trace [RUN.json|ab.json|FOLDER]", Short: "Draw the traces that a run kept: where the time of a slow request went", Args: arguments(cobra.MaximumNArgs(1)),
		Long: `Draw the traces that a run kept. Of each mode and phase a run keeps the slowest requests that were sampled, one near the median, one for
each fault (one that failed, or else the slowest of those that met it), and the recomputes that those waited for. Without flags: the slowest of all; without an argument, of the latest
of runs. An A/B test in which B
does more work or is slower keeps one of each arm (--why "arm A", --why "arm B").`,
		Example: `  loadgen trace runs/20261123-001233-stampede/run.json
  loadgen trace runs/20261123-001233-stampede/run.json --mode ttl --phase expiry
  loadgen trace runs/20261123-001233-stampede/run.json --list`,
	}
	flags := cmd.Flags()
	flags.StringVar(&mode, "mode", "", "of this mode")
	flags.StringVar(&phase, "phase", "", "of this phase")
	flags.StringVar(&why, "why", "", "kept for this reason: slowest, median, fault or linked")
	flags.StringVar(&id, "id", "", "the trace with this id, or the first digits of one")
	flags.BoolVar(&expand, "expand", false, "draw each of repeated queries too")
	flags.BoolVar(&all, "all", false, "draw all that match, not only the slowest")
	list := flags.Bool("list", false, "list those that match")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		path, err := resultOf(args)
		if err != nil {
			return usageError{err}
		}
		traces, err := readTraces(path)
		if err != nil {
			return usageError{err}
		}
		found := trace.Find(traces, id, mode, phase, why)
		switch {
		case len(traces) == 0:
			return usageError{errors.New("it kept no traces: a run keeps them on the stacks embedded and local, and of a service with --otlp-listen, unless --traces is below 0, and an A/B test where B does more work or is slower; on compose they are in Jaeger (docs/traces.md)")}
		case len(found) == 0:
			return usageError{errors.New("no trace matches (--list without other flags lists them)")}
		case *list:
			for _, t := range found {
				fmt.Fprintf(env.stdout, "%s  %-14s %-12s %-8s %9s  %d spans\n", t.ID, t.Mode, t.Phase, t.Why, unit.Latency(t.Response), len(t.Spans))
			}
			return nil
		case !all:
			found = found[slowest(found) : slowest(found)+1]
		}
		for i, t := range found {
			if i > 0 {
				fmt.Fprintln(env.stdout)
			}
			if err := waterfall.Write(env.stdout, t, waterfall.Options{Width: width(env.stdout), Color: colored(env), Expand: expand}); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// readTraces reads the traces of a run or of an A/B test.
func readTraces(path string) ([]result.Trace, error) {
	if t, err := ab.Read(path); !errors.Is(err, ab.ErrKind) {
		if err != nil {
			return nil, err
		}
		return t.Traces, nil
	}
	run, err := result.Read(path)
	if err != nil {
		return nil, err
	}
	return run.Traces, nil
}

// slowest is the place of the trace with the greatest response time.
func slowest(traces []*result.Trace) int {
	at := 0
	for i, t := range traces {
		if t.Response > traces[at].Response {
			at = i
		}
	}
	return at
}
