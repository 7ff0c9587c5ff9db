package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// programs is the folder of both programs; empty with -short.
var programs string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{commandLink, commandWorker}, os.Args[1]) { // a run starts them by its own program
		os.Exit(program(context.Background(), os.Args[1:], environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, vars: os.Environ()}))
	}
	flag.Parse()
	code, err := testAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// testAll builds the programs, runs the tests and removes the programs.
func testAll(m *testing.M) (code int, err error) {
	if testing.Short() {
		return m.Run(), nil
	}
	if programs, err = os.MkdirTemp("", "loadgen-test-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(programs)) }()
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", programs, "loadlab/app", "loadlab/loadgen").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// binary is the path of app or loadgen.
func binary(t *testing.T, name string) string {
	t.Helper()
	if programs == "" {
		t.Skip("runs the programs")
	}
	return filepath.Join(programs, name)
}

// workplace makes an empty working folder and an empty folder for temporary files, and checks that the latter is empty after the test.
func workplace(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	tmp := t.TempDir()
	for _, dir := range []string{filepath.Dir(tmp), tmp} { // PostgreSQL's user must get in
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// ending is how a command ended.
type ending struct {
	code           int
	stdout, stderr string
}

func (r ending) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
}

// loadgen runs a command line in this process.
func loadgen(t *testing.T, args ...string) ending {
	t.Helper()
	return loadgenUntil(t.Context(), &testkit.Log{}, args...)
}

// loadgenUntil runs a command line until ctx ends, if it does not end before. What it writes to standard error can be watched in stderr.
func loadgenUntil(ctx context.Context, stderr *testkit.Log, args ...string) ending {
	var stdout bytes.Buffer
	code := program(ctx, args, environment{stdout: &stdout, stderr: stderr, vars: os.Environ()})
	return ending{code, stdout.String(), stderr.String()}
}

// await waits for something that must come soon.
func await(t *testing.T, what string, done <-chan struct{}, stderr *testkit.Log) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-done:
	case <-limit.Done():
		t.Fatalf("waited a minute for %s:\n%s", what, stderr)
	}
}

// write writes a file into the working folder.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// results reads every run.json in the working folder, in the order in which they began. Each ledger balances.
func results(t *testing.T) (runs []*result.Run, paths []string) {
	t.Helper()
	paths, err := filepath.Glob("runs/*/run.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		r, err := result.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(filepath.Dir(path)) != r.ID {
			t.Errorf("%s is the run %s", path, r.ID)
		}
		for _, c := range r.Cells {
			if !c.Ledger.Balanced() || c.Ledger.Scheduled == 0 {
				t.Errorf("%s in %s: ledger %+v", c.Mode, c.Phase, c.Ledger)
			}
		}
		runs = append(runs, r)
	}
	return runs, paths
}
