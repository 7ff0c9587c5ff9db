package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// verdict is the exit code of a run that was reported: nothing is left to say.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitUsage is the exit code of an error in what was asked for; report has the others.
const exitUsage = 2

// exitCode is how the program ends.
func exitCode(err error) int {
	var v verdict
	switch {
	case err == nil:
		return report.ExitPass
	case errors.As(err, &v):
		return int(v)
	case errors.Is(err, context.Canceled):
		return report.ExitInterrupted
	case errors.As(err, new(usageError)), errors.As(err, new(run.UsageError)):
		return exitUsage
	}
	return report.ExitInvalid
}

// execute runs the command line args.
func execute(ctx context.Context, args []string, env environment) error {
	root := &cobra.Command{
		Use:   "loadgen",
		Short: "Drives the same load against every way of serving a page, and says what each costs",
		Long: `loadgen drives the same load against every way of serving a page, and says what each costs.

Exit codes: 0 pass, 1 a gate failed, 2 usage or scenario error, 3 inconclusive, 4 invalid run, 130 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())}
	})
	dir := root.PersistentFlags().String("scenarios", "scenarios", "folder of the scenario files")
	root.AddCommand(runCommand(env, dir), hitCommand(env), listCommand(env, dir), validateCommand(env, dir), reportCommand(env), traceCommand(env))
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("there is no command %q (loadgen --help lists them)", args[0])}
		}
		return cmd.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root.ExecuteContext(ctx)
}

// arguments wraps cobra's checks of positional arguments, so that their errors are usage errors.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w (usage: %s)", err, cmd.UseLine())}
		}
		return nil
	}
}

func listCommand(env environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the scenarios", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			list, err := scenario.List(*dir)
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

func validateCommand(env environment, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "validate [SCENARIO...]", Short: "Check scenarios without running them; all of them if none is named",
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				list, err := scenario.List(*dir)
				if err != nil {
					return usageError{err}
				}
				for _, s := range list {
					names = append(names, s.Name)
				}
			}
			var errs []error
			for _, name := range names {
				s, err := scenario.Find(*dir, name)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				fmt.Fprintf(env.stdout, "%s: ok, %d modes, %d phases, %d gates\n", s.File, len(s.Modes), len(s.Phases), len(s.Gates))
			}
			if len(errs) > 0 {
				return usageError{errors.Join(errs...)}
			}
			return nil
		},
	}
}

// defaultTraces is few enough to cost nothing that could be measured, and enough to have some of each mode.
const defaultTraces = 5

// runFlags are the flags of run.
type runFlags struct {
	stack, target, lab, app, out string
	metrics, otlp                string
	traces                       float64
	seed                         uint64
	rounds                       int
	limited                      bool
	connect                      connectFlags
}

func runCommand(env environment, dir *string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run SCENARIO", Short: "Run a scenario and judge its gates", Args: arguments(cobra.ExactArgs(1)),
		Long: "Run a scenario, by its name or the path of its file, on a lab of its own or on a service that runs already.",
		Example: `  loadgen run stampede
  loadgen run stampede --stack local
  loadgen run my.yaml --target http://localhost:3000`,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stack, "stack", stack.Embedded, "what to run on: "+strings.Join(stack.Kinds(), ", "))
	flags.StringVar(&f.target, "target", "", "URL of a service that runs already (implies --stack remote)")
	flags.StringVar(&f.lab, "lab", "", "URL of the lab controls of --target, if it has them")
	flags.StringVar(&f.app, "app", "", "the app's program (default: app, next to this one)")
	flags.StringVar(&f.out, "out", "runs", "folder for the results")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of arrivals and orders: the same seed replays the same requests (default: the scenario's, or drawn)")
	flags.IntVar(&f.rounds, "rounds", 0, "how many rounds (default: the scenario's)")
	f.connect.define(flags)
	flags.StringVar(&f.metrics, "metrics-addr", "", "serve the generator's own metrics for Prometheus here, such as 127.0.0.1:9464")
	flags.Float64Var(&f.traces, "traces", defaultTraces, "requests a second that are traced, in phases that do not say; below 0: none at all")
	flags.StringVar(&f.otlp, "otlp", env.get("OTEL_EXPORTER_OTLP_ENDPOINT"), "OTLP/HTTP endpoint that all spans are passed on to")
	flags.BoolVar(&f.limited, "allow-limited", false, "judge the gates also when the generator was the bottleneck")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := scenario.Find(*dir, args[0])
		if err != nil {
			return usageError{err}
		}
		cfg, err := f.config(s, env, cmd.Flags().Changed("seed"))
		if err != nil {
			return err
		}
		return runAndReport(cmd.Context(), env, cfg, f.out)
	}
	return cmd
}

// config is what the flags ask for.
func (f runFlags) config(s *scenario.Scenario, env environment, seeded bool) (run.Config, error) {
	if f.rounds < 0 {
		return run.Config{}, usageError{fmt.Errorf("--rounds is %d: the least is 1", f.rounds)}
	}
	if f.target != "" {
		f.stack = stack.Remote
	}
	options, err := f.connect.options()
	if err != nil {
		return run.Config{}, err
	}
	cfg := run.Config{
		Scenario: s, Seed: f.seed, Rounds: f.rounds, Client: options, AllowLimited: f.limited, MetricsAddr: f.metrics, Traces: f.traces, OTLP: f.otlp,
		Progress: newProgress(env),
		Stack: stack.Config{
			Kind: f.stack, AppBinary: f.app, AppArgs: s.App.Flags(), Env: env.vars, Properties: s.App.Count("properties"), Target: f.target, Lab: f.lab,
			Log: env.stderr,
		},
	}
	if !seeded {
		cfg.Seed = s.Seed
		if !s.Seeded {
			cfg.Seed = uint64(rand.Uint32()) // short enough to be typed again
		}
	}
	switch {
	case !slices.Contains(stack.Kinds(), f.stack):
		return cfg, usageError{fmt.Errorf("--stack is %q: use %s", f.stack, strings.Join(stack.Kinds(), ", "))}
	case f.stack == stack.Remote && f.target == "":
		return cfg, usageError{errors.New("a remote stack needs its address: --target http://host:port")}
	case f.lab != "" && f.target == "":
		return cfg, usageError{errors.New("--lab goes with --target")}
	}
	return cfg, nil
}

// runAndReport runs a scenario, writes run.json and prints the report. The error is the verdict, unless there was nothing to report.
func runAndReport(ctx context.Context, env environment, cfg run.Config, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil { // before the run: it would be a pity to lose it
		return usageError{fmt.Errorf("make a folder for the results: %w", err)}
	}
	result, err := run.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if result.ID, err = newFolder(out, result.ID); err != nil {
		return fmt.Errorf("make a folder for the results: %w", err)
	}
	path := filepath.Join(out, result.ID, "run.json")
	if err := report.Write(path, result); err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	if err := report.Text(env.stdout, result, report.Options{Width: width(env.stdout), Color: colored(env), Path: path}); err != nil {
		return err
	}
	if code := report.ExitCode(result); code != report.ExitPass {
		return verdict(code)
	}
	return nil
}

// newFolder makes a folder of that name, with a number after it if the name is taken: two runs may begin in the same second.
func newFolder(parent, name string) (string, error) {
	unique := name
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join(parent, unique), 0o755)
		if !errors.Is(err, fs.ErrExist) {
			return unique, err
		}
		unique = fmt.Sprintf("%s-%d", name, n)
	}
}

func reportCommand(env environment) *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use: "report RUN.json", Short: "Render a run again: text, markdown, junit or csv", Args: arguments(cobra.ExactArgs(1)),
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown, junit or csv")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		result, err := report.Read(args[0])
		if err != nil {
			return usageError{err}
		}
		switch format {
		case "text":
			return report.Text(env.stdout, result, report.Options{Width: width(env.stdout), Color: colored(env), Path: args[0]})
		case "markdown":
			return report.Markdown(env.stdout, result)
		case "junit":
			return report.JUnit(env.stdout, result)
		case "csv":
			return report.CSV(env.stdout, result)
		}
		return usageError{fmt.Errorf("--format is %q: use text, markdown, junit or csv", format)}
	}
	return cmd
}
