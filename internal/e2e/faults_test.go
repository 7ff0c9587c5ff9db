package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults of every means that the embedded stack has: signals, links, the driver in SQLite's place, and the app's controls. Pages live longer
// than the run, so that Redis always has one to lose, and the database is asked by the mode that no cache spares.
const faultsText = `
why: what befalls the servers of a short run is in its report
app: {properties: 500, ttl: 1m}
rounds: 1
modes:
  live: GET /api/properties/live/optimized/
  ttl:  GET /api/properties/cached/ttl/?loader=optimized
phases:
  - {name: prime,    requests: 2, warmup: true, before: [flush], mix: {ttl: 1}}
  - {name: memory,   rate: 60/s, for: 1s, trace: all, mix: {ttl: 1}, faults: [{at: 200ms, redis: flush}, {at: 500ms, for: 300ms, redis: evict, maxmemory: 1mb}]}
  - {name: redis,    rate: 60/s, for: 1200ms, trace: all, mix: {ttl: 1}, faults: [{at: 200ms, for: 200ms, redis: kill}, {at: 700ms, for: 300ms, redis: half-open}]}
  - {name: database, rate: 60/s, for: 1s, trace: all, mix: {live: 1}, faults: [{at: 200ms, for: 200ms, database: refuse}, {at: 600ms, for: 200ms, database: cut}]}
  - {name: app,      rate: 60/s, for: 1s, trace: all, mix: {ttl: 1}, faults: [{at: 200ms, for: 200ms, app: kill}]}
gates:
  - errors("ttl", "redis") == 0 and errors("ttl", "memory") == 0
  - degraded("ttl", "redis") > 0
  - errors("live", "database/inside") > 0
  - attempts("live", "database") > 0
  - errors("ttl", "app/inside") > 0
`

// faultsRun is run.json, as far as faults are concerned.
type faultsRun struct {
	Invalid []string `json:"invalid"`
	Cells   []struct {
		Mode     string        `json:"mode"`
		Phase    string        `json:"phase"`
		Ledger   faultLedger   `json:"ledger"`
		Statuses map[int]int64 `json:"statuses"`
		Inside   *faultPart    `json:"inside"`
		Outside  *faultPart    `json:"outside"`
		Faults   []struct {
			Text     string `json:"text"`
			By       string `json:"by"`
			Evidence string `json:"evidence"`
		} `json:"faults"`
	} `json:"cells"`
	Traces []faultTrace `json:"traces"`
}

type faultTrace struct {
	ID     string   `json:"id"`
	Mode   string   `json:"mode"`
	Phase  string   `json:"phase"`
	Failed string   `json:"failed"`
	Faults []string `json:"faults"`
}

type faultLedger struct {
	Scheduled int64            `json:"scheduled"`
	Failed    map[string]int64 `json:"failed"`
}

type faultPart struct {
	Ledger faultLedger `json:"ledger"`
}

// loadgenRun runs a scenario on the embedded stack, in a temporary folder of its own, and returns what it wrote and its exit code.
func loadgenRun(ctx context.Context, t *testing.T, programs, text string) (stdout, stderr, out string, code int) {
	t.Helper()
	dir, temp := t.TempDir(), t.TempDir()
	scenario, out := filepath.Join(dir, "faults.yaml"), filepath.Join(dir, "runs")
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e strings.Builder
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "loadgen"), "run", scenario, "--out", out, "--stack", "embedded", "--allow-limited", "--full")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Env, cmd.Stdout, cmd.Stderr = append(environment(), "TMPDIR="+temp), &o, &e
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	return o.String(), e.String(), out, cmd.ProcessState.ExitCode()
}

func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("befall", func(t *testing.T) { testFaults(ctx, t, programs) })
	t.Run("cannot befall", func(t *testing.T) { testImpossibleFault(ctx, t, programs) })
}

