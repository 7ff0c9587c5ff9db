package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/scenario"
)

func validateCommand(env environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "validate [SCENARIO...]", ValidArgsFunction: completeScenarios(dir, env.lookup), Short: "Check scenarios without running them; all of them if none is named",
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				list, err := scenario.List(*dir, env.lookup)
				if err != nil {
					return usageError{err}
				}
				for _, s := range list {
					names = append(names, s.Name)
				}
			}
			var errs []error
			for _, name := range names {
				s, err := scenario.Find(*dir, name, env.lookup)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				fmt.Fprintf(env.stdout, "%s: ok, %d modes, %d phases, %d gates\n", s.File, len(s.Modes), len(s.Phases), len(s.Gates))
			}
			if len(errs) > 0 {
				return usageError{errors.Join(errs...)}
			}
			return nil
		},
	}
}
