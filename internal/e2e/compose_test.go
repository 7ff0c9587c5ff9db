package e2e_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadlab/internal/testkit"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

const composeFile = "../../docker-compose.yml"

// compose loads the compose file with every profile, and an environment of its own.
func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{composeFile}, cli.WithEnv(env), cli.WithProfiles([]string{"*"}), cli.WithDiscardEnvFile)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	p := compose(t)
	var up []string
	for name, s := range p.Services {
		if len(s.Profiles) == 0 {
			up = append(up, name)
		}
	}
	slices.Sort(up)
	if want := []string{"app", "grafana", "jaeger", "links", "postgres", "prometheus", "redis"}; !slices.Equal(up, want) {
		t.Errorf("started by up: got %q, want %q", up, want)
	}
	for name, want := range map[string]string{"loadgen": "scenario", "replica": "replicas"} {
		if got := p.Services[name].Profiles; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got profiles %q, want %s", name, got, want)
		}
	}
	var memory types.UnitBytes
	for name, s := range p.Services {
		if name != "replica" { // there are as many as somebody asks for
			memory += s.MemLimit
		}
		if s.MemLimit == 0 || s.Restart != "no" || !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: got memory %d, restart %q, read-only %t, dropped %q; want a limit, no, true, ALL",
				name, s.MemLimit, s.Restart, s.ReadOnly, s.CapDrop)
		}
		if s.Build == nil && (s.User == "" || s.User == "0" || s.User == "root") {
			t.Errorf("%s: runs as %q, want a user that is not root", name, s.User)
		}
		if limit := goLimit(t, s); limit >= int64(s.MemLimit) {
			t.Errorf("%s: GOMEMLIMIT %d is not below the container's %d", name, limit, s.MemLimit)
		}
	}
	if memory > 2<<30 {
		t.Errorf("memory limits add up to %d MiB, want at most 2048", memory>>20)
	}
}

