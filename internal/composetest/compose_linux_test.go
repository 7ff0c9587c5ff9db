package composetest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadlab/internal/testkit"
)

var withEngine = flag.Bool("engine", false, "run the compose file in a Docker engine of the test's own; takes minutes, and root") //nolint:gochecknoglobals // flags of a test binary are globals

// stack is the compose stack of a copy of the tree, of which the test may change what it wants.
type stack struct {
	*engine
	tree  string
	ports map[string]string // by variable
}

// TestCompose runs the compose file as README describes it. Its parts follow upon each other.
func TestCompose(t *testing.T) {
	if !*withEngine {
		t.Skip("make test-compose runs it")
	}
	s := &stack{engine: startEngine(t), tree: copyTree(t), ports: map[string]string{}}
	s.standIns(t)
	for _, v := range regexp.MustCompile(`LOADLAB_\w+_PORT`).FindAllString(string(testkit.ReadFile(t, ".env.example")), -1) {
		s.ports[v] = freePort(t)
		s.env = append(s.env, v+"="+s.ports[v])
	}
	t.Cleanup(func() { s.shell(t, s.tree, "make down") })
	if r := s.shell(t, s.tree, "make up"); r.code != 0 {
		t.Fatalf("%s\n%s", r, s.shell(t, s.tree, "docker compose logs --tail 20"))
	}
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"services", s.testServices}, {"ports", s.testPorts}, {"own scenario", s.testOwn}, {"edited scenario", s.testEdited}, {"by path", s.testByPath},
		{"replicas", s.testReplicas}, {"the compose file's own command", s.testComment}, {"telemetry", s.testTelemetry}, {"runs that cannot be written", s.testUnwritable},
		{"down", s.testDown},
	} {
		t.Run(part.name, part.test)
	}
}

// copyTree copies what git knows of the working tree, changes and new files included, into a folder of the test's.
func copyTree(t *testing.T) string {
	t.Helper()
	root, to := testkit.Root(t), filepath.Join(t.TempDir(), "loadlab")
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // its port is all that is wanted
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// container is what docker inspect reports of one.
type container struct {
	Config struct {
		Image  string
		Labels map[string]string
	}
	State struct {
		Pid       int
		OOMKilled bool
		Health    struct{ Status string }
	}
	HostConfig struct {
		Memory         int64
		ReadonlyRootfs bool
		RestartPolicy  struct{ Name string }
	}
	NetworkSettings struct {
		Ports map[string][]struct{ HostIp, HostPort string } //nolint:revive // docker's name
	}
}

// containers returns those that run, by their service.
func (s *stack) containers(t *testing.T) map[string]container {
	t.Helper()
	var all []container
	out := s.docker(t, nil, append([]string{"inspect"}, strings.Fields(s.docker(t, nil, "ps", "--quiet"))...)...)
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	by := map[string]container{}
	for _, c := range all {
		by[c.Config.Labels["com.docker.compose.service"]] = c
	}
	return by
}

// Every service is healthy, and is held to what the compose file promises, as the kernel sees it.
func (s *stack) testServices(t *testing.T) {
	all := s.containers(t)
	if got, want := slices.Sorted(maps.Keys(all)), []string{"app", "grafana", "jaeger", "links", "postgres", "prometheus", "redis"}; !slices.Equal(got, want) {
		t.Fatalf("make up: got %q, want %q", got, want)
	}
	var memory int64
	for name, c := range all {
		memory += c.HostConfig.Memory
		if c.State.Health.Status != "healthy" || c.State.OOMKilled || c.HostConfig.RestartPolicy.Name != "no" || c.HostConfig.Memory == 0 {
			t.Errorf("%s: got %+v, %+v; want healthy, never killed for its memory, not restarted, a memory limit", name, c.State, c.HostConfig)
		}
		proc := filepath.Join("/proc", strconv.Itoa(c.State.Pid))
		status := read(t, filepath.Join(proc, "status"))
		for field, bad := range map[string]string{"Uid": "0", "CapEff": "", "NoNewPrivs": "0"} {
			got := strings.Fields(regexp.MustCompile(`(?m)^` + field + `:(.*)$`).FindStringSubmatch(status)[1])[0]
			if got == bad || field == "CapEff" && strings.Trim(got, "0") != "" {
				t.Errorf("%s: its process has %s %s", name, field, got)
			}
		}
		if mounts := read(t, filepath.Join(proc, "mountinfo")); !regexp.MustCompile(`(?m)^\d+ \d+ \S+ \S+ / ro,`).MatchString(mounts) {
			t.Errorf("%s: its root can be written:\n%s", name, mounts)
		}
	}
	if memory > 2<<30 {
		t.Errorf("memory limits add up to %d MiB, want at most 2048", memory>>20)
	}
	t.Logf("memory at rest:\n%s", s.docker(t, nil, "stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each published port answers on loopback, and on no other address of the machine.
func (s *stack) testPorts(t *testing.T) {
	others := addresses(t)
	published := map[string]bool{}
	for name, c := range s.containers(t) {
		for _, bindings := range c.NetworkSettings.Ports {
			for _, b := range bindings {
				published[b.HostPort] = true
				if b.HostIp != "127.0.0.1" {
					t.Errorf("%s: port %s is on %s", name, b.HostPort, b.HostIp)
				}
				if !accepts(t, net.JoinHostPort("127.0.0.1", b.HostPort)) {
					t.Errorf("%s: nothing accepts connections on port %s", name, b.HostPort)
				}
				for _, ip := range others {
					if accepts(t, net.JoinHostPort(ip, b.HostPort)) {
						t.Errorf("%s: port %s accepts connections on %s", name, b.HostPort, ip)
					}
				}
			}
		}
	}
	for name, port := range s.ports {
		if !published[port] {
			t.Errorf("%s=%s moves no port", name, port)
		}
	}
}

// addresses returns the machine's own IPv4 addresses that are not loopback.
func addresses(t *testing.T) (list []string) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			list = append(list, n.IP.String())
		}
	}
	return list
}

func accepts(t *testing.T, address string) bool {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// get asks a published port for a page.
func (s *stack) get(t *testing.T, variable, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", s.ports[variable])+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", path, resp.Status, err, text)
	}
	return string(text)
}

// query asks Prometheus for the value of an expression, 0 if it has none.
func (s *stack) query(t *testing.T, expr string) float64 {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal([]byte(s.get(t, "LOADLAB_PROMETHEUS_PORT", "/api/v1/query?query="+url.QueryEscape(expr))), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) == 0 {
		return 0
	}
	value, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
