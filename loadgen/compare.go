package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

func compareCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "compare RUN.json RUN.json...", Short: "Stored runs side by side, with intervals; it never fails a build", Args: arguments(cobra.MinimumNArgs(2)),
		Long: `Stored runs side by side: what differs beside their figures, and then the figures of each beside those of the first, with intervals.

They were measured at different times, perhaps on different machines, so that there is no verdict.`,
	}
	format := cmd.Flags().String("format", "text", "text or markdown")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *format != "text" && *format != "markdown" {
			return usageError{fmt.Errorf("--format is %q: use text or markdown", *format)}
		}
		runs, err := readRuns(args)
		if err != nil {
			return err
		}
		c, err := report.Compare(runs)
		if err != nil {
			return usageError{err}
		}
		if *format == "markdown" {
			return c.Markdown(env.stdout)
		}
		return c.Text(env.stdout, report.Options{Width: width(env.stdout), Color: colored(env)})
	}
	return cmd
}

// readRuns reads the run.json at each path.
func readRuns(paths []string) ([]*result.Run, error) {
	var runs []*result.Run
	for _, path := range paths {
		run, err := result.Read(path)
		if err != nil {
			return nil, usageError{err}
		}
		runs = append(runs, run)
	}
	return runs, nil
}
