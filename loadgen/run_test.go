package main

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
)

// small is a scenario of a second or two that shows each part of a report.
const small = `why: the page expires, and is flushed
app: {properties: 500, ttl: 200ms, grace: 10s, redis_budget: 10s}
modes:
  naive:        GET /api/properties/live/naive/
  ttl:          GET /api/properties/cached/ttl/
  singleflight: GET /api/properties/cached/singleflight/
rounds: 1
phases:
  - {name: prime,  requests: 1, warmup: true, before: [flush]}
  - {name: expiry, rate: 60/s, for: 300ms}
  - {name: prices, rate: 60/s, for: 200ms, during: {price_change: 50ms}}
  - {name: users,  users: 4, requests: 20, mix: {naive: 1, ttl: 3}}
  - {name: burst,  burst: 20, before: [flush], trace: all}
gates:
  - errors() == 0
  - sql("naive", "expiry") == 62
  - recomputes("singleflight", "burst") <= 3 # 1, if the machine does not stand still for a TTL
  - stale_ratio("naive", "prices") == 0
`

// run runs the scenario in small.yaml. The machine may be busy with other tests, which must not keep the gates from being judged.
func runSmall(t *testing.T, args ...string) ending {
	t.Helper()
	return loadgen(t, append([]string{"run", "./small.yaml", "--allow-limited", "--app", binary(t, "app")}, args...)...)
}

// From a file to a verdict, on an app of its own: the report has every section, and run.json has it all.
func TestRun(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", small)
	r := runSmall(t, "--full", "--seed", "42", "--phases")
	if r.code != result.ExitPass {
		t.Fatal(r)
	}
	runs, paths := results(t)
	if len(runs) != 1 {
		t.Fatalf("%d results, want 1", len(runs))
	}
	for _, want := range []string{
		"\nPASS  small: all 4 gates hold", "scenario  small: the page expires, and is flushed",
		"stack     embedded: SQLite ", "miniredis ", "500 rows", "ttl=200ms", "machine   ", "commit    ", "1 round, seed 42",
		"\nModes by phase\n", "\nexpiry: 60/s poisson for 300ms\n", "\nburst: burst of 20\n", "shared by the modes\n",
		"\nWhat each strategy's law predicts, and what was measured\n",
		"\nStaleness\n", "Ledger: ", "Send lag", "\nGates\n", "  PASS  errors() == 0\n", "\nrun.json  " + paths[0] + "\n",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, r.stdout)
		}
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	if !strings.HasPrefix(lines[0], "the app is up at http://127.0.0.1:") || len(lines) != 1+3*4+1 {
		t.Errorf("the progress is not one line and then one a phase:\n%s", r.stderr)
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "round 1/1  ") || !strings.Contains(line, "p99") || !strings.HasSuffix(line, "no errors") {
			t.Errorf("progress: %q", line)
		}
	}
	// Three modes with four phases each, and two that share the fifth.
	if run := runs[0]; len(run.Cells) != 3*4+2 || run.Seed != 42 || run.Scenario.SHA256 == "" || run.Commit == "" {
		t.Errorf("%d cells, seed %d, scenario %+v", len(run.Cells), run.Seed, run.Scenario)
	}
	for _, c := range runs[0].Cells {
		if shared := c.Phase == "users"; runtime.GOOS == "linux" && (c.Server.CPU > 0) == shared {
			t.Errorf("%s, %s: the app's CPU time is %s", c.Mode, c.Phase, c.Server.CPU)
		}
		checkCost(t, c, c.Phase == "users", false)
	}
	checkRenderings(t, runs[0], paths[0], r.stdout)
	checkTraces(t, paths[0])
}

// checkCost checks what a cell has of the servers: the embedded Redis says what it has used, as a real one does.
func checkCost(t *testing.T, c result.Cell, shared, servers bool) {
	t.Helper()
	cached := c.Mode != "naive"
	published := c.Phase == "prices" // each change is, whoever reads
	r := c.Redis
	switch {
	case r == nil:
		t.Errorf("%s, %s: nothing is known of Redis", c.Mode, c.Phase)
	case cached && (r.Pages > 1 || r.Pages == 1 && r.PageBytes < 40_000): // it may have expired
		t.Errorf("%s, %s: %d pages of %d bytes, want its one page", c.Mode, c.Phase, r.Pages, r.PageBytes)
	case !cached && r.Pages != 0:
		t.Errorf("%s, %s: %d pages, want none", c.Mode, c.Phase, r.Pages)
	case shared && (r.CPU != 0 || r.BytesOut != 0):
		t.Errorf("%s, %s: Redis %+v of all modes together", c.Mode, c.Phase, r)
	case !shared && (r.CPU <= 0 || cached && c.Server.Cache["hit"] > 0 && r.BytesOut < 40_000*c.Server.Cache["hit"] || !cached && !published && r.BytesOut != 0):
		t.Errorf("%s, %s: Redis %+v for %v", c.Mode, c.Phase, r, c.Server.Cache)
	}
	if (c.Server.DatabaseCPU > 0) != (servers && !shared) {
		t.Errorf("%s, %s: the database's CPU time is %s", c.Mode, c.Phase, c.Server.DatabaseCPU)
	}
}