// goLimit is the memory limit of a Go program, 0 without one.
func goLimit(t *testing.T, s types.ServiceConfig) int64 {
	t.Helper()
	text := s.Environment["GOMEMLIMIT"]
	if text == nil {
		return 0
	}
	mib, err := strconv.ParseInt(strings.TrimSuffix(*text, "MiB"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return mib << 20
}

// Every image has a tag that says which version it is; what is built here has a Dockerfile.
func TestComposeImages(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z./]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)
	for name, s := range compose(t).Services {
		if s.Build == nil {
			if !pinned.MatchString(s.Image) {
				t.Errorf("%s: image %s is not pinned", name, s.Image)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every service says when it is healthy, without a shell where the image has none, and whoever waits for it waits for that.
func TestComposeHealth(t *testing.T) {
	t.Parallel()
	p := compose(t)
	for name, s := range p.Services {
		if name == "loadgen" {
			if s.HealthCheck == nil || !s.HealthCheck.Disable {
				t.Error("loadgen runs once: want no health check")
			}
		} else if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Interval == nil || s.HealthCheck.StartPeriod == nil {
			t.Errorf("%s: got health check %+v, want one with interval and start period", name, s.HealthCheck)
		}
		for other, on := range s.DependsOn {
			if on.Condition != types.ServiceConditionHealthy && on.Condition != types.ServiceConditionStarted {
				t.Errorf("%s waits for %s to be %s", name, other, on.Condition)
			}
		}
	}
	if got := []string(p.Services["app"].HealthCheck.Test); !slices.Equal(got, []string{"CMD", "/app", "healthcheck"}) {
		t.Errorf("app: got health check %q, want its own binary's", got)
	}
	if got, want := []string(p.Services["links"].HealthCheck.Test), "/loadgen link --check=tcp:127.0.0.1:8474"; strings.Join(got, " ") != "CMD "+want {
		t.Errorf("links: got health check %q, want %q", got, want)
	}
	for _, name := range []string{"postgres", "redis", "links"} {
		if p.Services["app"].DependsOn[name].Condition != types.ServiceConditionHealthy {
			t.Errorf("app does not wait until %s is healthy", name)
		}
	}
}

// Ports are bound to the loopback interface, each can be moved, and all of them but the two of controls to another interface.
func TestComposePorts(t *testing.T) {
	t.Parallel()
	variables := map[string]string{ // of the published ports
		"app/8000": "LOADLAB_API_PORT", "app/8001": "LOADLAB_LAB_PORT", "links/8474": "LOADLAB_LINKS_PORT", "grafana/3000": "LOADLAB_GRAFANA_PORT",
		"prometheus/9090": "LOADLAB_PROMETHEUS_PORT", "jaeger/16686": "LOADLAB_JAEGER_PORT",
		"jaeger/4317": "LOADLAB_OTLP_GRPC_PORT", "jaeger/4318": "LOADLAB_OTLP_HTTP_PORT",
	}
	env := []string{"LOADLAB_BIND=0.0.0.0"}
	moved := map[string]string{}
	for i, port := range slices.Sorted(maps.Keys(variables)) {
		moved[port] = strconv.Itoa(20000 + i)
		env = append(env, variables[port]+"="+moved[port])
	}
	at := func(p *types.Project) map[string]string {
		published := map[string]string{}
		for name, s := range p.Services {
			for _, port := range s.Ports {
				published[name+"/"+strconv.Itoa(int(port.Target))] = port.HostIP + ":" + port.Published
			}
		}
		return published
	}
	got, other := at(compose(t)), at(compose(t, env...))
	if len(got) != len(variables) {
		t.Errorf("got ports %v, want those of %v", got, variables)
	}
	for port := range variables {
		_, number, _ := strings.Cut(port, "/")
		if want := "127.0.0.1:" + number; got[port] != want {
			t.Errorf("%s: got %s, want %s", port, got[port], want)
		}
		want := "0.0.0.0:" + moved[port]
		if port == "app/8001" || port == "links/8474" {
			want = "127.0.0.1:" + moved[port] // they have no authentication
		}
		if other[port] != want {
			t.Errorf("%s, moved by %s: got %s, want %s", port, variables[port], other[port], want)
		}
	}
}

// What is mounted is there, and cannot be written but for the reports.
func TestComposeMounts(t *testing.T) {
	t.Parallel()
	p := compose(t)
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeVolume {
				if _, ok := p.Volumes[v.Source]; !ok {
					t.Errorf("%s: there is no volume %s", name, v.Source)
				}
				continue
			}
			if filepath.Base(v.Source) == "runs" { // made by the first run
				continue
			}
			if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
				t.Errorf("%s: mount %s: %v, read-only %t; want that it is there and cannot be written", name, v.Source, err, v.ReadOnly)
			}
		}
	}
	if !slices.ContainsFunc(p.Services["postgres"].Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == "/var/lib/postgresql" }) {
		t.Error("PostgreSQL 18 keeps its data below /var/lib/postgresql: want the volume there")
	}
}

// The lab and its telemetry find each other.
func TestComposeWiring(t *testing.T) {
	t.Parallel()
	p := compose(t)
	app := p.Services["app"].Environment
	for name, want := range map[string]string{
		"LOADLAB_DATABASE_URL": "postgres://loadlab:loadlab@links:5432/loadlab?sslmode=disable", "LOADLAB_REDIS_URL": "redis://links:6379/0",
		"LOADLAB_LAB_ADDR": ":8001", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318",
	} {
		if app[name] == nil || *app[name] != want {
			t.Errorf("app: %s: got %v, want %s", name, app[name], want)
		}
	}
	if got, want := []string(p.Services["links"].Command), []string{"link", "--link=database=tcp::5432,tcp:postgres:5432", "--link=redis=tcp::6379,tcp:redis:6379",
		"--control=tcp::8474"}; !slices.Equal(got, want) {
		t.Errorf("links: got %q, want %q", got, want)
	}
	if !slices.Contains(p.Services["prometheus"].Command, "--enable-feature=exemplar-storage") {
		t.Error("Prometheus keeps no exemplars")
	}
	grafana := p.Services["grafana"].Environment
	for name, want := range map[string]string{
		"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "GF_AUTH_DISABLE_LOGIN_FORM": "true",
		"GF_AUTH_BASIC_ENABLED": "false", "GF_ANALYTICS_REPORTING_ENABLED": "false", "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
		"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/etc/loadlab/dashboards/mode-comparison.json",
	} {
		if grafana[name] == nil || *grafana[name] != want {
			t.Errorf("grafana: %s: got %v, want %s", name, grafana[name], want)
		}
	}
}

