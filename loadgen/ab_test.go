package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/result"
)

const twoBuilds = `why: two builds
app: {properties: 200, ttl: 1m, redis_budget: 1s}
modes: {naive: GET /api/properties/live/naive/, ttl: GET /api/properties/cached/ttl/}
phases:
  - {name: steady, rate: 200/s, arrivals: constant, for: 400ms}
  - {name: burst, burst: 5}
`

// enormous slows a handler down to more than what other tests on the same processors do to an epoch: they make one of so few requests several times as slow.
const enormous = "+1500%"

// builds compares the app with itself, in short slices; only what is given to B differs.
func builds(t *testing.T, args ...string) (ending, *ab.Test) {
	t.Helper()
	app := binary(t, "app")
	write(t, "small.yaml", twoBuilds)
	if err := os.RemoveAll("runs"); err != nil {
		t.Fatal(err)
	}
	r := loadgen(t, append([]string{"ab", "./small.yaml", "--a", app, "--b", app, "--seed", "7", "--slice", "50ms", "--epoch", "200ms"}, args...)...)
	paths, err := filepath.Glob("runs/*/ab.json")
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err, r)
	}
	test, err := ab.Read(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	again := loadgen(t, "report", paths[0])
	if first, _, _ := strings.Cut(strings.TrimLeft(r.stdout, "\n"), "\n"); again.code != result.ExitPass || !strings.HasPrefix(again.stdout, first) {
		t.Errorf("decided again: %s\nwant %s", again, first)
	}
	return r, test
}

// A build whose pages are larger is found before any time is measured. That of one that makes more queries is in package run.
func TestABFindsMoreWork(t *testing.T) {
	workplace(t)
	r, test := builds(t, "--b-arg=--properties=2000")
	if r.code != result.ExitFail || !strings.Contains(r.stdout, "FAIL  B does more work for the same requests: ") || len(test.Epochs) != 0 || test.Same() {
		t.Error(r)
	}
	if len(test.Work) != 2 || !slices.Equal(test.Work[0].Grew(), []string{"bytes"}) || !slices.Equal(test.Work[1].Grew(), []string{"bytes"}) {
		t.Errorf("work %+v", test.Work)
	}
}

// An effect that is far larger than any noise is found at the first look, or at the next if an epoch was noisy.
func TestABFindsASlowHandler(t *testing.T) {
	workplace(t)
	r, test := builds(t, "--mode", "naive", "--b-arg", "--slow=naive="+enormous)
	if r.code != result.ExitFail || !strings.Contains(r.stdout, "FAIL  B is slower: naive steady p50") || !strings.Contains(r.stdout, "phase burst:  a burst is over at once") {
		t.Error(r)
	}
	if d, err := test.Decide(); err != nil || d.Used < 8 || len(test.Work[0].Grew()) > 0 {
		t.Errorf("%+v, %v, work %+v", d, err, test.Work)
	}
}

// A test that is interrupted keeps what it has measured, and is not judged.
func TestABInterrupted(t *testing.T) {
	workplace(t)
	app := binary(t, "app")
	write(t, "small.yaml", twoBuilds)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr testkit.Log
	var r ending
	done := make(chan struct{})
	go func() {
		defer close(done)
		r = loadgenUntil(ctx, &stderr, "ab", "./small.yaml", "--a", app, "--b", app, "--mode", "ttl", "--seed", "7", "--slice", "50ms", "--epoch", "200ms")
	}()
	await(t, "the first epoch", stderr.Written("epoch 1: "), &stderr)
	cancel()
	await(t, "the end", done, &stderr)
	if r.code != result.ExitInterrupted || !strings.Contains(r.stdout, "INTERRUPTED  A/A, ") {
		t.Error(r)
	}
	if paths, err := filepath.Glob("runs/*/ab.json"); err != nil || len(paths) != 1 {
		t.Error(paths, err)
	}
}

func TestABWithoutASubject(t *testing.T) {
	workplace(t)
	r, test := builds(t, "--b-arg=--no-such-flag")
	if r.code != result.ExitInvalid || !strings.Contains(r.stdout, "INVALID  arm B: ") || !strings.Contains(r.stdout, "no-such-flag") || test.Verdict != ab.Invalid {
		t.Error(r)
	}
}

