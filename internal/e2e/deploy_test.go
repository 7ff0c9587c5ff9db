package e2e_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/internal/testkit"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// annotationLimit is what kubectl apply may keep of an object in the object's own annotations.
const annotationLimit = 256 << 10

// Every kustomization builds objects that the API takes, that name what is there, and whose pods the namespace admits.
func TestDeploy(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range builds() {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			o := kustomize(t, folder)
			if got := o.namespaces["loadlab"].Labels["pod-security.kubernetes.io/enforce"]; got != string(podsecurity.LevelRestricted) {
				t.Errorf("the namespace enforces %q, want restricted", got)
			}
			for name, d := range o.deployments {
				template := &d.Spec.Template
				level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
				if r := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec)); !r.Allowed {
					t.Errorf("%s is refused in its namespace: %s", name, r.ForbiddenDetail())
				}
				if !labels.SelectorFromSet(d.Spec.Selector.MatchLabels).Matches(labels.Set(template.Labels)) {
					t.Errorf("%s does not select its own pods", name)
				}
				o.checkPod(t, name, &template.Spec)
			}
			o.checkServices(t)
			for _, object := range o.all {
				if text, err := json.Marshal(object); err != nil || len(text) >= annotationLimit {
					t.Errorf("%T of %d bytes, %v: kubectl apply refuses it", object, len(text), err)
				}
			}
		})
	}
}

// checkPod checks that what a pod names is there.
func (o *objects) checkPod(t *testing.T, name string, pod *core.PodSpec) {
	t.Helper()
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		sources := []core.VolumeProjection{}
		if v.Projected != nil {
			sources = v.Projected.Sources
		}
		if c := v.ConfigMap; c != nil {
			sources = append(sources, core.VolumeProjection{ConfigMap: &core.ConfigMapProjection{LocalObjectReference: c.LocalObjectReference, Items: c.Items}})
		}
		for _, s := range sources {
			config, ok := o.configs[s.ConfigMap.Name]
			if !ok {
				t.Errorf("%s: there is no ConfigMap %s", name, s.ConfigMap.Name)
				continue
			}
			for _, item := range s.ConfigMap.Items {
				if _, ok := config.Data[item.Key]; !ok {
					t.Errorf("%s: there is no %s in %s", name, item.Key, config.Name)
				}
			}
		}
		if c := v.PersistentVolumeClaim; c != nil && o.claims[c.ClaimName] == nil {
			t.Errorf("%s: there is no claim %s", name, c.ClaimName)
		}
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: there is no volume %s", name, m.Name)
			}
		}
		for _, v := range c.Env {
			if v.ValueFrom == nil {
				continue
			}
			ref := v.ValueFrom.SecretKeyRef
			if s, ok := o.secrets[ref.Name]; !ok || len(s.Data[ref.Key]) == 0 {
				t.Errorf("%s: %s is of %s in %s, which is not there", name, v.Name, ref.Key, ref.Name)
			}
		}
		for _, p := range []*core.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if p != nil && p.HTTPGet != nil && o.port(name, p.HTTPGet.Port.StrVal, 0) == "" {
				t.Errorf("%s: a probe of port %s, which it has not", name, p.HTTPGet.Port.StrVal)
			}
		}
		if c.Resources.Limits.Memory().IsZero() || !c.Resources.Limits.Cpu().IsZero() {
			t.Errorf("%s: got limits %v, want one of memory and none of processors", name, c.Resources.Limits)
		}
	}
}

// checkServices checks that services and policies select pods that are there, and name ports that those have.
func (o *objects) checkServices(t *testing.T) {
	t.Helper()
	for name, s := range o.services {
		for _, p := range s.Spec.Ports {
			if pod, port := o.reach(name, p.Port); pod == "" || port == "" {
				t.Errorf("service %s: nothing is behind its port %d", name, p.Port)
			}
		}
	}
	for name, p := range o.policies {
		to := o.selected(p.Spec.PodSelector.MatchLabels)
		if len(to) != 1 {
			t.Errorf("policy %s: is about %q", name, to)
			continue
		}
		for _, rule := range p.Spec.Ingress {
			for _, peer := range rule.From {
				if len(o.selected(peer.PodSelector.MatchLabels)) != 1 {
					t.Errorf("policy %s: nobody is %v", name, peer.PodSelector.MatchLabels)
				}
			}
			for _, port := range rule.Ports {
				if o.port(to[0], port.Port.StrVal, 0) == "" {
					t.Errorf("policy %s: %s has no port %s", name, to[0], port.Port)
				}
			}
		}
	}
}

// address is a host and port in an argument, a variable or a file of configuration.
var address = regexp.MustCompile(`(?:tcp:|//|@|")([a-z][a-z-]*):(\d+)\b`)

