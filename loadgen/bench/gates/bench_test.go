package main

import (
	"math"
	"os/exec"
	"path/filepath"
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
		c.add(tests[name], d)
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
		{"one alarm", falseAlarms, count{runs: 30, fail: 1, took: []float64{1}}, true},
		{"two alarms", falseAlarms, count{runs: 30, fail: 2, took: []float64{1, 1}}, false},
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
