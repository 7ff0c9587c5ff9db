package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// workerPIDs returns the process numbers of a run's workers, by their index.
func workerPIDs(t *testing.T, pid, n int) []int {
	t.Helper()
	pids := make([]int, n)
	for _, p := range descendants(t, pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p))
		args := strings.Split(string(text), "\x00")
		if err != nil || len(args) < 2 || args[1] != "worker" {
			continue
		}
		var index int
		if _, err := fmt.Sscan(args[slices.Index(args, "--index")+1], &index); err != nil || index >= n {
			t.Fatalf("a worker with the command line %q", args)
		}
		pids[index] = p
	}
	if slices.Contains(pids, 0) {
		t.Fatalf("the workers are %v", pids)
	}
	return pids
}

// TestWorkersAreLost checks what becomes of a run by three workers to whom something happens: a worker's end and its silence make it invalid by the worker's name, an interrupt
// ends all in order, and the end of the run itself, however sudden, ends all workers. No process is left, and what was measured is in the report.
func TestWorkersAreLost(t *testing.T) {
	for name, tt := range map[string]struct {
		does func(t *testing.T, c *child, workers []int) error
		code int
		want string
	}{
		"killed":      {func(_ *testing.T, _ *child, w []int) error { return syscall.Kill(w[1], syscall.SIGKILL) }, result.ExitInvalid, "ended: signal: killed"},
		"stopped":     {func(_ *testing.T, _ *child, w []int) error { return syscall.Kill(w[1], syscall.SIGSTOP) }, result.ExitInvalid, "was silent for 2s"},
		"interrupted": {func(_ *testing.T, c *child, _ []int) error { return c.Process.Signal(syscall.SIGINT) }, result.ExitInterrupted, "INTERRUPTED  small: stopped after "},
		"orphaned":    {func(_ *testing.T, c *child, _ []int) error { return c.Process.Kill() }, -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "orphaned" {
				workplace(t)
			} else {
				t.Chdir(t.TempDir())
				t.Setenv("TMPDIR", t.TempDir()) // who is killed leaves its folder behind
			}
			write(t, "small.yaml", endless)
			silence := "2s"
			if name == "orphaned" {
				silence = "5m" // workers do not wait for a run that is gone
			}
			c := newChild(t, "run", "./small.yaml", "--workers", "3", "--worker-timeout", silence, "--allow-limited")
			running := c.stderr.Written(driving)
			c.start(t)
			underLoad(t, running, c.stderr)
			workers := workerPIDs(t, c.Process.Pid, 3)
			family := descendants(t, c.Process.Pid)
			if err := tt.does(t, c, workers); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // the exit code says more
			if name == "orphaned" {
				testkit.Gone(t, workers...)
				for _, pid := range family { // the stack is not the workers'
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				return
			}
			r := ending{c.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
			if tt.code == result.ExitInvalid && !strings.Contains(r.stdout, "INVALID  small: worker 1 (") {
				t.Errorf("%s\nwant the worker's name", r)
			}
			if r.code != tt.code || !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), strings.Join(strings.Fields(tt.want), " ")) {
				t.Errorf("%s\nwant exit code %d and %q", r, tt.code, tt.want)
			}
			runs, _ := results(t)
			if len(runs) != 1 || len(runs[0].Cells) != 2 || len(runs[0].Workers) != 3 {
				t.Errorf("%d runs: %+v", len(runs), runs)
			}
			testkit.Gone(t, family...)
		})
	}
}

// TestWorkers checks a whole run by workers: what they send is what one run sends.
func TestWorkers(t *testing.T) {
	workplace(t)
	write(t, "few.yaml", `why: x
app: {properties: 200}
data: {id: {uniform: 1..200}}
modes: {one: "GET /api/properties/{id}/", ttl: GET /api/properties/cached/ttl/}
rounds: 1
phases: [{name: prime, requests: 3, warmup: true}, {name: load, rate: 100/s, for: 1s}, {name: herd, burst: 20, before: [flush]}]
gates: [errors() == 0]
`)
	for _, args := range [][]string{nil, {"--workers", "1"}, {"--workers", "2"}, {"--workers", "4"}} {
		c := newChild(t, append([]string{"run", "./few.yaml", "--app", binary(t, "app"), "--seed", "3", "--allow-limited"}, args...)...)
		if err := c.Run(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, c.stdout, c.stderr)
		}
	}
	runs, _ := results(t)
	if len(runs) != 4 {
		t.Fatalf("%d runs", len(runs))
	}
	for _, r := range runs {
		if r.Requests.Hash != runs[0].Requests.Hash || r.Requests.Arrivals != runs[0].Requests.Arrivals || len(r.Requests.Without) > 0 {
			t.Errorf("%d workers sent %+v, the run itself %+v", len(r.Workers), r.Requests, runs[0].Requests)
		}
	}
}
