// Package testkit is what the tests of both programs share: waiting for what nothing signals, watching logs and processes, comparing output
// with a golden file, reading a file of the repository, and measuring the live heap. It knows nothing of the lab.
package testkit

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	pollEvery = 5 * time.Millisecond
	pollLimit = 20 * time.Second
)

// Eventually polls ok until it reports true, and fails the test when it has not after 20 s. It is for conditions that nothing signals,
// such as the end of a process that is not the test's child.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	limit := time.NewTimer(pollLimit)
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not so after %s: %s", pollLimit, what)
		}
	}
}

// Need fails the test for any error, but skips it for the error missing: something is not installed on this machine. Where CI=true promises
// that everything is installed, that fails the test as well.
func Need(t testing.TB, err, missing error) {
	t.Helper()
	if errors.Is(err, missing) && os.Getenv("CI") != "true" { //nolint:forbidigo // it is called by tests only
		t.Skipf("SKIPPED, NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // flags of a test binary are globals

// Golden compares got with the file testdata/name beside the test. With -update it writes the file instead.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	GoldenFile(t, filepath.Join("testdata", name), got)
}

// GoldenFile is Golden for a file elsewhere.
func GoldenFile(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

// Root returns the repository's root folder: the nearest parent of the test's folder with a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod in any parent folder")
		}
		dir = parent
	}
}

// ReadFile returns the contents of a file of the repository; path is relative to its root.
func ReadFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// LiveHeap returns the bytes of the heap that are live after a garbage collection.
func LiveHeap() int64 {
	var s runtime.MemStats
	runtime.GC() // the first ends a cycle under way, whose marks are older than this call
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc) //nolint:gosec // far below 2^63
}
