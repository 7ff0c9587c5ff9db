package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/collect"
)

// podCommand is what the pods of a run start: pod 0 leads the run and is worker 0, the others are workers.
func podCommand(env environment) *cobra.Command {
	var index int
	var uid, secret, coordinator, collectAt, join, silence string
	cmd := &cobra.Command{
		Use: "pod SCENARIO -- FLAGS OF RUN", Short: "Be a pod of a run (run --on kubernetes starts it)", Hidden: true, Args: arguments(cobra.MinimumNArgs(1)),
	}
	flags := cmd.Flags()
	flags.IntVar(&index, "index", 0, "which pod this is, from 0")
	flags.StringVar(&uid, "uid", "", "id of the pod")
	flags.StringVar(&secret, "secret", "", "`file` that has the secret of the run")
	flags.StringVar(&coordinator, "coordinator", "", "host:port of pod 0, at which the others find it")
	flags.StringVar(&join, "join", "", "how long pods may take to register")
	flags.StringVar(&silence, "timeout", "", "how long a pod may be silent")
	flags.StringVar(&collectAt, "collect-at", "", "where pod 0 offers the results")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, given := args[0], args[1:]
		if index > 0 {
			follows := []string{commandWorker, name, "--coordinator", coordinator, "--index", strconv.Itoa(index), "--secret", secret, "--uid", uid, "--join", join, "--timeout", silence}
			return execute(cmd.Context(), follows, env)
		}
		_, port, err := net.SplitHostPort(coordinator)
		if err != nil {
			return usageError{fmt.Errorf("--coordinator: %w", err)}
		}
		leads := []string{
			"run", name, "--no-html", "--workers-at", "0.0.0.0:" + port, "--secret", secret, "--uid", uid, "--worker-join", join, "--worker-timeout", silence, collect.Flag, collectAt,
		}
		return execute(cmd.Context(), append(leads, given...), env)
	}
	return cmd
}
