package main

import (
	"errors"
	"flag"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/world/link"
)

func linkCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use: "link", Short: "Put a distance between clients and a server: forward connections, delayed", DisableFlagParsing: true,
		Example: "  loadgen link --listen tcp:127.0.0.1:5433 --to tcp:127.0.0.1:5432 --rtt 1ms",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := link.Main(cmd.Context(), args, env.stdout)
			switch {
			case errors.Is(err, flag.ErrHelp):
				return nil
			case errors.As(err, new(link.UsageError)):
				return usageError{err}
			}
			return err
		},
	}
}
