package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/collect"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/world/link"
)

// defaultTraces is few enough to cost nothing that could be measured, and enough to have some of each mode.
const defaultTraces = 5

// runFlags are the flags of run.
type runFlags struct {
	stack, app            string
	outcome               outcome
	targets, labs, modes  []string
	metrics, otlp         string
	grafana, jaeger       string
	otlpListen            string
	otlpWait              time.Duration
	traces                float64
	seed                  uint64
	rounds                roundsFlag
	replicas              int
	workers               workersFlags
	on, collectAt         string
	access                accessFlags
	pods                  podFlags
	budget                time.Duration
	limited               bool
	connect               connectFlags
	links                 string
	databaseRTT, redisRTT distanceFlag
}

// distanceFlag is a round trip that may be given.
type distanceFlag struct{ rtt *time.Duration }

// roundsFlag is a number of rounds, or as many as it takes.
type roundsFlag struct {
	n    int
	auto bool
}

func (r *roundsFlag) set(text string) error {
	n, err := strconv.Atoi(text)
	if text != "auto" && (err != nil || n < 0) {
		return errors.New("want a number of rounds, or auto")
	}
	r.n, r.auto = n, text == "auto"
	return nil
}

func (d *distanceFlag) set(text string) error {
	rtt, err := time.ParseDuration(text)
	if err != nil || rtt < 0 || rtt > link.Longest {
		return fmt.Errorf("want a duration from 0s to %s, such as 1ms", link.Longest)
	}
	d.rtt = &rtt
	return nil
}

func runCommand(env environment, dir *string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run SCENARIO", Short: "Run a scenario and judge its gates", Args: arguments(cobra.ExactArgs(1)),
		Long: "Run a scenario, by its name or the path of its file, on a lab of its own or on a service that runs already.",
		Example: `  loadgen run stampede
  loadgen run stampede --stack local
  loadgen run stampede --modes ttl,lock,swr
  loadgen run my.yaml --target http://localhost:3000
  loadgen run my.yaml --on kubernetes --workers 8 --target http://my-service`,
	}
	cmd.ValidArgsFunction = completeScenarios(dir, env.lookup)
	f.define(cmd.Flags(), env)
	f.access.define(cmd.Flags())
	full := fullFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := scenario.Find(*dir, args[0], env.lookup)
		if err != nil {
			return usageError{err}
		}
		f.outcome.full = *full
		return f.run(cmd, env, s)
	}
	return cmd
}

// define defines the flags, but for those of which cluster.
func (f *runFlags) define(flags *pflag.FlagSet, env environment) {
	flags.StringVar(&f.stack, "stack", "", "what to run on: "+strings.Join(stack.Kinds(), ", ")+" (default: the scenario's target, or else "+stack.Embedded+")")
	flags.StringArrayVar(&f.targets, "target", nil, "URL, or host:port, of a service that runs already, in place of the scenario's (implies --stack remote); again for each replica, or dns+http://name:port for each address of a name")
	flags.StringArrayVar(&f.labs, "lab", nil, "URL, or host:port, of the lab controls of --target, if it has them; again for each replica, or dns+http://name:port")
	flags.StringVar(&f.app, "app", "", "the app's program (default: app, next to this one)")
	f.outcome.define(flags)
	flags.Uint64Var(&f.seed, "seed", 0, "seed of arrivals and orders: the same seed replays the same requests (default: the scenario's, or drawn)")
	flags.StringSliceVar(&f.modes, "modes", nil, "run these modes of the scenario alone, separated by commas, or all; gates that name another are left out (default: those that the scenario has as its default, or else all)")
	flags.Func("rounds", "how many rounds, or auto: until the gates are decided (default: the scenario's)", f.rounds.set)
	flags.DurationVar(&f.budget, "budget", run.DefaultBudget, "how long --rounds auto may take")
	f.connect.define(flags)
	flags.StringVar(&f.metrics, "metrics-addr", "", "serve the generator's own metrics for Prometheus here, such as 127.0.0.1:9464")
	f.defineViewers(flags, env)
	flags.Float64Var(&f.traces, "traces", defaultTraces, "requests a second that are traced, in phases that do not say; below 0: none at all")
	flags.StringVar(&f.otlp, "otlp", env.get("OTEL_EXPORTER_OTLP_ENDPOINT"), "OTLP/HTTP endpoint that all spans are passed on to")
	flags.StringVar(&f.otlpListen, "otlp-listen", "", "receive the spans of the services of --target here, over OTLP/HTTP, and keep the traces worth a look: 127.0.0.1:4318")
	flags.DurationVar(&f.otlpWait, "otlp-wait", run.DefaultOTLPWait, "how long after the load spans are waited for")
	flags.StringVar(&f.links, "links", "", "where the links between --target and its servers are controlled, host:port, if it has them (see loadgen link)")
	flags.Func("database-rtt", "round trip to the database, in place of the scenario's: 1ms", f.databaseRTT.set)
	flags.Func("redis-rtt", "round trip to Redis, in place of the scenario's: 200us", f.redisRTT.set)
	flags.IntVar(&f.replicas, "replicas", 0, "how many replicas of the app, in place of the scenario's")
	f.workers.define(flags)
	flags.StringVar(&f.on, "on", "", onKubernetes+": --workers are pods of a cluster, and --target is as they reach it (default: processes of this machine)")
	f.pods.define(flags, env)
	flags.StringVar(&f.collectAt, strings.TrimPrefix(collect.Flag, "--"), "", "offer progress and results here to who has the secret, and keep them for --hold")
	flags.BoolVar(&f.limited, "allow-limited", false, "judge the gates also when the generator was the bottleneck")
}

