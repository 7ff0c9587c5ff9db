package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// abFlags are the flags of ab.
type abFlags struct {
	arms          [2]string
	args          [2][]string
	stack, out    string
	modes, phases []string
	seed          uint64
	slice, epoch  time.Duration
}

func abCommand(env environment, dir *string) *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use: "ab SCENARIO --a PROGRAM --b PROGRAM", Short: "Compare two builds of the app beside each other, and fail if B does more work or is slower", Args: arguments(cobra.ExactArgs(1)),
		Long: `Compare two builds of the app beside each other: each has a process, a database and a Redis of its own, fresh in each epoch, and gets the same requests in
slices that alternate.

First the work that the same requests cost is compared, exactly. Then percentiles are judged after 8, 12, 16, 24 and 32 epochs: FAIL (exit 1) if B is shown to be slower, PASS (0) if it is
shown to be within the margins (p50 and p95 10%, p99 25%), INCONCLUSIVE (3) if neither after the last, INVALID (4) if it cannot be judged.`,
		Example: `  loadgen ab stampede --a bin/app-old --b bin/app --mode ttl --phase warm
  loadgen ab stampede --a bin/app --b bin/app --b-arg --slow=ttl=+20% --mode ttl --phase warm`,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.arms[0], "a", "", "the app's program that B is compared with")
	flags.StringVar(&f.arms[1], "b", "", "the app's program that is judged")
	flags.StringArrayVar(&f.args[0], "a-arg", nil, "a flag for the app of A alone, after the scenario's: --slow=ttl=+20%; again for each")
	flags.StringArrayVar(&f.args[1], "b-arg", nil, "the same for B")
	flags.StringVar(&f.stack, "stack", stack.Embedded, "what to run on: "+stack.Embedded+" or "+stack.Local)
	flags.StringArrayVar(&f.modes, "mode", nil, "compare this mode; again for each (default: all)")
	flags.StringArrayVar(&f.phases, "phase", nil, "compare this phase; again for each (default: all that can be)")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of requests and coins (default: the scenario's, or drawn)")
	flags.DurationVar(&f.epoch, "epoch", run.DefaultEpoch, "load of each arm in an epoch, for each mode and phase")
	flags.DurationVar(&f.slice, "slice", run.DefaultSlice, "for how long an arm has the machine before it is the other's turn")
	flags.StringVar(&f.out, "out", "runs", "folder for the results")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := scenario.Find(*dir, args[0])
		if err != nil {
			return usageError{err}
		}
		cfg, err := f.config(s, env, cmd.Flags().Changed("seed"))
		if err != nil {
			return err
		}
		return compareBuilds(cmd.Context(), env, cfg, f.out)
	}
	return cmd
}

// config is what the flags ask for.
func (f abFlags) config(s *scenario.Scenario, env environment, seeded bool) (run.ABConfig, error) {
	if f.stack != stack.Embedded && f.stack != stack.Local {
		return run.ABConfig{}, usageError{fmt.Errorf("--stack is %q: use %s or %s", f.stack, stack.Embedded, stack.Local)}
	}
	common, err := runFlags{stack: f.stack, seed: f.seed, budget: run.DefaultBudget}.config(s, env, seeded)
	if err != nil {
		return run.ABConfig{}, err
	}
	cfg := run.ABConfig{Config: common, Modes: f.modes, Phases: f.phases, Slice: f.slice, Epoch: f.epoch}
	for i, path := range f.arms {
		flag := [2]string{"--a", "--b"}[i]
		if path == "" {
			return cfg, usageError{fmt.Errorf("%s is missing: the app's program of that arm", flag)}
		}
		sum, err := sumOf(path)
		if err != nil {
			return cfg, usageError{fmt.Errorf("%s: %w", flag, err)}
		}
		cfg.Arms[i] = run.Build{Binary: path, SHA256: sum, Args: f.args[i]}
	}
	return cfg, nil
}

// sumOf is the SHA-256 of a program, in hexadecimal.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// compareBuilds runs the test, writes ab.json into a new folder in out, and prints the report. The error is the verdict, unless there was nothing to
// report or a test that passed could not be kept.
func compareBuilds(ctx context.Context, env environment, cfg run.ABConfig, out string) error {
	if err := writable(out); err != nil {
		return usageError{fmt.Errorf("%w (--out names another folder)", err)}
	}
	t, err := run.AB(ctx, cfg)
	if err != nil {
		return err
	}
	path, lost := keepAB(t, out)
	rendered, err := report.NewABTest(t)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	if err := rendered.Text(env.stdout, report.Options{Width: width(env.stdout), Color: colored(env), Path: path}); err != nil {
		return err
	}
	if code := rendered.ExitCode(); code != 0 {
		if lost != nil {
			fmt.Fprintln(env.stderr, "loadgen: the results are lost, but for the report above:", lost)
		}
		return verdict(code)
	}
	return lost
}

// keepAB writes ab.json into a new folder in out, and returns its path; empty if that failed.
func keepAB(t *ab.Test, out string) (path string, err error) {
	if t.ID, err = newFolder(out, t.ID); err != nil {
		return "", err
	}
	path = filepath.Join(out, t.ID, "ab.json")
	if err := ab.Write(path, t); err != nil {
		return "", err
	}
	return path, nil
}
