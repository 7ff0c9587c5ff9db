package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

// verdict is the exit code of a run that was reported: there is nothing more to write.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// verdictOf is the error by which a command ends with the verdict of a run; nil for a pass.
func verdictOf(r *result.Run) error {
	if code := result.ExitCode(r); code != result.ExitPass {
		return verdict(code)
	}
	return nil
}

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments wraps cobra's checks of positional arguments, so that their errors are usage errors.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w (usage: %s)", err, cmd.UseLine())}
		}
		return nil
	}
}

// exitUsage is the exit code of an error in what was asked for; package result has the others.
const exitUsage = 2

// exitCode is how the program ends.
func exitCode(err error) int {
	var v verdict
	switch {
	case err == nil:
		return result.ExitPass
	case errors.As(err, &v):
		return int(v)
	case errors.Is(err, context.Canceled):
		return result.ExitInterrupted
	case errors.As(err, new(usageError)), errors.As(err, new(run.UsageError)):
		return exitUsage
	}
	return result.ExitInvalid
}
