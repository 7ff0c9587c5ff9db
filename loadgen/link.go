package main

import (
	"errors"
	"flag"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/world/link/control"
)

// commandLink is the command that a run starts for a link.
const commandLink = "link"

func linkCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use: commandLink, Short: "Put a distance between clients and a server: forward connections, delayed", DisableFlagParsing: true,
		Example: "  loadgen link --listen tcp:127.0.0.1:5433 --to tcp:127.0.0.1:5432 --rtt 1ms\n" +
			"  loadgen link --link database=tcp:127.0.0.1:5433,tcp:127.0.0.1:5432 --link redis=tcp:127.0.0.1:6380,tcp:127.0.0.1:6379 --control tcp:127.0.0.1:8474",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := control.Main(cmd.Context(), args, env.stdin, env.stdout)
			switch {
			case errors.Is(err, flag.ErrHelp):
				return nil
			case errors.As(err, new(control.UsageError)):
				return usageError{err}
			}
			return err
		},
	}
}
