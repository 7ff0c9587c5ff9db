package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const rollingText = `
why: two replicas are restarted one after the other, and everything that they did is known
app: {properties: 500, ttl: 500ms, grace: 10s, lame_duck: 400ms}
world: {replicas: 2, balancing: least_in_flight}
rounds: 1
modes: {lease: GET /api/properties/cached/lease/}
phases:
  - {name: prime, requests: 2, warmup: true, before: [flush]}
  - {name: roll, rate: 100/s, for: 5s, faults: [{at: 500ms, for: 1500ms, app: term, replica: 1}, {at: 3s, app: restart, replica: 2}]}
gates:
  - errors() == 0
`

// A rolling restart loses no request and no count: what the processes that ended had counted is in the sums.
func TestRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	dir := t.TempDir()
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	scenario, out := filepath.Join(dir, "rolling.yaml"), filepath.Join(dir, "runs")
	if err := os.WriteFile(scenario, []byte(rollingText), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "loadgen"), "run", scenario, "--out", out, "--allow-limited", "--traces", "-1")
	cmd.Env = environment()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r, err := readRun(out)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Cells[len(r.Cells)-1]
	if n := c.Server.Counters["requests"]; c.Ledger.Scheduled < 300 || c.Ledger.Completed != c.Ledger.Scheduled || n != c.Ledger.Scheduled {
		t.Errorf("%d requests, %d completed, and the app counted %d", c.Ledger.Scheduled, c.Ledger.Completed, n)
	}
	for i, x := range c.Replicas {
		// For how long is what the generator saw. It notices a replica that goes by its next poll, so that it may see less than the lame duck lasts.
		if n := x.Counters["requests"]; n != x.Requests || x.Out <= 0 || x.Out >= c.Took {
			t.Errorf("replica %d took %d requests, counted %d, and was out of service for %s", i+1, x.Requests, n, x.Out)
		}
	}
	if len(c.Replicas) != 2 || len(c.Faults) != 2 {
		t.Errorf("%d replicas, %d faults, want 2 and 2", len(c.Replicas), len(c.Faults))
	}
}
