package composetest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// own is a scenario that nobody has shipped. Its load is small, and goes through the links; what it holds does not depend on how busy the machine is.
const own = `why: an own scenario
app: {ttl: 10s}
world: {database: {rtt: 1ms}, replicas: 1}
modes: {lock: GET /api/properties/cached/lock/?loader=optimized}
rounds: 1
phases:
  - {name: burst, burst: 20, before: [flush]}
gates:
  - errors() == 0
  - recomputes("lock", "burst") >= 1
`

// recorded is what is read of a run.json.
type recorded struct {
	ID       string
	Scenario struct{ Name string }
	Stack    struct {
		Kind, Database, Cache string
		Replicas              int
		Distances             []struct{ Link bool }
	}
	Cells []struct {
		Mode, Phase string
		Ledger      struct{ Scheduled, Completed int64 }
		Server      struct {
			CPU         int64 `json:"cpu_ns"`
			DatabaseCPU int64 `json:"database_cpu_ns"`
		}
		Redis struct {
			CPU int64 `json:"cpu_ns"`
		}
	}
}

// recordedRuns returns what is in runs/, oldest first.
func (s *stack) recordedRuns(t *testing.T) (all []recorded) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.tree, "runs", "*", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return modified(t, a).Compare(modified(t, b)) })
	for _, f := range files {
		var r recorded
		if err := json.Unmarshal([]byte(read(t, f)), &r); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, r)
	}
	return all
}

// run runs a scenario that passes, and returns the one run.json that it leaves.
func (s *stack) run(t *testing.T, arguments string) recorded {
	t.Helper()
	before := len(s.recordedRuns(t))
	links := s.containers(t)["links"].State.Pid
	r := s.shell(t, s.tree, "make scenario STACK=compose ARGS=--allow-limited "+arguments)
	if now := s.containers(t)["links"].State.Pid; now != links {
		t.Errorf("%s: other links, for a scenario that is new or edited", arguments)
	}
	if r.code != 0 || !strings.Contains(r.stdout, "all 2 gates hold") || !strings.Contains(r.stdout, "stack     compose: PostgreSQL ") {
		t.Fatalf("want that its gates hold, on the stack compose: %s", r)
	}
	all := s.recordedRuns(t)
	if len(all) != before+1 {
		t.Fatalf("got %d files run.json, want %d", len(all), before+1)
	}
	return all[before]
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func (s *stack) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // a user's scenario
		t.Fatal(err)
	}
}

// A scenario that is new in the tree is run by its name, through the links.
func (s *stack) testOwn(t *testing.T) {
	s.write(t, filepath.Join(s.tree, "scenarios", "own.yaml"), own)
	r := s.run(t, "NAME=own")
	if r.Scenario.Name != "own" || r.Stack.Kind != "compose" || r.Stack.Replicas != 1 || !strings.HasPrefix(r.Stack.Database, "PostgreSQL") || !strings.HasPrefix(r.Stack.Cache, "redis") ||
		r.Cells[0].Ledger.Completed != 20 {
		t.Errorf("got %+v, want 20 requests of own on PostgreSQL, on the stack compose", r)
	}
	if len(r.Stack.Distances) == 0 || !r.Stack.Distances[0].Link {
		t.Errorf("got distances %+v, want one through a link", r.Stack.Distances)
	}
	if c := r.Cells[0]; c.Server.CPU <= 0 || c.Server.DatabaseCPU <= 0 || c.Redis.CPU <= 0 {
		t.Errorf("got %+v, want CPU times of app, database and Redis, whose processes are in other containers", c)
	}
}

// A scenario is run as it is in the tree at that time.
func (s *stack) testEdited(t *testing.T) {
	s.write(t, filepath.Join(s.tree, "scenarios", "own.yaml"), strings.Replace(own, "burst: 20", "burst: 30", 1))
	if r := s.run(t, "NAME=own"); r.Cells[0].Ledger.Completed != 30 {
		t.Errorf("got %+v, want 30 requests", r.Cells)
	}
}

// A scenario of another folder is run by the path of its file.
func (s *stack) testByPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "else where", "mine.yaml")
	s.write(t, path, strings.Replace(own, "burst: 20", "burst: 40", 1))
	link := filepath.Join(s.tree, "..", "elsewhere")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	if r := s.run(t, "NAME=../elsewhere/mine.yaml"); r.Scenario.Name != "mine" || r.Cells[0].Ledger.Completed != 40 {
		t.Errorf("got %+v, want 40 requests of mine", r)
	}
}

