package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/cluster"
)

// collectCommand brings the results of a run home that somebody else has started in a cluster.
func collectCommand(env environment) *cobra.Command {
	var access accessFlags
	var out outcome
	var wait time.Duration
	var remove bool
	cmd := &cobra.Command{
		Use: "collect NAME", Short: "Wait for a run in a Kubernetes cluster, and bring its report home", Args: arguments(cobra.ExactArgs(1)),
		Long: "Follow a run whose objects (loadgen manifests) somebody has applied, or will have, and report it as loadgen run does, with the same exit codes. Ctrl-C ends the run everywhere.",
	}
	flags := cmd.Flags()
	access.define(flags)
	out.define(flags)
	flags.DurationVar(&wait, "timeout", 10*time.Minute, "how long the run may take to be there, and its pods to start")
	flags.BoolVar(&remove, "delete", false, "delete the Job when its report is home")
	full := fullFlag(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out.full = *full
		if err := cluster.CheckName(args[0]); err != nil {
			return usageError{fmt.Errorf("the name %q: %w", args[0], err)}
		}
		h, err := access.home(env, out.folder, args[0], wait)
		if err != nil {
			return err
		}
		ctx, atOnce, end, err := h.open(cmd.Context(), out.live)
		if err != nil {
			return err
		}
		defer end()
		if err := h.meet(ctx); err != nil {
			return err
		}
		if remove {
			defer h.remove(atOnce)
		} else {
			defer h.leave(atOnce)
		}
		return h.bring(ctx, atOnce, out)
	}
	return cmd
}

// meet waits for the run to be there, and learns who it is.
func (h *home) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, h.start, fmt.Errorf("there was no job %s in namespace %s within %s", h.name, h.cluster.Namespace, h.start))
	defer cancel()
	job, err := h.cluster.Job(ctx, h.name)
	if err != nil {
		return err
	}
	h.workers = int(*job.Spec.Completions)
	h.secret, err = h.cluster.RunSecretOf(ctx, job)
	return err
}
