package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/arm"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// abFlags are the flags of ab.
type abFlags struct {
	arms, labs    [2]string
	args          [2][]string
	stack         string
	outcome       outcome
	metrics       string
	modes, phases []string
	seed          uint64
	slice, epoch  time.Duration
	epochs        int
	selftest      bool
	inject        string
	connect       connectFlags
}

func abCommand(env environment, dir *string) *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use: "ab SCENARIO --a X --b Y", Short: "Compare two builds of the app beside each other, and fail if B does more work or is slower", Args: arguments(cobra.ExactArgs(1)),
		Long: `Compare two builds of the app beside each other: each has a process, a database and a Redis of its own, fresh in each epoch, and gets the same requests in
slices that alternate. X and Y are commits (a branch, a tag, HEAD~1: built in worktrees), folders with a working tree (.), the app's programs, or URLs of two services
that run already.

First the work that the same requests cost is compared, exactly. Then percentiles are judged after 8, 12, 16, 24 and 32 epochs: FAIL (exit 1) if B is shown to be slower, PASS (0) if it is
shown to be within the margins (p50 and p95 10%, p99 25%), INCONCLUSIVE (3) if neither after the last, INVALID (4) if it cannot be judged.`,
		Example: `  loadgen ab warm --a origin/main --b HEAD --mode naive --phase near
  loadgen ab warm --a HEAD --b . --mode naive --phase near
  loadgen ab stampede --a bin/app-old --b bin/app --mode ttl --phase warm
  loadgen ab my.yaml --a http://localhost:8000 --b http://localhost:9000
  loadgen ab warm --selftest --mode naive --phase near`,
	}
	cmd.ValidArgsFunction = completeScenarios(dir, env.lookup)
	flags := cmd.Flags()
	flags.StringVar(&f.arms[0], "a", "", "what B is compared with: a commit, a folder with a working tree, the app's program, or a URL")
	flags.StringVar(&f.arms[1], "b", "", "what is judged")
	flags.StringArrayVar(&f.args[0], "a-arg", nil, "a flag for the app of A alone, after the scenario's: --slow=ttl=+20%; again for each")
	flags.StringArrayVar(&f.args[1], "b-arg", nil, "the same for B")
	flags.StringVar(&f.labs[0], "a-lab", "", "URL of the lab controls of A, if A is a URL and has them")
	flags.StringVar(&f.labs[1], "b-lab", "", "the same for B")
	flags.StringVar(&f.stack, "stack", stack.Embedded, "what to run on: "+stack.Embedded+" or "+stack.Local)
	flags.StringSliceVar(&f.modes, "mode", nil, "compare this mode; again, or with commas, for each (default: all)")
	flags.StringSliceVar(&f.phases, "phase", nil, "compare this phase; again, or with commas, for each (default: all that can be)")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of requests and coins (default: the scenario's, or drawn)")
	flags.DurationVar(&f.epoch, "epoch", run.DefaultEpoch, "load of each arm in an epoch, for each mode and phase")
	flags.DurationVar(&f.slice, "slice", run.DefaultSlice, "for how long an arm has the machine before it is the other's turn")
	flags.IntVar(&f.epochs, "epochs", 0, "leave out the looks after more epochs than this (default: none)")
	flags.BoolVar(&f.selftest, "selftest", false, "slow B down and be sure to fail, then compare A with itself and be sure not to (--a: default the app next to this program)")
	flags.StringVar(&f.inject, "inject", "+20%", "by how much --selftest slows B down")
	f.outcome.define(flags)
	flags.StringVar(&f.metrics, "metrics-addr", "", "serve what the epochs come to for Prometheus here, such as 127.0.0.1:9464")
	f.connect.define(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		return f.compare(cmd.Context(), env, *dir, args[0], cmd.Flags().Changed("seed"))
	}
	return cmd
}

// check refuses flags that contradict each other, and sets the arms of a self-test.
func (f *abFlags) check() error {
	services := f.labs[0] != "" || f.labs[1] != ""
	switch {
	case f.stack != stack.Embedded && f.stack != stack.Local:
		return usageError{fmt.Errorf("--stack is %q: use %s or %s", f.stack, stack.Embedded, stack.Local)}
	case f.selftest && (f.arms[1] != "" || len(f.args[1]) > 0 || services):
		return usageError{errors.New("--selftest makes B from A: leave --b, --b-arg, --a-lab and --b-lab out")}
	case services && (f.labs[0] == "") != (f.labs[1] == ""):
		return usageError{errors.New("--a-lab and --b-lab go together: what the arms cost is compared by the controls of both")}
	case f.selftest:
		if f.arms[0] == "" {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			f.arms[0] = filepath.Join(filepath.Dir(self), "app")
		}
		f.arms[1], f.args[1] = f.arms[0], f.args[0]
	case f.arms[0] == "" || f.arms[1] == "":
		flag := "--b"
		if f.arms[0] == "" {
			flag = "--a"
		}
		return usageError{fmt.Errorf("%s is missing: a commit, a folder with a working tree, the app's program, or a URL", flag)}
	}
	return nil
}

