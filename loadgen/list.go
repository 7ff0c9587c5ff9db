package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/scenario"
)

func listCommand(env environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the scenarios", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			list, err := scenario.List(*dir, env.lookup)
			if err != nil {
				return usageError{err}
			}
			for _, s := range list {
				if s.Err != nil {
					fmt.Fprintf(env.stdout, "%-12s %5s  cannot be run: see loadgen validate %s\n", s.Name, "", s.Name)
					continue
				}
				fmt.Fprintf(env.stdout, "%-12s %5s  %s\n", s.Name, s.Estimate.Round(1e9), s.Why)
			}
			return nil
		},
	}
}
