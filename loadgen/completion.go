package main

import (
	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/scenario"
)

// completeScenarios offers a shell the names of the scenarios in dir, read in an environment, and files.
func completeScenarios(dir *string, vars scenario.Env) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		list, err := scenario.List(*dir, vars)
		if err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var names []cobra.Completion
		for _, s := range list {
			names = append(names, cobra.CompletionWithDesc(s.Name, s.Why))
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}