// On servers of its own a run knows what each of them used; an objective makes it a measurement of capacity.
func TestRunOnServers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("CPU times of other processes are known on Linux only")
	}
	testkit.Need(t, localserver.Check(), localserver.ErrMissing)
	workplace(t)
	write(t, "small.yaml", `why: two ways to serve a page
app: {properties: 500, redis_budget: 10s}
objective: {p50: 5s}
modes:
  naive: GET /api/properties/live/naive/
  ttl:   GET /api/properties/cached/ttl/
rounds: 3
phases:
  - {name: prime, requests: 2, warmup: true}
  - {name: full, users: 4, for: 300ms}
gates:
  - cpu("ttl", "full") > 0*ms and redis_cpu("ttl", "full") > 0*ms
  - db_cpu("naive", "full") > db_cpu("ttl", "full")
  - redis_bytes("naive", "full") == 0 and redis_bytes("ttl", "full") > 40000
  - page_memory("ttl", "full") > 40000
  - per_core("ttl", "full") > per_core("naive", "full")
`)
	r := runSmall(t, "--stack", "local")
	if r.code != result.ExitPass || !strings.Contains(r.stdout, "\nCapacity: requests a second and core\n") {
		t.Fatal(r)
	}
	runs, _ := results(t)
	for _, c := range runs[0].Cells {
		if c.Phase == "full" {
			checkCost(t, c, false, true)
		}
	}
}

// checkTraces checks that the traces of a run can be listed and drawn: the spans of the app have come through.
func checkTraces(t *testing.T, path string) {
	t.Helper()
	list := loadgen(t, "trace", path, "--list", "--mode", "naive", "--phase", "burst")
	lines := strings.Split(strings.TrimSpace(list.stdout), "\n")
	if list.code != 0 || len(lines) < 2 || !strings.Contains(lines[0], " naive ") || !strings.Contains(lines[0], " burst ") {
		t.Fatal(list)
	}
	id, _, _ := strings.Cut(lines[0], " ")
	one := loadgen(t, "trace", path, "--id", id)
	slowest := loadgen(t, "trace", path)
	all := loadgen(t, "trace", path, "--mode", "naive", "--phase", "burst", "--all")
	for _, r := range []ending{one, slowest, all} {
		if r.code != 0 || r.stderr != "" || !strings.Contains(r.stdout, "SELECT") {
			t.Error(r)
		}
	}
	if !strings.Contains(one.stdout, id) || !strings.Contains(all.stdout, one.stdout) || len(all.stdout) < 2*len(one.stdout) {
		t.Errorf("one of them:\n%s\nall of them:\n%s", one, all)
	}
	if r := loadgen(t, "trace", path, "--mode", "nobody"); r.code != 2 || !strings.Contains(r.stderr, "no trace matches") {
		t.Error(r)
	}
}

// checkRenderings checks what report makes of a run.json, against what was printed at the end of the run.
func checkRenderings(t *testing.T, run *result.Run, path, printed string) {
	t.Helper()
	render := func(format string) string {
		r := loadgen(t, "report", path, "--format", format, "--full")
		if r.code != 0 || r.stderr != "" || r.stdout == "" {
			t.Errorf("%s: %s", format, r)
		}
		return r.stdout
	}
	page := "page      " + filepath.Join(filepath.Dir(path), pageName) + "\n"
	if got := render("text"); "\n"+got+page != printed {
		t.Error("the report is not what was printed at the end of the run:", cmp.Diff(printed, "\n"+got+page))
	}
	if got := render("markdown"); !strings.Contains(got, "| singleflight |") || !strings.Contains(got, "PASS") {
		t.Errorf("markdown:\n%s", got)
	}
	var suites struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(render("junit")), &suites); err != nil || len(suites.Suites) == 0 || suites.Suites[0].Tests < 4 || suites.Suites[0].Failures != 0 {
		t.Errorf("JUnit: %+v, %v", suites, err)
	}
	rows, err := csv.NewReader(strings.NewReader(render("csv"))).ReadAll()
	if measured := len(run.Cells) - 3; err != nil || len(rows) < 1+measured { // without the warm-up
		t.Errorf("CSV: %d rows, want a head and at least %d: %v", len(rows), measured, err)
	}
}

