package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"loadlab/internal/testkit"

	"github.com/goccy/go-yaml"

	"loadlab/internal/promtest"
)

const prometheusFile = "../../otel/prometheus/prometheus.yml"

// strictly reads a YAML file of the tree; an unknown key fails the test.
func strictly(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions(testkit.ReadFile(t, path), into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Prometheus scrapes every second what the compose file runs, on the ports that those listen on.
func TestPrometheusConfig(t *testing.T) {
	t.Parallel()
	c, err := promtest.ReadConfig(prometheusFile)
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Global; g.ScrapeInterval != "1s" || g.ScrapeTimeout != "1s" || !g.Native || !g.AlwaysClassic || c.Storage.Exemplars.Max == 0 {
		t.Errorf("got %+v, want scrapes every second, both forms of histograms, and exemplars", c)
	}
	hosts := map[string]bool{"localhost": true}
	for name, s := range compose(t).Services {
		hosts[name] = true
		if network := s.Networks["default"]; network != nil {
			for _, alias := range network.Aliases {
				hosts[alias] = true
			}
		}
	}
	got := map[string]string{}
	for _, s := range c.Scrapes {
		for _, to := range s.Targets {
			got[s.Job] = to.Addresses[0]
			if len(to.Addresses) > 1 {
				got["on the host"] = to.Addresses[1]
			}
		}
		for _, d := range s.DNS {
			got[s.Job] = fmt.Sprintf("%s:%d", d.Names[0], d.Port)
		}
		host, _, _ := strings.Cut(got[s.Job], ":")
		if !hosts[host] {
			t.Errorf("%s: nothing in the compose file is called %s", s.Job, host)
		}
	}
	for job, want := range map[string]string{
		"app": "apps:8001", "loadgen": "loadgen:9464", "on the host": "host.docker.internal:9464", "jaeger": "jaeger:8888", "spanmetrics": "jaeger:8889", "prometheus": "localhost:9090",
	} {
		if got[job] != want {
			t.Errorf("%s: got %q, want %s", job, got[job], want)
		}
	}
}

// promtool, where there is one, accepts what this machine's Prometheus would be started with.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool not found: install prometheus (Debian: apt-get install prometheus)")
		}
		t.Skip("SKIPPED, NOT TESTED: promtool not found: install prometheus (Debian: apt-get install prometheus)")
	}
	text, err := exec.CommandContext(t.Context(), promtool, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	version, err := promtest.ParseVersion(string(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := promtest.ReadConfig(prometheusFile)
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string][]string{}
	for _, s := range c.Scrapes {
		targets[s.Job] = []string{"localhost:1"}
	}
	if c, err = c.For(version, targets); err != nil {
		t.Fatal(err)
	}
	data, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{path}
	if version.Major > 3 || version.Major == 3 && version.Minor >= 8 {
		paths = append(paths, prometheusFile) // as it is: with the names of the compose stack, and its discovery of replicas
	}
	for _, path := range paths {
		if text, err := exec.CommandContext(t.Context(), promtool, "check", "config", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s\n%s", path, err, text, data)
		}
	}
}

// The images hold one static binary each, as a user that is not root; what is copied is in the tree and not kept out of the context.
func TestDockerfiles(t *testing.T) {
	t.Parallel()
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(testkit.ReadFile(t, "go.mod")))[1]
	for _, name := range []string{"app", "loadgen"} {
		text := string(testkit.ReadFile(t, name+"/Dockerfile"))
		from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(text, -1)
		if len(from) != 2 || !strings.HasPrefix(from[0][1], "golang:"+goVersion+".") || from[1][1] != "scratch" {
			t.Errorf("%s: got images %q, want a pinned golang:%s and scratch", name, from, goVersion)
		}
		for _, want := range []string{
			"CGO_ENABLED=0 go build", "./" + name, "-trimpath", "USER 65532:65532", `ENTRYPOINT ["/` + name + `"]`, "COPY go.mod go.sum ./",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: want %q", name, want)
			}
		}
	}
	if !strings.Contains(string(testkit.ReadFile(t, "app/Dockerfile")), `CMD ["/app", "healthcheck"]`) {
		t.Error("app: want a health check by the binary itself")
	}
	if strings.Contains(string(testkit.ReadFile(t, "loadgen/Dockerfile")), "COPY scenarios") {
		t.Error("loadgen: scenarios are mounted; one that is in the image makes another image of an edited one, and with it other links")
	}
	for line := range strings.Lines(string(testkit.ReadFile(t, ".dockerignore"))) {
		pattern := strings.TrimSpace(line)
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		tracked, err := exec.CommandContext(t.Context(), "git", "-C", "..", "ls-files", "--", ":(glob)"+pattern, ":(glob)"+pattern+"/**").Output()
		if err != nil {
			t.Logf("not a clone: %v", err)
		} else if len(tracked) > 0 {
			t.Errorf(".dockerignore: %s keeps tracked files out of the image: %s", pattern, tracked)
		}
	}
}