// compare finds or builds both arms, and tests them.
func (f *abFlags) compare(ctx context.Context, env environment, dir, name string, seeded bool) error {
	pair, err := arm.Open(ctx, ".", f.arms, env.stderr)
	if errors.Is(err, arm.ErrName) || errors.As(err, new(*arm.BuildError)) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := pair.Close(); err != nil {
			fmt.Fprintln(env.stderr, "loadgen: what was built is left behind:", err)
		}
	}()
	s, err := f.find(ctx, pair, dir, name, env.lookup)
	if err != nil {
		return err
	}
	cfg, err := f.config(s, pair, env, seeded)
	if err != nil {
		return err
	}
	if f.selftest {
		return testSelf(ctx, env, cfg, f.inject, f.outcome)
	}
	_, err = compareArms(ctx, env, cfg, f.outcome)
	return err
}

// find reads the scenario: that of the newer of two trees, else that of the folder dir.
func (f *abFlags) find(ctx context.Context, pair *arm.Pair, dir, name string, vars scenario.Env) (*scenario.Scenario, error) {
	if !scenario.IsPath(name) {
		path, warning, ok, err := pair.Scenario(ctx, dir, scenario.File(name))
		if err != nil {
			return nil, err
		}
		if warning != "" {
			pair.Warnings = append(pair.Warnings, warning)
		}
		if ok {
			name = path
		}
	}
	s, err := scenario.Find(dir, name, vars)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// config is what the flags ask for.
func (f *abFlags) config(s *scenario.Scenario, pair *arm.Pair, env environment, seeded bool) (run.ABConfig, error) {
	flags := runFlags{stack: f.stack, seed: f.seed, budget: run.DefaultBudget, connect: f.connect, labs: f.labs[:1]}
	if url := pair.Arms[0].URL; url != "" {
		flags.targets = []string{url}
	}
	common, err := flags.config(s, env, seeded)
	if err != nil {
		return run.ABConfig{}, err
	}
	cfg := run.ABConfig{Config: common, Modes: f.modes, Phases: f.phases, Slice: f.slice, Epoch: f.epoch, MaxEpochs: f.epochs, Warnings: pair.Warnings, Metrics: f.metrics}
	for i, a := range pair.Arms {
		cfg.Arms[i] = run.Build{
			Arm:    ab.Arm{Name: a.Name, Commit: a.Commit, Dirty: a.Dirty, SHA256: a.SHA256, Args: f.args[i]},
			Binary: a.Program, URL: a.URL,
		}
		if f.labs[i] != "" {
			cfg.Arms[i].Lab = withScheme(f.labs[i])
		}
		if a.URL != "" && len(f.args[i]) > 0 {
			return cfg, usageError{errors.New("--a-arg and --b-arg are for programs that are started: a service that runs already has its flags")}
		}
	}
	return cfg, nil
}

// compareArms runs the test, writes ab.json into a new folder in out, and prints the report. It returns the verdict's word, and as the
// error the verdict, unless there was nothing to report or a test that passed could not be kept.
func compareArms(ctx context.Context, env environment, cfg run.ABConfig, out outcome) (word string, err error) {
	if err := writable(out.folder, cfg.Stack.Kind); err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchers, err := serveLiveAB(ctx, env, &cfg, out.live, cancel)
	if err != nil {
		return "", err
	}
	defer watchers.close(ctx)
	t, err := run.AB(ctx, cfg)
	if err != nil {
		return "", err
	}
	path, lost := keepAB(t, out.folder)
	rendered, err := report.NewABTest(t)
	if err != nil {
		return "", err
	}
	draw := sync.OnceValues(func() (page.Drawn, error) { return page.DrawAB(rendered) })
	watchers.finish(draw)
	fmt.Fprintln(env.stdout)
	if err := rendered.Text(env.stdout, report.Options{Width: width(env.stdout), Color: colored(env), Path: path}); err != nil {
		return "", unprinted(err, path)
	}
	if path != "" && !out.noHTML {
		writePage(env, filepath.Join(filepath.Dir(path), pageName), draw)
	}
	if code := rendered.ExitCode(); code != 0 {
		if lost != nil {
			fmt.Fprintln(env.stderr, "loadgen:", lostError(lost))
		}
		return rendered.Word, verdict(code)
	}
	return rendered.Word, lost
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
	for i, profile := range t.Profiles {
		if len(profile) > 0 {
			name := filepath.Join(out, t.ID, "cpu-"+strings.ToLower(ab.Letter(i))+".pprof")
			if err := os.WriteFile(name, profile, 0o644); err != nil {
				return path, err
			}
		}
	}
	return path, nil
}
