package main

import (
	"strings"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
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

// completeFlags offers a shell the values of flags that take one of a few, and of those that take modes of the scenario before them.
func completeFlags(root *cobra.Command, dir *string, vars scenario.Env) {
	transports := []string{client.Raw, client.NetHTTP}
	for _, of := range []struct {
		command, flag string
		values        []string
	}{
		{"run", "stack", stack.Kinds()},
		{"ab", "stack", []string{stack.Embedded, stack.Local}},
		{"run", "transport", transports}, {"ab", "transport", transports}, {"hit", "transport", transports},
		{"hit", "arrivals", []string{string(scenario.Poisson), string(scenario.Constant)}},
		{"report", "format", names(runFormats())},
		{"compare", "format", []string{"text", "markdown"}},
		{"history", "format", []string{"text", "html"}},
	} {
		complete(root, of.command, of.flag, cobra.FixedCompletions(of.values, cobra.ShellCompDirectiveNoFileComp))
	}
	complete(root, "run", "modes", completeModes(dir, vars))
	complete(root, "ab", "mode", completeModes(dir, vars))
}

// complete has a shell offer for a flag of a command what f returns.
func complete(root *cobra.Command, command, flag string, f cobra.CompletionFunc) {
	if cmd, _, err := root.Find([]string{command}); err == nil {
		_ = cmd.RegisterFlagCompletionFunc(flag, f) // fails for no flag that there is
	}
}

// completeModes offers the modes of the scenario that the command line names, also after others and a comma.
func completeModes(dir *string, vars scenario.Env) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, typed string) (list []cobra.Completion, then cobra.ShellCompDirective) {
		then = cobra.ShellCompDirectiveNoFileComp
		if len(args) == 0 {
			return nil, then
		}
		s, err := scenario.Find(*dir, args[0], vars)
		if err != nil {
			return nil, then
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		for _, m := range s.Modes {
			list = append(list, before+m.Name)
		}
		return list, then
	}
}
