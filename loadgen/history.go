package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/history"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

func historyCommand(env environment, dir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history [SCENARIO]", ValidArgsFunction: completeScenarios(dir, env.lookup), Short: "A figure across the stored runs of a scenario, and where it changed; it never fails a build", Args: arguments(cobra.MaximumNArgs(1)),
		Long: `A figure across the stored runs of a scenario: a chart a mode and machine, with the commits, and where the figure changed. Without a scenario: what runs there are.

Runs were measured at different times, so that there is no verdict. Runs of other machines, stacks and loads are charts of their own; invalid ones are shown and not used.`,
		Example: `  loadgen history stampede
  loadgen history stampede --mode ttl --phase expiry --figure p95
  loadgen history stampede --format html > history.html`,
	}
	flags := cmd.Flags()
	folder := flags.String("out", "runs", "folder of the results")
	var q history.Query
	flags.StringVar(&q.Mode, "mode", "", "of this mode alone (default: all)")
	flags.StringVar(&q.Phase, "phase", "", "phase (default: the one with the most requests in the newest run)")
	flags.StringVar(&q.Figure, "figure", "p99", "figure, by the names that gates have")
	format := flags.String("format", "text", "text or html")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *format != "text" && *format != "html" {
			return usageError{fmt.Errorf("--format is %q: use text or html", *format)}
		}
		book, err := stored(env, *folder)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return listStored(env, book, *folder)
		}
		q.Scenario = args[0]
		h, err := book.Ask(q)
		if err != nil {
			return usageError{err}
		}
		if *format == "html" {
			return page.WriteHistory(env.stdout, h)
		}
		return h.Text(env.stdout, history.Options{Width: width(env.stdout), Colors: colored(env)})
	}
	return cmd
}

// stored reads the runs in a folder. One that cannot be read is named, and left out.
func stored(env environment, folder string) (*history.Book, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", "run.json"))
	if err != nil {
		return nil, usageError{fmt.Errorf("--out is %q: %w", folder, err)}
	}
	book := new(history.Book)
	for _, path := range paths {
		run, err := result.Read(path)
		if err == nil {
			err = book.Add(run)
		}
		if err != nil {
			fmt.Fprintln(env.stderr, "left out:", err)
		}
	}
	return book, nil
}

// listStored lists the scenarios of which there are runs.
func listStored(env environment, book *history.Book, folder string) error {
	names, runs := book.Scenarios()
	if len(names) == 0 {
		return usageError{fmt.Errorf("there are no runs in %s", folder)}
	}
	for _, name := range names {
		fmt.Fprintf(env.stdout, "%s: %s\n", name, unit.Counted(int64(runs[name]), "run"))
	}
	return nil
}