// As many replicas are started as the scenario has, and the generator reaches each, also from several processes in its container. A change of the app is in all of them.
func (s *stack) testReplicas(t *testing.T) {
	s.write(t, filepath.Join(s.tree, "app", "changed.go"), "package main\n\nfunc init() { println(`changed`) }\n")
	s.write(t, filepath.Join(s.tree, "scenarios", "two.yaml"), strings.Replace(own, "replicas: 1", "replicas: 2", 1))
	if r := s.run(t, "NAME=two ARGS='--allow-limited --workers 2'"); r.Stack.Replicas != 2 {
		t.Errorf("got %d replicas, want 2", r.Stack.Replicas)
	}
	for _, name := range []string{"app", "replica"} {
		if r := s.shell(t, s.tree, "docker compose logs "+name); !strings.Contains(r.stdout+r.stderr, "changed") {
			t.Errorf("%s is not what was changed: %s", name, r)
		}
	}
}

// The command in the comment of the compose file does what make does, here of a shipped scenario, whose gates may say of such a machine what they like.
func (s *stack) testComment(t *testing.T) {
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^  #   (\S.*)$`).FindAllStringSubmatch(string(testkit.ReadFile(t, "docker-compose.yml")), -1) {
		lines = append(lines, m[1])
	}
	before := len(s.recordedRuns(t))
	r := s.shell(t, s.tree, strings.Join(lines, " && ")+" --modes ttl,lock --rounds 1 --full")
	all := s.recordedRuns(t)
	if !slices.Contains([]int{0, 1, 3, 4}, r.code) || len(all) != before+1 || all[before].Scenario.Name != "stampede" {
		t.Fatalf("want a run of stampede that is judged: %s", r)
	}
	for _, c := range all[before].Cells {
		if c.Ledger.Scheduled == 0 || c.Ledger.Completed != c.Ledger.Scheduled {
			t.Errorf("%s, %s: %d of %d requests completed", c.Mode, c.Phase, c.Ledger.Completed, c.Ledger.Scheduled)
		}
	}
	for _, want := range []string{"in Jaeger alone", "lock"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, r.stdout)
		}
	}
	if !strings.Contains(r.stderr, "within the compose network, at loadgen:9464") || strings.Contains(r.stderr, "localhost:9464") {
		t.Errorf("want a word on where the metrics are:\n%s", r.stderr)
	}
}

// Prometheus has scraped the app and the generator, and both have sent their spans.
func (s *stack) testTelemetry(t *testing.T) {
	all := s.recordedRuns(t)
	for _, expr := range []string{
		`min(up{job=~"app|prometheus"})`, `count(count_over_time(` + signal.RunInfo + `{run_id="` + all[len(all)-1].ID + `"}[10m]))`,
		`sum(max_over_time(` + signal.LoadCompleted + `[10m]))`,
	} {
		if got := s.query(t, expr); got < 1 {
			t.Errorf("%s: got %g, want at least 1", expr, got)
		}
	}
	var spans map[string]int
	if err := json.Unmarshal([]byte(s.get(t, "LOADLAB_JAEGER_PORT", "/spans")), &spans); err != nil {
		t.Fatal(err)
	}
	if spans["loadlab-app"] == 0 || spans["loadgen"] == 0 {
		t.Errorf("got spans %v, want some of the app and of the generator", spans)
	}
}

// Where runs/ is not the container's to write, that is said before the load, with what to do.
func (s *stack) testUnwritable(t *testing.T) {
	runs := filepath.Join(s.tree, "runs")
	if err := os.Chmod(runs, 0o755); err != nil { //nolint:gosec // as mkdir makes it
		t.Fatal(err)
	}
	before := s.requests(t)
	r := s.shell(t, s.tree, "docker compose run --rm loadgen run own --stack compose") // as user 65532: runs/ is root's
	if r.code != 2 || !strings.Contains(r.stderr, "permission denied") || !strings.Contains(r.stderr, "LOADLAB_UID=$(id -u)") {
		t.Errorf("want exit code 2 and what to do: %s", r)
	}
	if after := s.requests(t); after != before {
		t.Errorf("there was a load: of %d requests", after-before)
	}
}

// requests returns how many requests of any mode the app has served.
func (s *stack) requests(t *testing.T) (sum int64) {
	t.Helper()
	var counters struct {
		Modes map[string]struct{ Requests int64 }
	}
	if err := json.Unmarshal([]byte(s.get(t, "LOADLAB_LAB_PORT", "/lab/counters")), &counters); err != nil {
		t.Fatal(err)
	}
	for name, m := range counters.Modes {
		if name != "none" { // health checks
			sum += m.Requests
		}
	}
	return sum
}

// make down leaves no container, no volume and no network.
func (s *stack) testDown(t *testing.T) {
	for name, c := range s.containers(t) {
		if c.State.OOMKilled {
			t.Errorf("%s was killed for its memory", name)
		}
	}
	t.Logf("memory after the load:\n%s", s.docker(t, nil, "stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}"))
	if r := s.shell(t, s.tree, "make down"); r.code != 0 {
		t.Fatal(r)
	}
	for _, list := range []string{"ps --all --quiet", "volume ls --quiet", "network ls --quiet --filter type=custom"} {
		if left := s.docker(t, nil, strings.Fields(list)...); left != "" {
			t.Errorf("make down: docker %s still lists %s", list, left)
		}
	}
}
