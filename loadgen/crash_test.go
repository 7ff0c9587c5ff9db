package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loadlab/loadgen/internal/result"

	"loadlab/app/api"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/lab"
)

// endless is a scenario that does not end by itself.
const endless = `why: something will happen to it
app: {properties: 500}
modes: {naive: GET /api/properties/live/naive/}
rounds: 1
phases:
  - {name: first,  requests: 3}
  - {name: second, rate: 30/s, for: 1h, timeout: 500ms}
gates: [errors() == 0]
`

// labURL finds the address of the lab controls in what a run logs.
var labURL = regexp.MustCompile(`its lab controls at (\S+)`)

// underLoad waits until the second phase of endless is well under way. driven is closed when its first phase has ended.
func underLoad(t *testing.T, driven <-chan struct{}, stderr *testkit.Log) {
	t.Helper()
	await(t, "load", driven, stderr)
	m := labURL.FindStringSubmatch(stderr.String())
	if m == nil {
		t.Fatalf("no lab controls in %s", stderr)
	}
	app := lab.New(nil, []string{m[1]})
	defer app.Close()
	testkit.Eventually(t, "the app has answered 8 requests", func() bool {
		counters, err := app.Counters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return counters[0].Modes["naive"].Counts[api.CountRequests] >= 8
	})
}

// driving is what the progress writes when the first phase has ended.
const driving = "round 1/1  naive          first "

// The app is killed in the middle: the run ends, the report names what broke, and nothing is left behind.
func TestTheAppIsKilled(t *testing.T) {
	workplace(t)
	app := binary(t, "app")
	write(t, "small.yaml", endless)
	stderr := &testkit.Log{}
	running := stderr.Written(driving)
	var r ending
	ended := make(chan struct{})
	go func() {
		r = loadgenUntil(t.Context(), stderr, "run", "./small.yaml", "--app", app)
		close(ended)
	}()
	underLoad(t, running, stderr)
	pid := appPID(t)
	family := descendants(t, os.Getpid()) // the app and its Redis
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of a run without an app", ended, stderr)
	want := "INVALID  small: the stack broke: app ended by itself: signal: killed"
	if r.code != result.ExitInvalid || !strings.Contains(r.stdout, want) || !strings.Contains(r.stdout, "NOT JUDGED  errors() == 0") {
		t.Errorf("%s\nwant exit code 4 and %s", r, want)
	}
	runs, _ := results(t)
	if len(runs) != 1 || len(runs[0].Cells) != 2 || runs[0].Cells[0].Ledger.Completed != 3 || runs[0].Interrupted {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
	testkit.Gone(t, family...)
}

// An interrupt in the middle, or a terminal that is closed: a partial report, which is not judged, exit code 130, and no process left.
func TestInterrupted(t *testing.T) {
	type ends struct {
		stack string
		by    syscall.Signal
	}
	all := []ends{{"embedded", syscall.SIGINT}, {"embedded", syscall.SIGTERM}}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, ends{"embedded", syscall.SIGHUP})
	} else {
		t.Log("SKIPPED, NOT TESTED: a hangup: the tests were started to ignore it (nohup), and so would what they start")
	}
	if err := localserver.Check(); err == nil || os.Getenv("CI") == "true" {
		all = append(all, ends{"local", syscall.SIGINT})
	} else {
		t.Logf("SKIPPED, NOT TESTED: the stack local: %v", err)
	}
	for _, tt := range all {
		stack := tt.stack
		t.Run(stack+" by "+tt.by.String(), func(t *testing.T) {
			workplace(t)
			write(t, "small.yaml", endless)
			c := newChild(t, "run", "./small.yaml", "--stack", stack, "--allow-limited")
			running := c.stderr.Written(driving)
			c.start(t)
			underLoad(t, running, c.stderr)
			family := descendants(t, c.Process.Pid)
			if stack == "local" && !slices.ContainsFunc(testkit.Descendants(c.Process.Pid), func(p testkit.Process) bool { return p.Name == "postgres" }) {
				t.Error("no PostgreSQL among its processes")
			}
			r := c.signal(t, tt.by)
			if r.code != result.ExitInterrupted || !strings.Contains(r.stdout, "INTERRUPTED  small: stopped after ") ||
				!strings.Contains(r.stdout, "NOT JUDGED  errors() == 0") || !strings.Contains(r.stdout, "second: 30/s poisson for 1h") {
				t.Error(r)
			}
			runs, _ := results(t)
			if len(runs) != 1 || !runs[0].Interrupted || len(runs[0].Invalid) > 0 || len(runs[0].Cells) != 2 || len(runs[0].Warnings) > 0 {
				t.Errorf("%d runs: %+v", len(runs), runs)
			}
			testkit.Gone(t, family...)
		})
	}
}

// An interrupt while the app is still seeding: there is nothing to report, and nothing left.
func TestInterruptedStart(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", strings.Replace(endless, "500}", "5000000}", 1))
	c := newChild(t, "run", "./small.yaml")
	c.start(t)
	pidFile := filepath.Join(os.Getenv("TMPDIR"), "loadlab-*", "app.pid")
	testkit.Eventually(t, "the app runs", func() bool {
		files, _ := filepath.Glob(pidFile)
		return len(files) > 0
	})
	family := descendants(t, c.Process.Pid)
	r := c.signal(t, syscall.SIGINT)
	if r.code != result.ExitInterrupted || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "loadgen: ") {
		t.Error(r)
	}
	if runs, _ := results(t); len(runs) > 0 {
		t.Errorf("a result of nothing: %+v", runs)
	}
	testkit.Gone(t, family...)
}

// The generator is killed: its processes end with it, and the next run removes what it could not.
func TestTheGeneratorIsKilled(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", endless)
	c := newChild(t, "run", "./small.yaml")
	running := c.stderr.Written(driving)
	c.start(t)
	underLoad(t, running, c.stderr)
	family := descendants(t, c.Process.Pid)
	c.signal(t, syscall.SIGKILL)
	testkit.Gone(t, family...)
	write(t, "small.yaml", strings.Replace(endless, "for: 1h", "for: 50ms", 1))
	if r := runSmall(t); r.code != result.ExitPass {
		t.Error(r)
	}
}

// A context that ended before it began stands for an interrupt before anything has been started.
func TestInterruptedAtOnce(t *testing.T) {
	workplace(t)
	app := binary(t, "app")
	write(t, "small.yaml", endless)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := loadgenUntil(ctx, &testkit.Log{}, "run", "./small.yaml", "--app", app); r.code != result.ExitInterrupted || r.stdout != "" {
		t.Error(r)
	}
}
