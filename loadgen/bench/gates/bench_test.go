package main

import (
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
)

// Each patch applies to the tree as it is.
func TestPatchesApply(t *testing.T) {
	tree, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds(1, 1, 1, 1) {
		if k.commit == "" {
			continue
		}
		cmd := exec.Command("git", "apply", "--check", filepath.Join(tree, commitsDir(), k.commit+".patch"))
		cmd.Dir = tree
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", k.commit, err, out)
		}
	}
}

// Each kind of test is one that the scenario has.
func TestKinds(t *testing.T) {
	s, err := scenario.Load("gates.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, k := range kinds(60, 30, 10, 5) {
		if names[k.name] || k.runs == 0 || len(k.args) < 4 {
			t.Errorf("%+v", k)
		}
		names[k.name] = true
		cfg := run.ABConfig{Config: run.Config{Scenario: s}, Slice: run.DefaultSlice, Epoch: run.DefaultEpoch, Modes: k.args[1:2], Phases: k.args[3:4]}
		if _, err := run.SlowFlags(cfg, "+10%"); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
	}
}

func TestCount(t *testing.T) {
	tests := abtest.All()
	tests["work"].Work[0].Repeats = []string{"properties by id x 20"}
	c := count{kind: kind{name: "x", cause: []string{"properties by id"}}}
	for _, name := range []string{"same", "slower", "noise", "broken", "work"} {
		d, err := tests[name].Decide()
		if err != nil {
			t.Fatal(err)
		}
		c.add(outcomeOf("x", tests[name], d))
	}
	if c.runs != 5 || c.fail != 2 || c.pass != 1 || c.inconclusive != 1 || c.invalid != 1 || c.named != 1 || len(c.took) != 2 {
		t.Errorf("got %+v", c)
	}
}

func TestGoals(t *testing.T) {
	slow := kind{cause: []string{ab.CPU}}
	for _, tt := range []struct {
		name string
		goal func(count) string
		c    count
		met  bool
	}{
		{"no alarm", falseAlarms, count{runs: 30, pass: 30}, true},
		{"one alarm", falseAlarms, count{runs: 30, alarms: 1}, true},
		{"two alarms", falseAlarms, count{runs: 30, alarms: 2}, false},
		{"found", found(0.9, 180), count{runs: 10, fail: 9, took: []float64{100, 100, 200}}, true},
		{"too few", found(0.9, 180), count{runs: 10, fail: 8, took: []float64{100}}, false},
		{"too slow", found(0.9, 180), count{runs: 10, fail: 10, took: []float64{100, 190, 200}}, false},
		{"at once", atOnce, count{runs: 2, fail: 2, took: []float64{1, 9}}, true},
		{"not at once", atOnce, count{runs: 2, fail: 2, took: []float64{1, 10}}, false},
		{"not always", atOnce, count{runs: 2, fail: 1, took: []float64{1}}, false},
		{"named", named, count{kind: slow, runs: 5, fail: 5, named: 5}, true},
		{"not named", named, count{kind: slow, runs: 5, fail: 5, named: 4}, false},
		{"none failed", named, count{kind: slow, runs: 5}, false},
	} {
		if got := tt.goal(tt.c); (got == "met") != tt.met {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
}

func TestSummarize(t *testing.T) {
	var out strings.Builder
	good := count{kind: kind{name: "+10%", goal: found(0.9, 180)}, runs: 2, fail: 2, took: []float64{60, 80}, spread: []float64{0.02, 0.04}, finds: []float64{0.05, math.Inf(1)}}
	if err := summarize(&out, []count{good}); err != nil {
		t.Error(err)
	}
	if text := out.String(); !strings.Contains(text, "70 s") || !strings.Contains(text, "3.0%") || !strings.Contains(text, "met") {
		t.Errorf("got\n%s", text)
	}
	good.fail = 1
	if err := summarize(&out, []count{good}); err != errMissed { //nolint:errorlint // it is returned as it is
		t.Errorf("got %v, want errMissed", err)
	}
}

// One false alarm among the quiet tests and one among the busy ones are two.
func TestAlarmsOfAllKinds(t *testing.T) {
	var out strings.Builder
	alarm := count{kind: kind{goal: falseAlarms}, runs: 30, fail: 1, took: []float64{60}}
	found := count{kind: kind{slow: true, goal: found(0.9, 180)}, runs: 2, fail: 2, took: []float64{60, 80}}
	if err := summarize(&out, []count{alarm, found}); err != nil {
		t.Errorf("one: %v\n%s", err, out.String())
	}
	if err := summarize(&out, []count{alarm, alarm}); !errors.Is(err, errMissed) {
		t.Errorf("two: %v\n%s", err, out.String())
	}
}

func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tests.jsonl")
	var want []outcome
	for _, name := range []string{"slower", "work", "noise"} {
		test := abtest.All()[name]
		d, err := test.Decide()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, outcomeOf(name, test, d))
		k, err := openKept(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.add(want[len(want)-1]); err != nil {
			t.Fatal(err)
		}
	}
	k, err := openKept(path)
	if err != nil || !reflect.DeepEqual(k.older, want) {
		t.Errorf("got %+v, %v\nwant %+v", k.older, err, want)
	}
	if got := k.of("work"); len(got) != 1 || got[0].Spread != nil || got[0].Verdict != ab.Fail {
		t.Errorf("got %+v", got)
	}
	if got := k.of("slower")[0]; got.Spread == nil || *got.Spread <= 0 || got.Machine != "Xeon, 2 processors, go1.26" {
		t.Errorf("got %+v", got)
	}
	if err := os.WriteFile(path, []byte("{}\n{\"kind\""), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKept(path); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

// Tests that were made already are not made again: there is no program that could make them here.
func TestOlderTestsCount(t *testing.T) {
	k := kind{name: "x", slow: true, runs: 2, goal: named}
	older := kept{older: []outcome{{Kind: "x", Verdict: ab.Fail, Seconds: 60}, {Kind: "y"}, {Kind: "x", Verdict: ab.Pass}}}
	c, err := (&builds{}).count(t.Context(), k, older, io.Discard)
	if err != nil || c.runs != 2 || c.fail != 1 || c.pass != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}
