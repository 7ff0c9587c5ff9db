package comparison_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"loadlab/loadgen/bench/internal/comparison"
)

// The test binary is the generator's process, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "drive" {
		if err := comparison.Main(context.Background(), os.Args[0], os.Args[1:], os.Stdout, os.Stderr); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// brief is a run of two seconds.
func brief(t *testing.T) comparison.Config {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := comparison.Default()
	c.Program, c.Pin, c.Rounds, c.Connections = program, false, 1, 4
	c.Closed, c.Open, c.Poisson, c.Rate, c.PoissonRate = 100*ms, 700*ms, 700*ms, 200, 200
	return c
}

// onPath makes programs the only ones on the PATH.
func onPath(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each generator would take a second to end under the race detector
}

func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), name, args...)
}

// TestMeasureAlone: a machine without any peer.
func TestMeasureAlone(t *testing.T) {
	onPath(t, nil)
	var log strings.Builder
	r, err := comparison.Measure(t.Context(), brief(t), &log)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{comparison.Loadgen: "1 1 1", comparison.Exposed: "1 0 0", comparison.Bare: "1 0 0"}
	if diff := cmp.Diff(want, r.Rounds()); diff != "" {
		t.Errorf("values there (-want +got):\n%s", diff)
	}
	if r.Pinned || len(r.Failures) > 0 || r.Arrivals < 10 || !(r.KS > 0) {
		t.Errorf("got pinned %v, failures %v, KS %v of %d arrivals", r.Pinned, r.Failures, r.KS, r.Arrivals)
	}
	if !strings.Contains(log.String(), "round 1 of 1") {
		t.Errorf("log: got %q", log.String())
	}
	var table strings.Builder
	if err := r.Write(&table); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"NOT pinned", "\nloadgen ", "\nCPU per request, 200 B ", " not measured\n", "traceparent"} {
		if !strings.Contains(table.String(), text) {
			t.Errorf("the table lacks %q:\n%s", text, table.String())
		}
	}
	if strings.Contains(table.String(), "\nwrk ") {
		t.Errorf("wrk is in the table:\n%s", table.String())
	}
}

// TestMeasureBrokenPeers: what is wrong with a peer is reported once, and does not affect the rest.
func TestMeasureBrokenPeers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	onPath(t, map[string]string{"wrk": "echo no such flag >&2; exit 3", "hey": "exit 0"})
	r, err := comparison.Measure(t.Context(), brief(t), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(r.Failures)
	want := []string{"hey: it made no request", "wrk: exit status 3: no such flag"}
	if diff := cmp.Diff(want, r.Failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if rounds := r.Rounds(); rounds[comparison.Loadgen] != "1 1 1" || rounds["wrk"] != "0 0 0" || rounds["hey"] != "0 0 0" {
		t.Errorf("values there: got %v", rounds)
	}
}

// TestMeasureFails: nothing is reported if it is the generator itself that fails, or the run is interrupted.
func TestMeasureFails(t *testing.T) {
	onPath(t, nil)
	c := brief(t)
	c.Program = filepath.Join(t.TempDir(), "missing")
	if _, err := comparison.Measure(t.Context(), c, io.Discard); err == nil || !strings.Contains(err.Error(), "loadgen") {
		t.Errorf("no program: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := comparison.Measure(ctx, brief(t), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got error %v", err)
	}
}

// TestMeasurePinned measures for a moment with cores of one's own, in a process that may be moved.
func TestMeasurePinned(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		t.Skip("needs two cores and a system that assigns them")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "bench")
	if out, err := command(t, "go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := command(t, program, "-rounds", "1", "-connections", "2", "-closed", "1s", "-open", "1s", "-poisson", "1s")
	cmd.Env = append(cmd.Environ(), "PATH=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "generator on one core, server on another; 1 rounds") {
		t.Errorf("got %s", out)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"-rounds 0", "-connections 0", "-closed 1500ms", "-closed 0s", "-open 900ms", "-poisson 0s", "-rate 1", "-x", "more"} {
		err := comparison.Main(t.Context(), "", strings.Fields(args), io.Discard, io.Discard)
		if err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: got error %v, want one that names what is wrong", args, err)
		}
	}
	if err := comparison.Main(t.Context(), "", []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got error %v", err)
	}
	if err := comparison.Main(t.Context(), "", []string{"drive", "{"}, io.Discard, io.Discard); err == nil {
		t.Error("a broken job: got no error")
	}
}

func TestCommandLines(t *testing.T) {
	const url = "http://127.0.0.1:1/200"
	c := comparison.Default()
	c.Closed, c.Open, c.Rate, c.Connections = 2*time.Second, 3*time.Second, 1000, 50
	for _, tt := range []struct {
		name, closed, open, stdin string
	}{
		{"wrk", "-t1 -c50 -d2s " + url, "", ""},
		{"hey", "-cpus 1 -c 50 -z 2s " + url, "-cpus 1 -c 50 -q 20 -z 3s " + url, ""},
		{"fortio", "load -quiet -c 50 -qps 0 -t 2s " + url, "load -quiet -c 50 -qps 1000 -t 3s " + url, ""},
		{"vegeta", "attack -rate=0 -workers=50 -max-workers=50 -duration=2s -output=/dev/null", "attack -rate=1000/1s -duration=3s -output=/dev/null", "GET " + url + "\n"},
	} {
		for open, want := range map[bool]string{false: tt.closed, true: tt.open} {
			args, stdin := comparison.CommandLine(tt.name, open, c, url)
			if got := strings.Join(args, " "); got != want || stdin != tt.stdin {
				t.Errorf("%s: got %q and %q, want %q and %q", tt.name, got, stdin, want, tt.stdin)
			}
		}
	}
}