// run runs a scenario where the flags say.
func (f *runFlags) run(cmd *cobra.Command, env environment, s *scenario.Scenario) error {
	s, err := f.chosen(cmd, s)
	if err != nil {
		return err
	}
	if f.on != "" {
		return f.elsewhere(cmd, env, s)
	}
	cfg, err := f.reached(cmd.Context(), s, env, cmd.Flags().Changed("seed"))
	if err != nil {
		return err
	}
	if cfg.Workers, err = f.workers.workers(s, env); err != nil {
		return err
	}
	if f.collectAt != "" {
		return f.offered(cmd.Context(), env, cfg)
	}
	return runAndReport(cmd.Context(), env, cfg, f.outcome)
}

// chosen is the scenario with the modes that the flags choose.
func (f *runFlags) chosen(cmd *cobra.Command, s *scenario.Scenario) (*scenario.Scenario, error) {
	choose := s.Chosen
	if cmd.Flags().Changed("modes") && len(f.modes) == 0 {
		choose = s.Only // which says what there is
	}
	s, err := choose(f.modes)
	if err != nil {
		return nil, usageError{fmt.Errorf("--modes: %w", err)}
	}
	if f.otlpListen != "" && !cmd.Flags().Changed("otlp") {
		f.otlp = "" // the variable is for the services, and names this very run
	}
	return s, nil
}

// aim decides where requests go: to the targets of the flags, else to the scenario's, else to an app of the run's own, whose URL is not known yet.
func (f *runFlags) aim(s *scenario.Scenario) (target scenario.Target, err error) {
	f.targets, f.labs = withSchemes(f.targets), withSchemes(f.labs)
	switch {
	case f.stack == stack.Compose && len(f.targets)+len(f.labs)+len(f.links) > 0:
		return target, usageError{errors.New("--stack compose has addresses of its own: leave out --target, --lab and --links")}
	case f.replicas < 0 || f.replicas > balance.MaxReplicas:
		return target, usageError{fmt.Errorf("--replicas is %d: it is from 1 to %d", f.replicas, balance.MaxReplicas)}
	case s.Target != nil && len(f.targets) == 0 && (f.stack == "" || f.stack == stack.Remote):
		f.targets = []string{withScheme(s.Target.URL)}
	}
	url := "http://127.0.0.1" // an app of the run's own
	if len(f.targets) > 0 {
		f.stack, url = stack.Remote, f.targets[0]
	}
	target = f.connect.over(s.Target, url)
	if len(f.targets) > 1 && target.ConnectTo != "" {
		return target, usageError{errors.New("connect_to and --connect-to are of one target, and these are several")}
	}
	f.stack = cmp.Or(f.stack, stack.Embedded)
	return target, nil
}

// defineViewers adds the flags for where a browser sees the run.
func (f *runFlags) defineViewers(flags *pflag.FlagSet, env environment) {
	flags.StringVar(&f.grafana, "grafana", env.get(envGrafana), "URL of a Grafana with the lab's dashboards, to print where it shows this run; it goes with --metrics-addr (default on compose: "+stack.ComposeGrafana+")")
	flags.StringVar(&f.jaeger, "jaeger", cmp.Or(env.get(envJaeger), stack.DefaultJaeger), "URL at which a browser finds Jaeger: the dashboards of a run with --metrics-addr link there")
}

