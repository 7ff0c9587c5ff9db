package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

func reportCommand(env environment) *cobra.Command {
	known := choice(runFormats())
	cmd := &cobra.Command{Use: "report [RUN.json|ab.json|FOLDER]", Short: "Render a run again, or decide an A/B test again: " + known, Args: arguments(cobra.ArbitraryArgs),
		Long: "Render a run again, or decide an A/B test again: of a folder of results the latest, and without an argument the latest of runs. A run is written as " + known + ", a test as " + choice(abFormats()) + ".\n\n" +
			"As html, several runs are drawn over each other, with the intervals of their differences: report A/run.json B/run.json --format html.\n\n" +
			"Markdown is cut between sections where it would be longer than --max-bytes: the default fits a comment on GitHub or GitLab, 1048576 a job's summary."}
	format := cmd.Flags().String("format", runFormats()[0].Name, known)
	full := fullFlag(cmd.Flags())
	maxBytes := cmd.Flags().Int("max-bytes", report.MarkdownLimit, "how long Markdown may be")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		o := report.Options{Width: width(env.stdout), Color: colored(env), MaxBytes: *maxBytes, Full: *full}
		switch changed := cmd.Flags().Changed("max-bytes"); {
		case changed && *format != "markdown":
			return usageError{errors.New("--max-bytes is of --format markdown alone")}
		case *maxBytes < report.MarkdownLeast:
			return usageError{fmt.Errorf("--max-bytes is %d: %d or more", *maxBytes, report.MarkdownLeast)}
		case formatOf(runFormats(), *format) == nil:
			return usageError{fmt.Errorf("--format is %q: use %s", *format, known)}
		case len(args) > 1 && *format != page.Name:
			return usageError{errors.New("several runs go with --format html alone (loadgen compare writes them as text or Markdown)")}
		case len(args) > 1:
			return reportRuns(env, args)
		}
		path, err := resultOf(args)
		if err != nil {
			return usageError{err}
		}
		o.Path = path
		t, err := ab.Read(path)
		if errors.Is(err, ab.ErrKind) {
			return reportRun(env, path, *format, o)
		}
		if err != nil {
			return usageError{err}
		}
		return reportAB(env, t, *format, o)
	}
	return cmd
}

// runFormats are all formats of a run, the one for people at a terminal first.
func runFormats() []report.Format[*report.Report] {
	return append(report.Formats(), page.Format())
}

// abFormats are all formats of an A/B test, by the names that they have for a run.
func abFormats() []report.Format[*report.ABTest] {
	return append(report.ABFormats(), page.ABFormat())
}

// fullFlag defines the flag that asks for all of a report.
func fullFlag(flags *pflag.FlagSet) *bool {
	return flags.Bool("full", false, "all sections, in text and Markdown; otherwise the verdict, the findings, and what fits two screens")
}

// reportRun renders the run.json at path.
func reportRun(env environment, path, format string, o report.Options) error {
	run, err := result.Read(path)
	if err != nil {
		return usageError{err}
	}
	rendered, err := report.New(run)
	if err != nil {
		return usageError{fmt.Errorf("read %s: %w", path, err)}
	}
	return formatOf(runFormats(), format).Write(env.stdout, rendered, o)
}

// reportRuns draws the runs at these paths over each other.
func reportRuns(env environment, paths []string) error {
	runs, err := readRuns(paths)
	if err != nil {
		return err
	}
	if err := page.WriteRuns(env.stdout, runs); err != nil {
		return usageError{err}
	}
	return nil
}

// reportAB decides a stored A/B test again.
func reportAB(env environment, t *ab.Test, format string, o report.Options) error {
	f := formatOf(abFormats(), format)
	if f == nil {
		return usageError{fmt.Errorf("--format is %q: an A/B test is written as %s; for programs there is ab.json itself", format, choice(abFormats()))}
	}
	rendered, err := report.NewABTest(t)
	if err != nil {
		return usageError{err}
	}
	return f.Write(env.stdout, rendered, o)
}

// formatOf returns the format of that name, nil if there is none.
func formatOf[R any](formats []report.Format[R], name string) *report.Format[R] {
	i := slices.IndexFunc(formats, func(f report.Format[R]) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &formats[i]
}

// choice lists the names of formats: "text, markdown or junit".
func choice[R any](formats []report.Format[R]) string {
	all := names(formats)
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

func names[R any](formats []report.Format[R]) (all []string) {
	for _, f := range formats {
		all = append(all, f.Name)
	}
	return all
}
