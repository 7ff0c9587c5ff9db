package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"loadlab/loadgen/internal/cluster"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/shard"
	"loadlab/loadgen/internal/stack"
)

// onKubernetes is the value of --on for pods.
const onKubernetes = "kubernetes"

// defaultImage is what make images builds.
const defaultImage = "loadlab/loadgen:dev"

// accessFlags are the flags of which cluster.
type accessFlags struct{ cluster.Access }

func (f *accessFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.Kubeconfig, "kubeconfig", "", "`file` of the clusters (default: as kubectl has it, $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.Context, "context", "", "which of its contexts (default: the current one)")
	flags.StringVar(&f.Namespace, "namespace", "", "where in the cluster (default: the context's namespace)")
}

// podFlags are the flags of the pods of a run.
type podFlags struct {
	image, name, cpu, memory, pull string
	nodes                          map[string]string
	tolerations                    []string
	account, pullSecret            string
	start, hold                    time.Duration
}

func (f *podFlags) define(flags *pflag.FlagSet, env environment) {
	flags.StringVar(&f.image, "image", cmp.Or(env.get(envImage), defaultImage), "image of the pods, as make images builds it; LOADLAB_IMAGE is another default")
	flags.StringVar(&f.name, "name", "", "name of the run's objects (default: drawn)")
	flags.StringVar(&f.cpu, "cpu", "1", "processors that each pod asks for; nothing limits it")
	flags.StringVar(&f.memory, "memory", "512Mi", "memory that each pod asks for, and its limit")
	flags.StringToStringVar(&f.nodes, "node-selector", nil, "labels of the nodes that pods may be on: key=value")
	flags.StringArrayVar(&f.tolerations, "toleration", nil, "taint of nodes that pods may be on all the same: key=value:Effect, key:Effect or key; again for each")
	flags.StringVar(&f.account, "service-account", "", "service account of the pods, whose token they do not get (default: the namespace's)")
	flags.StringVar(&f.pull, "pull-policy", "", "Always, IfNotPresent or Never (default: the cluster's)")
	flags.StringVar(&f.pullSecret, "pull-secret", "", "Secret with which the image is pulled")
	flags.DurationVar(&f.start, "start-timeout", 5*time.Minute, "how long pods may take to start")
	flags.DurationVar(&f.hold, "hold", 10*time.Minute, "how long pod 0 keeps the results of a run that nobody has fetched")
}

// pod is what the flags choose of the pods.
func (f *podFlags) pod() (p cluster.Pod, err error) {
	p = cluster.Pod{PullSecret: f.pullSecret, ServiceAccount: f.account, NodeSelector: f.nodes, PullPolicy: core.PullPolicy(f.pull)}
	if p.CPU, err = resource.ParseQuantity(f.cpu); err != nil {
		return p, fmt.Errorf("--cpu is %q: use a number such as 2, or 500m", f.cpu)
	}
	if p.Memory, err = resource.ParseQuantity(f.memory); err != nil {
		return p, fmt.Errorf("--memory is %q: use a size such as 512Mi or 2Gi", f.memory)
	}
	policies := []core.PullPolicy{"", core.PullAlways, core.PullIfNotPresent, core.PullNever}
	if !slices.Contains(policies, p.PullPolicy) {
		return p, fmt.Errorf("--pull-policy is %q: use Always, IfNotPresent or Never", f.pull)
	}
	for _, text := range f.tolerations {
		t, err := toleration(text)
		if err != nil {
			return p, err
		}
		p.Tolerations = append(p.Tolerations, t)
	}
	return p, nil
}

// toleration reads key=value:Effect, of which the value and the effect may be left out.
func toleration(text string) (t core.Toleration, err error) {
	taint, effect, _ := strings.Cut(text, ":")
	t.Effect = core.TaintEffect(effect)
	var valued bool
	t.Key, t.Value, valued = strings.Cut(taint, "=")
	if t.Operator = core.TolerationOpExists; valued {
		t.Operator = core.TolerationOpEqual
	}
	effects := []core.TaintEffect{"", core.TaintEffectNoSchedule, core.TaintEffectPreferNoSchedule, core.TaintEffectNoExecute}
	if t.Key == "" || !slices.Contains(effects, t.Effect) {
		return t, fmt.Errorf("--toleration is %q: use key=value:Effect, where Effect is NoSchedule, PreferNoSchedule or NoExecute", text)
	}
	return t, nil
}

// passed are the flags of run that pods get. What the others are about stays here, or is a file of this machine.
func passed() []string {
	return []string{
		"allow-limited", "budget", "database-rtt", "http2", "insecure", "lab", "links", "location", "metrics-addr", "modes", "otlp", "otlp-listen", "otlp-wait", "phases", "proxy",
		"redirects", "redis-rtt", "rounds", "seed", "target", "traces", "transport",
	}
}

// refused are the flags of run that make no sense with pods, and what to do instead.
func refused() map[string]string {
	const beside = "name it in the scenario's target: files beside the scenario go along"
	const detoured = "write it into the scenario's target, as connect_to: host:port"
	return map[string]string{
		"cacert": beside, "cert": beside, "key": beside, "connect-to": detoured, "resolve": detoured, "connect-timeout": "write it into the scenario's target",
		"user":        "it would be on the command line of the pods: write it into the scenario's target, as user: name:${PASSWORD}",
		"unix-socket": "pods have a file system of their own", "app": "pods have a service that runs already: --target", "replicas": "a service that runs already has as many as it has",
		"workers-at": "pods find each other", "secret": "the run has a Secret", "worker-join": "--start-timeout is how long pods may take",
	}
}

