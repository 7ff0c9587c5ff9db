package kubetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"
)

// command is loadgen, started in a folder of its own.
type command struct {
	*exec.Cmd
	stdout, stderr testkit.Log
}

// commandLimit is how long a command may take: what hangs fails.
const commandLimit = 5 * time.Minute

// token is what the scenario short has of the environment.
const token = "let me in, three times"

// command returns a command of the loadgen that the pods have.
func (l *lab) command(t *testing.T, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), commandLimit)
	t.Cleanup(cancel)
	c := &command{Cmd: exec.CommandContext(ctx, l.loadgen, args...)}
	c.Dir, c.Stdout, c.Stderr = t.TempDir(), &c.stdout, &c.stderr
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "KUBETEST_TOKEN=" + token}
	if err := os.CopyFS(c.Dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs the command to its end, and wants an exit code.
func (c *command) run(t *testing.T, code int) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	c.end(t, code)
}

// end waits for the end of the command, and wants an exit code.
func (c *command) end(t *testing.T, code int) {
	t.Helper()
	_ = c.Wait() // the exit code says more
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, c)
	}
}

func (c *command) String() string {
	return fmt.Sprintf("%s\nstdout:\n%s\nstderr:\n%s", strings.Join(c.Args[1:], " "), &c.stdout, &c.stderr)
}

// report is run.json, as far as these tests look at it.
type report struct {
	Seed     uint64
	Invalid  []string
	Requests struct {
		Arrivals int64
		Hash     string
		Without  []string
	}
	Workers []struct {
		Index     int
		UID, Host string
	}
	Cells []struct {
		Phase, Mode string
		Ledger      struct{ Scheduled, Completed, Unsent int64 }
	}
}

// reports are the files of the reports that the command has written.
func (c *command) reports() []string {
	files, _ := filepath.Glob(filepath.Join(c.Dir, "runs", "*", "run.json"))
	return files
}

// report reads the one report that the command has written.
func (c *command) report(t *testing.T) (r report) {
	t.Helper()
	files := c.reports()
	if len(files) != 1 {
		t.Fatalf("%d reports\n%s", len(files), c)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}
