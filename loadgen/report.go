package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

func reportCommand(env environment) *cobra.Command {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	known := strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	cmd := &cobra.Command{Use: "report RUN.json|ab.json", Short: "Render a run again, or decide an A/B test again: " + known, Args: arguments(cobra.ExactArgs(1))}
	format := cmd.Flags().String("format", names[0], known)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		i := slices.Index(names, *format)
		if i < 0 {
			return usageError{fmt.Errorf("--format is %q: use %s", *format, known)}
		}
		if t, err := ab.Read(args[0]); !errors.Is(err, ab.ErrKind) {
			return reportAB(env, t, err, *format, args[0])
		}
		run, err := result.Read(args[0])
		if err != nil {
			return usageError{err}
		}
		rendered, err := report.New(run)
		if err != nil {
			return usageError{fmt.Errorf("read %s: %w", args[0], err)}
		}
		return report.Formats()[i].Write(env.stdout, rendered, report.Options{Width: width(env.stdout), Color: colored(env), Path: args[0]})
	}
	return cmd
}

// reportAB decides a stored A/B test again, which is read already.
func reportAB(env environment, t *ab.Test, err error, format, path string) error {
	if err != nil {
		return usageError{err}
	}
	rendered, err := report.NewABTest(t)
	switch {
	case err != nil:
		return usageError{err}
	case format == "text":
		return rendered.Text(env.stdout, report.Options{Width: width(env.stdout), Color: colored(env), Path: path})
	case format == "markdown":
		return rendered.Markdown(env.stdout)
	}
	return usageError{fmt.Errorf("--format is %q: an A/B test is rendered as text or markdown", format)}
}