// A gate that fails is reported with what it compared, in run.json and by the exit code.
func TestAFailingGate(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", `why: a promise that cannot be kept
app: {properties: 500}
modes: {naive: GET /api/properties/live/naive/}
rounds: 1
phases: [{name: p, requests: 3}]
gates:
  - sql("naive", "p") <= 61
  - errors() == 0
`)
	r := runSmall(t)
	if r.code != result.ExitFail || !strings.Contains(r.stdout, "FAIL  small: 1 of 2 gates failed") ||
		!strings.Contains(r.stdout, "  FAIL  sql(\"naive\", \"p\") <= 61\n        sql(naive, p) is 62, more than 61") {
		t.Error(r)
	}
	runs, paths := results(t)
	if len(runs) != 1 || runs[0].Gates[0].Verdict != result.Fail || runs[0].Gates[1].Verdict != result.Pass {
		t.Fatalf("%d runs", len(runs))
	}
	if junit := loadgen(t, "report", paths[0], "--format", "junit"); junit.code != 0 || !strings.Contains(junit.stdout, "<failure") {
		t.Error(junit)
	}
}

// A run of some modes alone has their gates; the others are left out, and do not count.
func TestSomeModes(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", `why: two ways of several
app: {properties: 500}
modes: {naive: GET /api/properties/live/naive/, batched: GET /api/properties/live/batched/, optimized: GET /api/properties/live/optimized/}
rounds: 1
phases: [{name: p, requests: 3}]
gates:
  - sql("naive", "p") == 1
  - sql("optimized", "p") < sql("naive", "p")
  - sql("optimized", "p") == 2
`)
	r := runSmall(t, "--full", "--modes", "optimized,batched")
	for _, want := range []string{
		"PASS  small: its one gate holds; 2 more are of modes that are left out", "2 modes (left out: naive), 1 round",
		"  LEFT OUT  sql(\"optimized\", \"p\") < sql(\"naive\", \"p\")\n            the run is without naive\n",
	} {
		if r.code != result.ExitPass || !strings.Contains(r.stdout, want) {
			t.Errorf("want exit code 0 and %q: %s", want, r)
		}
	}
	if runs, _ := results(t); len(runs) != 1 || len(runs[0].Cells) != 2 || !slices.Equal(runs[0].Scenario.LeftOut, []string{"naive"}) {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
	if r := runSmall(t, "--modes", "batched"); r.code != result.ExitInconclusive || !strings.Contains(r.stdout, "INCONCLUSIVE  small: no gate is judged: all are of modes that are left out") {
		t.Error(r)
	}
}

// A scenario is copied, renamed, and changed, and runs: nothing of it is in Go.
func TestACopiedScenario(t *testing.T) {
	text, err := os.ReadFile("../scenarios/stampede.yaml")
	if err != nil {
		t.Fatal(err)
	}
	workplace(t)
	changed, _, _ := strings.Cut(string(text), "\ngates:")
	for old, replacement := range map[string]string{
		"name: stampede": "name: mine", "properties: 5000": "properties: 500", "rounds: 3": "rounds: 2", "250/s, for: 3s": "50/s..100/s, for: 150ms",
		"default_modes: [":  "default_modes: [second, ",
		"250/s, for: 700ms": "50/s, for: 100ms", "burst: 50": "burst: 5", "  lock: ": "  second: GET /api/properties/cached/?page=2\n  lock: ",
	} {
		if !strings.Contains(changed, old) {
			t.Fatalf("scenarios/stampede.yaml has no %q", old)
		}
		changed = strings.ReplaceAll(changed, old, replacement)
	}
	write(t, "my/mine.yaml", changed+"\ngates: [errors() == 0, 'recomputes(\"second\", \"burst\") >= 1']\n")
	r := loadgen(t, "run", "mine", "--scenarios", "my", "--rounds", "1", "--allow-limited", "--app", binary(t, "app"))
	if r.code != result.ExitPass || !strings.Contains(r.stdout, "50/s to 100/s poisson for 150ms") {
		t.Error(r)
	}
	if runs, _ := results(t); len(runs) != 1 || runs[0].Scenario.Rounds != 1 || len(runs[0].Cells) != 6*4 || !strings.HasSuffix(runs[0].ID, "-mine") {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
}

// Two runs that begin in the same second have a folder each.
func TestResultsAreNotOverwritten(t *testing.T) {
	workplace(t)
	names := map[string]bool{}
	for range 3 {
		name, err := newFolder(".", "20260102-150405-x")
		if err != nil || names[name] {
			t.Fatalf("got %s again, %v", name, err)
		}
		names[name] = true
	}
	if _, err := newFolder("nowhere", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no such folder", err)
	}
}

// What comes with the lab can be run, and runs in the time that it may take.
func TestTheScenariosOfTheLab(t *testing.T) {
	list, err := scenario.List("../scenarios", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cold", "warm", "stampede", "mixed", "stale"} {
		i := slices.IndexFunc(list, func(s scenario.Listed) bool { return s.Name == name })
		if i < 0 || list[i].Err != nil {
			t.Errorf("%s: not there, or: %v", name, list)
			continue
		}
		if s := list[i]; s.Estimate.Seconds() > 90 || s.Why == "" {
			t.Errorf("%s takes %s and is for %q", name, s.Estimate, s.Why)
		}
	}
	if r := loadgen(t, "validate", "--scenarios", "../scenarios"); r.code != 0 || strings.Count(r.stdout, ": ok, ") != len(list) {
		t.Error(r)
	}
	r := loadgen(t, "list", "--scenarios", "../scenarios")
	if r.code != 0 || strings.Count(r.stdout, "\n") != len(list) || !strings.Contains(r.stdout, "stampede ") {
		t.Error(r)
	}
}

func reportOf(t *testing.T, run *result.Run) *report.Report {
	t.Helper()
	r, err := report.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