// The self-test in its short form: an effect that is far larger than any noise is found, and of the same build twice the work is the same. Whether the
// latencies of the latter fail by chance is no question for a test that runs once: the exit code is the one that follows from both verdicts.
func TestSelftest(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", twoBuilds)
	r := loadgen(t, "ab", "./small.yaml", "--selftest", "--a", binary(t, "app"), "--mode", "naive", "--inject", enormous, "--epochs", "12", "--seed", "7", "--slice", "50ms", "--epoch", "200ms")
	paths, err := filepath.Glob("runs/*/ab.json")
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err, r)
	}
	var slower, same *ab.Test
	for _, path := range paths {
		test, err := ab.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if test.Same() {
			same = test
		} else {
			slower = test
		}
	}
	if slower == nil || same == nil || !slices.Equal(slower.B.Args, []string{"--slow=naive=" + enormous}) {
		t.Fatalf("the tests are %+v and %+v", slower, same)
	}
	if d, err := slower.Decide(); err != nil || d.Verdict != ab.Fail || len(d.Grew) > 0 {
		t.Errorf("slowed down: %+v, %v", d, err)
	}
	d, err := same.Decide()
	if err != nil || len(d.Grew) > 0 || len(same.Work) != 1 || len(same.Epochs) < 8 || d.Open() {
		t.Errorf("the same: %+v, %v, work %+v", d, err, same.Work)
	}
	word, _, code := aliveness(ab.Fail, d.Verdict)
	if r.code != code || !strings.Contains(r.stdout, "\n"+word+"  B slowed down by "+enormous+": FAIL. The same build twice: "+d.Verdict+". ") {
		t.Errorf("want %s, exit code %d:\n%s", word, code, r)
	}
}

func TestAliveness(t *testing.T) {
	for _, tt := range []struct {
		slowed, same, word string
		code               int
	}{
		{ab.Fail, ab.Pass, "ALIVE", result.ExitPass}, {ab.Fail, ab.Inconclusive, "ALIVE", result.ExitPass}, {ab.Fail, ab.Fail, "DEAD", result.ExitFail},
		{ab.Pass, ab.Pass, "DEAD", result.ExitFail}, {ab.Inconclusive, ab.Pass, "UNKNOWN", result.ExitInconclusive}, {ab.Inconclusive, ab.Fail, "DEAD", result.ExitFail},
	} {
		if word, _, code := aliveness(tt.slowed, tt.same); word != tt.word || code != tt.code {
			t.Errorf("%s and %s: got %s, %d, want %s, %d", tt.slowed, tt.same, word, code, tt.word, tt.code)
		}
	}
}

func TestABUsage(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", twoBuilds)
	write(t, "app", "no program, but a file")
	for want, args := range map[string][]string{
		"--a is missing": {"--b", "app"},
		"--b is missing": {"--a", "app"},
		`"nope" is no URL, no file, no folder written like ./nope, and no commit`: {"--a", "app", "--b", "nope"},
		"they are compared with their own kind":                                   {"--a", "app", "--b", "http://127.0.0.1:1"},
		"--a-lab and --b-lab go together":                                         {"--a", "http://127.0.0.1:1", "--b", "http://127.0.0.1:1", "--a-lab", "127.0.0.1:2"},
		"are for programs that are started":                                       {"--a", "http://127.0.0.1:1", "--b", "http://127.0.0.1:1", "--b-arg", "--slow=ttl=+1%"},
		"--selftest makes B from A":                                               {"--selftest", "--a", "app", "--b", "app"},
		"cannot be slowed down":                                                   {"--selftest", "--a", "http://127.0.0.1:1"},
		"7 epochs at most: fewer than 8 decide":                                   {"--a", "app", "--b", "app", "--epochs", "7"},
		"phase burst cannot be compared: a burst":                                 {"--a", "app", "--b", "app", "--phase", "burst"},
		`has no mode "swr"`:                                                       {"--a", "app", "--b", "app", "--mode", "swr"},
		`--stack is "remote": use embedded or local`:                              {"--a", "app", "--b", "app", "--stack", "remote"},
		"a slice takes 20ms or more":                                              {"--a", "app", "--b", "app", "--slice", "1ms"},
	} {
		if r := loadgen(t, append([]string{"ab", "./small.yaml"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %s\nwant %q", args, r, want)
		}
	}
	write(t, "ab.json", `{"kind": "ab", "schema": 9}`)
	if r := loadgen(t, "report", "ab.json"); r.code != exitUsage || !strings.Contains(r.stderr, "schema 9") {
		t.Error(r)
	}
}