// passOn returns the flags that were given and that pods get.
func passOn(flags *pflag.FlagSet) (args []string, err error) {
	taken, never := passed(), refused()
	flags.Visit(func(f *pflag.Flag) {
		if why, ok := never[f.Name]; ok {
			err = errors.Join(err, usageError{fmt.Errorf("--%s does not go with --on %s: %s", f.Name, onKubernetes, why)})
		}
		if !slices.Contains(taken, f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			args = append(args, "--"+f.Name+"="+v)
		}
	})
	return args, err
}

// spec is a run of a scenario by n pods, which may be silent for a time. args are for the pods' loadgen run; long is how long the run takes.
func (f *podFlags) spec(n int, silence time.Duration, source *source, args []string, long time.Duration) (*cluster.Spec, error) {
	pod, err := f.pod()
	if err != nil {
		return nil, usageError{err}
	}
	if n < 1 || n > maxElsewhere {
		return nil, usageError{fmt.Errorf("--workers is %d: with --on %s it is how many pods there are, from 1 to %d", n, onKubernetes, maxElsewhere)}
	}
	s := &cluster.Spec{
		Name: f.name, Image: f.image, Workers: n, Pod: pod, Secret: shard.NewSecret(),
		Scenario: source.name, Files: source.files, Private: source.private, Variables: source.variables,
		Args: append(args, "--hold="+f.hold.String()), Join: f.start, Silence: silence,
		// What is between phases takes time, too, and a service that does not answer.
		Deadline: f.start + 2*long + f.hold + 2*time.Minute,
	}
	if s.Name == "" {
		s.Name = cluster.RunName(source.scenario.Name)
	}
	if err := s.Check(); err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// length is how long a run may take.
func (f *runFlags) length(s *scenario.Scenario) time.Duration {
	if f.rounds.auto {
		return f.budget
	}
	long := *s
	if f.rounds.n > 0 {
		long.Rounds = f.rounds.n
	}
	return min(long.Estimate(), maxLength)
}

// maxLength keeps sums of durations from overflowing.
const maxLength = 30 * 24 * time.Hour

// elsewhere runs a scenario where --on says.
func (f *runFlags) elsewhere(cmd *cobra.Command, env environment, s *scenario.Scenario) error {
	if f.on != onKubernetes {
		return usageError{fmt.Errorf("--on is %q: use %s, or leave it out", f.on, onKubernetes)}
	}
	spec, err := f.podSpec(cmd, env, s)
	if err != nil {
		return err
	}
	return f.podRun(cmd.Context(), env, spec)
}

// podSpec is the run of a scenario, with the modes that are chosen, by pods. What they would refuse is refused here.
func (f *runFlags) podSpec(cmd *cobra.Command, env environment, chosen *scenario.Scenario) (*cluster.Spec, error) {
	args, err := passOn(cmd.Flags())
	switch {
	case err != nil:
		return nil, err
	case f.stack != "" && f.stack != stack.Remote:
		return nil, usageError{fmt.Errorf("--stack %s does not go with pods: they have a service that runs already: --target", f.stack)}
	case len(f.targets) == 0 && chosen.Target == nil:
		return nil, usageError{errors.New("pods need the address of a service that they reach: --target http://my-service")}
	}
	there := *f // where names with several addresses have them
	there.targets, there.labs = oneAddress(f.targets), oneAddress(f.labs)
	cfg, err := there.config(chosen, env, cmd.Flags().Changed("seed"))
	if err == nil && slices.Equal(there.targets, f.targets) { // else nobody knows here how many replicas there are
		err = run.Check(cfg)
	}
	if err != nil {
		return nil, err
	}
	source, err := readSource(chosen.File, env)
	if err != nil {
		return nil, usageError{err}
	}
	return f.pods.spec(f.workers.n, f.workers.silence, source, args, f.length(chosen))
}

// oneAddress takes the names of several replicas for one each.
func oneAddress(urls []string) (list []string) {
	for _, u := range urls {
		list = append(list, strings.TrimPrefix(u, everyAddress))
	}
	return list
}

// podRun runs a scenario in a cluster, and brings its report home.
func (f *runFlags) podRun(ctx context.Context, env environment, spec *cluster.Spec) error {
	h, err := f.access.home(env, f.outcome.folder, spec.Name, f.pods.start)
	if err != nil {
		return err
	}
	h.workers, h.secret = spec.Workers, spec.Secret
	ctx, atOnce, end, err := h.open(ctx, f.outcome.live)
	if err != nil {
		return err
	}
	defer end()
	if err := h.cluster.Create(ctx, spec.Objects()); err != nil {
		return err
	}
	fmt.Fprintf(env.stderr, "job %s in namespace %s: %d pods of %s\n", spec.Name, h.cluster.Namespace, spec.Workers, spec.Image)
	defer h.remove(atOnce)
	return h.bring(ctx, atOnce, f.outcome)
}