// What is named by host and port is a port of a Service, and the network lets it through.
func TestDeployConnects(t *testing.T) {
	t.Parallel()
	o := kustomize(t, "deploy")
	found := map[string]bool{}
	connects := func(from, host, port string) {
		number, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		pod, name := o.reach(host, int32(number))
		switch {
		case host == "localhost":
			return
		case pod == "" || name == "":
			t.Errorf("%s: nothing is at %s:%s", from, host, port)
		case !o.allowed(from, pod, name):
			t.Errorf("%s: no policy lets it connect to %s:%s", from, host, port)
		}
		found[from+" "+host+":"+port] = true
	}
	for name, d := range o.deployments {
		c := d.Spec.Template.Spec.Containers[0]
		texts := slices.Clone(c.Args)
		for _, v := range c.Env {
			texts = append(texts, v.Value)
		}
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.ConfigMap != nil {
				for _, text := range o.configs[v.ConfigMap.Name].Data {
					texts = append(texts, text)
				}
			}
		}
		for _, m := range address.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
			connects(name, m[1], m[2])
		}
	}
	connects("prometheus", "apps", "8001")
	for _, a := range [][2]string{{"app", "80"}, {"app", "8001"}, {"apps", "8000"}, {"apps", "8001"}, {"links", "8474"}, {"jaeger", "4318"}} {
		connects("loadgen", a[0], a[1])
	}
	for _, want := range []string{
		"app links:5432", "app links:6379", "app jaeger:4318", "links postgres:5432", "links redis:6379", "prometheus loadgen:9464", "prometheus jaeger:8888", "prometheus jaeger:8889",
		"grafana prometheus:9090", "grafana jaeger:16686", "jaeger prometheus:9090",
	} {
		if !found[want] {
			t.Errorf("not found: %s", want)
		}
	}
	for _, no := range [][3]string{{"grafana", "app", "lab"}, {"app", "links", "control"}, {"app", "postgres", "postgres"}, {"loadgen", "redis", "redis"}, {"loadgen", "grafana", "http"}} {
		if o.allowed(no[0], no[1], no[2]) {
			t.Errorf("%s can connect to port %s of %s", no[0], no[2], no[1])
		}
	}
}

// The services are those of the compose file: images, commands, variables, memory. What differs is said here.
func TestDeployIsTheComposeFiles(t *testing.T) {
	t.Parallel()
	o, services := kustomize(t, "deploy"), compose(t).Services
	for _, name := range []string{"app", "links", "postgres", "redis", "prometheus", "jaeger", "grafana"} {
		s, d := services[name], o.deployments[name]
		if d == nil {
			t.Errorf("%s is not deployed", name)
			continue
		}
		c := d.Spec.Template.Spec.Containers[0]
		if c.Image != s.Image || c.Resources.Limits.Memory().Value() != int64(s.MemLimit) {
			t.Errorf("%s: got %s with %s, want %s with %d bytes", name, c.Image, c.Resources.Limits.Memory(), s.Image, s.MemLimit)
		}
		if diff := cmp.Diff([]string(s.Command), c.Args); diff != "" && len(s.Command)+len(c.Args) > 0 {
			t.Errorf("%s: command: -compose +deploy\n%s", name, diff)
		}
		if diff := cmp.Diff(variables(s), o.variables(t, c)); diff != "" {
			t.Errorf("%s: variables: -compose +deploy\n%s", name, diff)
		}
	}
	for _, c := range o.deployments["app"].Spec.Template.Spec.InitContainers {
		if c.Image != services["postgres"].Image {
			t.Errorf("%s: got image %s, want %s", c.Name, c.Image, services["postgres"].Image)
		}
	}
}

// variables returns those of a service.
func variables(s types.ServiceConfig) map[string]string {
	all := map[string]string{}
	for name, value := range s.Environment {
		all[name] = *value
	}
	return all
}

// variables returns those of a container that the compose file has too, as they are in it.
func (o *objects) variables(t *testing.T, c core.Container) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, v := range c.Env {
		value := v.Value
		if v.ValueFrom != nil {
			value = string(o.secrets[v.ValueFrom.SecretKeyRef.Name].Data[v.ValueFrom.SecretKeyRef.Key])
		}
		all[v.Name] = strings.ReplaceAll(value, "$(POSTGRES_PASSWORD)", all["POSTGRES_PASSWORD"])
	}
	if c.Name == "app" { // the password is a part of its URL, and it is taken out of a Service when it ends
		for _, name := range []string{"POSTGRES_PASSWORD", "LOADLAB_LAME_DUCK", "LOADLAB_DRAIN"} {
			if all[name] == "" {
				t.Errorf("app: it has no %s", name)
			}
			delete(all, name)
		}
	}
	return all
}