// .env.example has every variable of the compose file, with the default that the compose file gives it.
func TestEnvExample(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for line := range strings.Lines(string(testkit.ReadFile(t, ".env.example"))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			documented[name] = value
		}
	}
	used := map[string]string{}
	for _, m := range regexp.MustCompile(`\$\{(\w+):-((?:[^{}]|\$\{[^{}]*\})*)\}`).FindAllStringSubmatch(string(testkit.ReadFile(t, "docker-compose.yml")), -1) {
		if before, ok := used[m[1]]; ok && before != m[2] {
			t.Errorf("%s has two defaults: %q and %q", m[1], before, m[2])
		}
		used[m[1]] = m[2]
	}
	if !maps.Equal(documented, used) {
		t.Errorf("documented: %v\nused: %v", documented, used)
	}
	bare := regexp.MustCompile(`\$(\w+|\{\w+\})`).FindAllString(string(testkit.ReadFile(t, "docker-compose.yml")), -1)
	if len(bare) > 0 {
		t.Errorf("without a default: %q", bare)
	}
}

// A replica is the app without its ports.
func TestComposeReplica(t *testing.T) {
	t.Parallel()
	p := compose(t)
	app, replica := p.Services["app"], p.Services["replica"]
	if len(replica.Ports) > 0 {
		t.Errorf("a replica has the ports %v, of which there is but one", replica.Ports)
	}
	app.Name, app.Ports, app.Profiles = replica.Name, replica.Ports, replica.Profiles
	if diff := cmp.Diff(app, replica); diff != "" {
		t.Errorf("-app +replica\n%s", diff)
	}
}

// make runs a scenario on the compose stack, on as many replicas as the scenario has, with a generator that is built if it has changed.
func TestComposeScenario(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"stampede":            {"[ 1 = 1 ]", "run --rm --build --use-aliases loadgen run stampede --stack compose"},
		"replicas":            {"up --detach --build --wait --scale replica=$((4-1)) replica", "loadgen run replicas --stack compose"},
		"replicas REPLICAS=2": {"--scale replica=$((2-1)) replica", "loadgen run replicas --stack compose --replicas 2"},
		"/else/where/x.yaml":  {"--use-aliases --volume '/else/where:/lab/own:ro' loadgen run own/x.yaml --stack compose"},
	} {
		args := strings.Fields("--dry-run --directory=../.. scenario STACK=compose NAME=" + name)
		cmd := exec.CommandContext(t.Context(), "make", args...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(string(out), "\\\n", " ")), " ")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: got %s, want %q", name, text, w)
			}
		}
	}
}

// Where there is no Docker, whoever asks for it is told in one line what to install.
func TestComposeWithoutDocker(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{"make", "git", "sed", "sort", "tail", "mkdir"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"up", "down", "scenario"} {
		cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "--directory=../..", target, "STACK=compose")
		cmd.Env = []string{"PATH=" + path}
		out, err := cmd.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		want := "make " + target + " takes Docker with its plugins compose and buildx: https://"
		if err == nil || len(lines) != 2 || !strings.HasPrefix(lines[0], want) || !strings.HasPrefix(lines[1], "make: ***") {
			t.Errorf("%s: got %v and %q, want one line: %s", target, err, lines, want)
		}
	}
}
