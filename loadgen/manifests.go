package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"loadlab/loadgen/internal/cluster"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/scenario"
)

// manifestsCommand prints what run --on kubernetes creates.
func manifestsCommand(env environment, dir *string) *cobra.Command {
	var f runFlags
	var secretName string
	cmd := &cobra.Command{
		Use: "manifests SCENARIO", Short: "Print the objects of a run in a Kubernetes cluster, for who applies them himself", Args: arguments(cobra.ExactArgs(1)),
		Long: "Print the objects that run --on kubernetes creates, as YAML. When they have been applied, loadgen collect follows the run and brings its report home.",
		Example: `  loadgen manifests my.yaml --workers 8 --target http://my-service --name nightly > run.yaml
  kubectl apply -f run.yaml && loadgen collect nightly`,
	}
	cmd.ValidArgsFunction = completeScenarios(dir, env.lookup)
	flags := cmd.Flags()
	f.define(flags, env)
	flags.StringVar(&secretName, "secret-name", "", "Secret that is there already, in place of one that is printed")
	flags.StringVar(&f.access.Namespace, "namespace", "", "namespace of the objects (default: that of who applies them)")
	for _, name := range []string{"out", "no-html", "live", "on"} {
		_ = flags.MarkHidden(name) // they are defined
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.outcome.live != "" {
			return usageError{errors.New(live.Flag + " goes with loadgen collect, which follows the run")}
		}
		s, err := scenario.Find(*dir, args[0], env.lookup)
		if err != nil {
			return usageError{err}
		}
		if s, err = f.chosen(cmd, s); err != nil {
			return err
		}
		spec, err := f.podSpec(cmd, env, s)
		if err != nil {
			return err
		}
		spec.Namespace, spec.SecretName = f.access.Namespace, secretName
		if secretName != "" {
			fmt.Fprintf(env.stderr, "the Secret %s is to have: %s\n", secretName, strings.Join(spec.SecretKeys(), ", "))
		}
		return printObjects(env, spec)
	}
	return cmd
}

// printObjects prints the objects of a run as one YAML file.
func printObjects(env environment, spec *cluster.Spec) error {
	for _, o := range spec.Objects().All() {
		text, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		// What the cluster fills in is not for who applies it.
		text = []byte(strings.ReplaceAll(string(text), "status: {}\n", ""))
		text = []byte(strings.ReplaceAll(string(text), "status:\n  loadBalancer: {}\n", ""))
		if _, err := fmt.Fprintf(env.stdout, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