// viewers puts into the configuration where a browser sees the run. An error is one of usage.
func (f *runFlags) viewers(cfg *run.Config) (err error) {
	if cfg.Grafana, err = run.ParseGrafana(f.grafana); err != nil {
		return fmt.Errorf("--grafana: %w", err)
	}
	if cfg.Jaeger, err = run.ParseJaeger(f.jaeger); err != nil {
		return fmt.Errorf("--jaeger: %w", err)
	}
	if cfg.Grafana != "" && cfg.MetricsAddr == "" {
		return errors.New("--grafana goes with --metrics-addr: dashboards show what a Prometheus scrapes there")
	}
	return nil
}

// config is what the flags ask for.
func (f runFlags) config(s *scenario.Scenario, env environment, seeded bool) (run.Config, error) {
	onCompose := f.stack == stack.Compose
	target, err := f.aim(s)
	if err != nil {
		return run.Config{}, err
	}
	options, err := f.connect.options(target)
	if err != nil {
		return run.Config{}, usageError{errors.New(s.Redacted(err.Error()))}
	}
	replicas := f.replicas
	if s.World.ReplicasLine == 0 { // it leaves it to the target
		replicas = cmp.Or(replicas, len(f.targets))
	}
	s = s.Over(scenario.Overrides{DatabaseRTT: f.databaseRTT.rtt, RedisRTT: f.redisRTT.rtt, Replicas: replicas})
	cfg := run.Config{
		Scenario: s, Seed: f.seed, Rounds: f.rounds.n, Auto: f.rounds.auto, Budget: f.budget, Client: options, AllowLimited: f.limited, MetricsAddr: f.metrics, Traces: f.traces, OTLP: f.otlp,
		OTLPListen: f.otlpListen, OTLPWait: f.otlpWait,
		Progress: newProgress(env),
		Stack: stack.Config{
			Kind: f.stack, AppBinary: f.app, AppArgs: s.App.Flags(), Env: env.vars, Properties: s.App.Count("properties"), LameDuck: s.App.Duration("lame_duck"), Targets: f.targets,
			Labs: f.labs, LinksAddr: f.links, Log: env.stderr,
		},
	}
	if onCompose {
		cfg.Stack = cfg.Stack.OnCompose(s.Replicas())
		cfg.MetricsAddr = cmp.Or(cfg.MetricsAddr, stack.ComposeMetrics)
		f.grafana = cmp.Or(f.grafana, stack.ComposeGrafana)
	}
	if err := f.viewers(&cfg); err != nil {
		return cfg, usageError{err}
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
	case f.stack == stack.Remote && len(f.targets) == 0:
		return cfg, usageError{errors.New("a remote stack needs its address: --target http://host:port")}
	case f.otlpListen != "" && len(f.targets) == 0:
		return cfg, usageError{errors.New("--otlp-listen goes with --target: a lab of the run's own sends its spans already")}
	case f.otlpWait < 0:
		return cfg, usageError{fmt.Errorf("--otlp-wait is %s: the least is 0s", f.otlpWait)}
	case f.links != "" && len(f.targets) == 0:
		return cfg, usageError{errors.New("--links goes with --target: a lab of the run's own has its own links")}
	case f.databaseRTT.rtt != nil && len(f.targets) > 0 && f.links == "", f.redisRTT.rtt != nil && len(f.targets) > 0 && f.links == "":
		return cfg, usageError{errors.New("--database-rtt and --redis-rtt take links, which a service that runs already does not have: give their address with --links")}
	case f.budget <= 0:
		return cfg, usageError{fmt.Errorf("--budget is %s: the least is more than nothing", f.budget)}
	case f.replicas > 0 && len(f.targets) > 0:
		return cfg, usageError{errors.New("--replicas is for a lab of the run's own: a service that runs already has as many as --target is there")}
	case len(f.labs) > 0 && len(f.targets) == 0:
		return cfg, usageError{errors.New("--lab goes with --target")}
	case len(f.labs) > 0 && len(f.labs) != len(f.targets):
		return cfg, usageError{fmt.Errorf("--lab is there %d times and --target %d times: give every replica both, in the same order", len(f.labs), len(f.targets))}
	}
	return cfg, nil
}