func testFaults(ctx context.Context, t *testing.T, programs string) {
	stdout, stderr, out, code := loadgenRun(ctx, t, programs, faultsText)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	paths, err := filepath.Glob(filepath.Join(out, "*", "run.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d runs were written, want one: %v", len(paths), err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	var r faultsRun
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	r.checkEvidence(t)
	r.checkParts(t)
	r.checkTraces(t, stdout)
}

// checkEvidence checks that each fault was done by the means that it should be, and what was seen of it. Of processes that ended, none is left.
func (r *faultsRun) checkEvidence(t *testing.T) {
	t.Helper()
	want := []struct{ text, by, evidence string }{
		{"redis flush at 200ms", "controls", `^deleted: 1 key$`},
		{"redis evict from 500ms to 800ms", "controls", `^Redis evicted \d+ pages?$`},
		{"redis kill from 200ms to 400ms", "process", `^SIGKILL ended process \d+; process \d+ answered `},
		{"redis half-open from 700ms to 1s", "link", `^the link .*(dropped \d+ byte|; a ping of the app )`}, // which may be all that asks Redis
		{"database refuse from 200ms to 400ms", "simulated", `^the driver struck .*refused \d+ calls?`},
		{"database cut from 600ms to 800ms", "simulated", `^the driver .*reset \d+ calls?`},
		{"app kill from 200ms to 400ms", "process", `^replica 1 was killed in .* s, and served again `},
	}
	pid := regexp.MustCompile(`process (\d+)`)
	for _, c := range r.Cells {
		for _, f := range c.Faults {
			if len(want) == 0 || f.Text != want[0].text || f.By != want[0].by || !regexp.MustCompile(want[0].evidence).MatchString(f.Evidence) {
				t.Fatalf("%s: %s by %s: %q, want %q", c.Phase, f.Text, f.By, f.Evidence, want)
			}
			want = want[1:]
			for _, m := range pid.FindAllStringSubmatch(f.Evidence, -1) {
				if n, err := strconv.Atoi(m[1]); err != nil || !errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
					t.Errorf("process %s is there after the run", m[1])
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not befallen: %v", want)
	}
}

// checkParts checks that each request of a phase is inside or outside of its faults, and how those inside failed.
func (r *faultsRun) checkParts(t *testing.T) {
	t.Helper()
	for _, c := range r.Cells {
		if len(c.Faults) == 0 {
			continue
		}
		if c.Inside == nil || c.Outside == nil || c.Inside.Ledger.Scheduled+c.Outside.Ledger.Scheduled != c.Ledger.Scheduled ||
			c.Inside.Ledger.Scheduled == 0 || c.Outside.Ledger.Scheduled == 0 {
			t.Errorf("%s: inside %+v, outside %+v, of %+v", c.Phase, c.Inside, c.Outside, c.Ledger)
			continue
		}
		failed := c.Inside.Ledger.Failed
		switch c.Phase {
		case "database":
			if failed["status"] == 0 || c.Statuses[503] != c.Ledger.Failed["status"] {
				t.Errorf("without the database %v failed, with status %v: want 503s alone", failed, c.Statuses)
			}
		case "app":
			if failed["refused"]+failed["reset"] == 0 || failed["status"] > 0 {
				t.Errorf("without the app %v failed, want connections that are refused or reset", failed)
			}
		default:
			if len(failed) > 0 {
				t.Errorf("%s: %v failed, want none", c.Phase, failed)
			}
		}
	}
}

// checkTraces checks that each fault has a trace, one that failed where requests did, and that the report names it.
func (r *faultsRun) checkTraces(t *testing.T, report string) {
	t.Helper()
	for _, c := range r.Cells {
		for _, f := range c.Faults {
			i := slices.IndexFunc(r.Traces, func(x faultTrace) bool {
				return x.Mode == c.Mode && x.Phase == c.Phase && slices.Contains(x.Faults, f.Text)
			})
			if i < 0 {
				t.Errorf("no trace was kept of %s", f.Text)
				continue
			}
			x := r.Traces[i]
			if fails := c.Phase == "database" || c.Phase == "app"; fails != (x.Failed != "") {
				t.Errorf("the trace of %s failed with %q", f.Text, x.Failed)
			}
			if n := strings.Count(report, x.ID[:8]); n < 2 {
				t.Errorf("the report names the trace %s of %s %d times, want it in the matrix and in the fault's section", x.ID, f.Text, n)
			}
		}
	}
}

// testImpossibleFault: a fault that the stack cannot do is a mistake of the scenario, found before the load.
func testImpossibleFault(ctx context.Context, t *testing.T, programs string) {
	const text = `why: x
modes: {live: GET /api/properties/live/optimized/}
phases:
  - name: locked
    rate: 10/s
    for: 1s
    faults:
      - {at: 100ms, for: 200ms, database: slow, delay: 10ms}
      - {at: 400ms, for: 200ms, database: lock}
`
	stdout, stderr, out, code := loadgenRun(ctx, t, programs, text)
	want := fmt.Sprintf("faults.yaml:%d:", 1+strings.Count(text[:strings.Index(text, "database: lock")], "\n"))
	if code != 2 || stdout != "" || !strings.Contains(stderr, want) || !strings.Contains(stderr, "PostgreSQL") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, %q, %q: want 2 and one line with %s", code, stdout, stderr, want)
	}
	if runs, err := filepath.Glob(filepath.Join(out, "*", "run.json")); err != nil || len(runs) > 0 {
		t.Errorf("runs %v, %v were written, want none", runs, err)
	}
}
