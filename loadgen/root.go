package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"loadlab/internal/revision"
)

// execute runs the command line args.
func execute(ctx context.Context, args []string, env environment) error {
	root := &cobra.Command{
		Use:   "loadgen",
		Short: "Drives the same load against every way of serving a page, and reports what each costs",
		Long: `loadgen drives the same load against every way of serving a page, and reports what each costs.

Exit codes: 0 pass, 1 a gate failed (without gates: no request succeeded), 2 usage or scenario error, 3 inconclusive, 4 invalid run, 130 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
		Version: revision.Get() + ", " + runtime.Version(),
	}
	root.SetVersionTemplate("loadgen {{.Version}}\n")
	root.SetArgs(args)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if refused := (refusedFlagError{}); errors.As(err, &refused) {
			return usageError{refused}
		}
		return usageError{fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())}
	})
	dir := root.PersistentFlags().String("scenarios", "scenarios", "folder of the scenario files")
	root.AddCommand(runCommand(env, dir), abCommand(env, dir), hitCommand(env), listCommand(env, dir), validateCommand(env, dir), reportCommand(env), compareCommand(env), historyCommand(env, dir), traceCommand(env),
		linkCommand(env), workerCommand(env), podCommand(env), manifestsCommand(env, dir), collectCommand(env))
	completeFlags(root, dir, env.lookup)
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("there is no command %q (loadgen --help lists them)", args[0])}
		}
		return cmd.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root.ExecuteContext(ctx)
}