// All that the tree configures Prometheus and Grafana with is there.
func TestDeployHasTheConfiguration(t *testing.T) {
	t.Parallel()
	o := kustomize(t, "deploy")
	mounted := map[string]string{}
	for _, name := range []string{"prometheus", "grafana", "jaeger"} {
		pod := o.deployments[name].Spec.Template.Spec
		for _, m := range pod.Containers[0].VolumeMounts {
			for _, v := range pod.Volumes {
				if v.Name != m.Name {
					continue
				}
				for path, text := range o.files(v) {
					mounted[filepath.Join(m.MountPath, path)] = text
				}
			}
		}
	}
	want := map[string]string{}
	root := testkit.Root(t)
	for pattern, folder := range map[string]string{
		"otel/prometheus/prometheus.yml": "/etc/prometheus", "otel/prometheus/rules/*.yml": "/etc/prometheus/rules", "otel/jaeger/config.yaml": "/etc/jaeger",
		"grafana/provisioning/datasources/*.yaml": "/etc/grafana/provisioning/datasources", "grafana/provisioning/dashboards/*.yaml": "/etc/grafana/provisioning/dashboards",
		"dashboards/json/*.json": "/etc/loadlab/dashboards",
	} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, p := range paths {
			name, err := filepath.Rel(root, p)
			if err != nil {
				t.Fatal(err)
			}
			want[filepath.Join(folder, filepath.Base(p))] = string(testkit.ReadFile(t, name))
		}
	}
	if diff := cmp.Diff(want, mounted); diff != "" {
		t.Errorf("-tree +deploy\n%s", diff)
	}
}

// files returns the files of a volume of ConfigMaps, by path.
func (o *objects) files(v core.Volume) map[string]string {
	all := map[string]string{}
	add := func(name string, items []core.KeyToPath) {
		config, ok := o.configs[name]
		if !ok {
			return // TestDeploy reports it
		}
		data := config.Data
		for _, i := range items {
			all[i.Path] = data[i.Key]
		}
		for key, text := range data {
			if len(items) == 0 {
				all[key] = text
			}
		}
	}
	if v.ConfigMap != nil {
		add(v.ConfigMap.Name, v.ConfigMap.Items)
	}
	if v.Projected != nil {
		for _, s := range v.Projected.Sources {
			add(s.ConfigMap.Name, s.ConfigMap.Items)
		}
	}
	return all
}

// The programs take the variables and arguments that their containers have, answer at the paths of their probes, and have the time to end that they are given.
func TestDeployedPrograms(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds both programs")
	}
	o := kustomize(t, "deploy")
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	pod := o.deployments["app"].Spec.Template.Spec
	app := pod.Containers[0]
	usage, err := exec.CommandContext(t.Context(), filepath.Join(dir, "app"), "-h").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	// It reads its flags and variables, and then finds no app that runs: exit code 1. It would be 2 of one that it cannot read.
	check := exec.CommandContext(t.Context(), filepath.Join(dir, "app"), "healthcheck")
	for _, v := range app.Env {
		value := v.Value
		if v.Name == "LOADLAB_ADDR" {
			value = "127.0.0.1:1"
		}
		check.Env = append(check.Env, v.Name+"="+value)
		if strings.HasPrefix(v.Name, api.EnvPrefix) && !strings.Contains(string(usage), "["+v.Name+"]") {
			t.Errorf("app: it does not know the variable %s", v.Name)
		}
	}
	out, err := check.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "not ready") {
		t.Errorf("app: got %v: %s, want that it is not ready", err, out)
	}
	for probe, want := range map[*core.Probe]string{app.StartupProbe: api.PathHealthz, app.ReadinessProbe: api.PathReadyz, app.LivenessProbe: api.PathHealthz} {
		if probe.HTTPGet.Path != want {
			t.Errorf("app: got a probe of %s, want %s", probe.HTTPGet.Path, want)
		}
	}
	const closing = 5 * time.Second
	if takes := o.duration(t, app, "LOADLAB_LAME_DUCK") + o.duration(t, app, "LOADLAB_DRAIN") + closing; time.Duration(*pod.TerminationGracePeriodSeconds)*time.Second < takes {
		t.Errorf("app: it is killed after %d s, and may take %s to end", *pod.TerminationGracePeriodSeconds, takes)
	}
	links := o.deployments["links"].Spec.Template.Spec.Containers[0]
	for _, args := range [][]string{links.Args, links.ReadinessProbe.Exec.Command[1:], links.StartupProbe.Exec.Command[1:]} {
		// -h is read when all that stands before it has been.
		if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "loadgen"), append(slices.Clone(args), "-h")...).CombinedOutput(); err != nil {
			t.Errorf("loadgen %q: %v: %s", args, err, out)
		}
	}
}

// duration returns that of a variable of a container.
func (o *objects) duration(t *testing.T, c core.Container, name string) time.Duration {
	t.Helper()
	for _, v := range c.Env {
		if v.Name == name {
			d, err := time.ParseDuration(v.Value)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	t.Fatalf("%s has no %s", c.Name, name)
	return 0
}
