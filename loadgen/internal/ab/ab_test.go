package ab_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// A stored test is decided again as it was, from its file alone.
func TestReplay(t *testing.T) {
	for name, test := range abtest.All() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ab.json")
			if err := ab.Write(path, test); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if name == "slower" || name == "work" {
				testkit.Golden(t, name+".json", string(text))
			}
			again, err := ab.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test, again); diff != "" {
				t.Errorf("it is read as another (-written +read):\n%s", diff)
			}
			want, err := test.Decide()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := again.Decide(); err != nil || cmp.Diff(want, got) != "" || got.Verdict != test.Verdict {
				t.Errorf("got %s, %v, want %s:\n%s", got.Verdict, err, test.Verdict, cmp.Diff(want, got))
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	for name, want := range map[string]struct {
		verdict string
		code    int
		reason  string
		epochs  int
	}{
		"same":        {ab.Pass, result.ExitPass, "within the margin", 8},
		"slower":      {ab.Fail, result.ExitFail, "B is slower: ttl warm p50, ttl warm p95", 8},
		"work":        {ab.Fail, result.ExitFail, "more work for the same requests: ttl warm: sql", 0},
		"open":        {ab.Inconclusive, result.ExitInconclusive, "before a look that decides", 3},
		"noise":       {ab.Inconclusive, result.ExitInconclusive, "after 32 epochs", 32},
		"broken":      {ab.Invalid, result.ExitInvalid, "the stack of arm B broke", 2},
		"interrupted": {ab.Interrupted, result.ExitInterrupted, "stopped", 4},
		"idle":        {ab.Invalid, result.ExitInvalid, "enough requests", 1},
		"nothing":     {ab.Inconclusive, result.ExitInconclusive, "no epoch", 0},
	} {
		d, err := abtest.All()[name].Decide()
		if err != nil || d.Verdict != want.verdict || d.ExitCode() != want.code || !strings.Contains(d.Reason, want.reason) || d.Used != want.epochs {
			t.Errorf("%s: got %s %q, exit code %d, %d epochs, %v; want %+v", name, d.Verdict, d.Reason, d.ExitCode(), d.Used, err, want)
		}
		if open := d.Open(); open != (name == "open" || name == "nothing") {
			t.Errorf("%s: open is %t", name, open)
		}
	}
}

// Epochs that were dropped are in no figure, and the rest is judged as if they had not been.
func TestDropped(t *testing.T) {
	test := abtest.All()["slower"]
	before, err := test.Decide()
	if err != nil {
		t.Fatal(err)
	}
	dropped := ab.Epoch{Number: 9, Dropped: []string{"the generator stood still"}}
	test.Epochs = slices.Insert(test.Epochs, 3, dropped)
	after, err := test.Decide()
	if err != nil || after.Dropped != 1 || cmp.Diff(before.Latency, after.Latency) != "" {
		t.Errorf("got %+v, %v", after, err)
	}
}

func TestEndpointsAreChosenByRequests(t *testing.T) {
	side := func(n int64) ab.Side { return ab.Side{Requests: n, Quantiles: []ab.Dur{1, 2, 3}} }
	for n, want := range map[int64]int{19: 0, 20: 1, 199: 1, 200: 2, 999: 2, 1000: 3} {
		test := &ab.Test{}
		test.Choose(ab.Epoch{Cells: []ab.Cell{{Mode: "ttl", Phase: "warm", A: side(n), B: side(5000)}}})
		if len(test.Plan.Endpoints) != want || len(test.Ungated) != 3-want {
			t.Errorf("of %d requests: %+v, not %+v", n, test.Plan.Endpoints, test.Ungated)
		}
	}
}

func TestLogs(t *testing.T) {
	p := ab.Plan{Endpoints: []ab.Endpoint{{"a", "x", 0.95, .1}, {"b", "x", 0.5, .1}, {"b", "y", 0.5, .1}}}
	e := ab.Epoch{Cells: []ab.Cell{
		{Mode: "b", Phase: "x", A: ab.Side{Quantiles: []ab.Dur{4, 8, 9}}, B: ab.Side{Quantiles: []ab.Dur{4, 9, 9}}},
		{Mode: "a", Phase: "x", A: ab.Side{Quantiles: []ab.Dur{1, 2 * time.Millisecond, 9}}, B: ab.Side{Quantiles: []ab.Dur{1, time.Millisecond, 9}}},
	}}
	if got := p.Logs(e); got[0] > -0.693 || got[0] < -0.694 || got[1] != 0 || got[2] != 0 {
		t.Errorf("got %v, want -ln 2, 0 and 0", got)
	}
}

// What a build adds is there in every try; what came by chance is not.
func TestGrew(t *testing.T) {
	try := func(a, b ab.Counts) ab.Try { a.Counted, b.Counted = true, true; return ab.Try{A: a, B: b} }
	even := try(ab.Counts{SQL: 5}, ab.Counts{SQL: 5})
	more := try(ab.Counts{SQL: 5, Redis: 2}, ab.Counts{SQL: 6, Redis: 2})
	less := try(ab.Counts{SQL: 5}, ab.Counts{SQL: 4})
	rows := try(ab.Counts{SQL: 5, Rows: 20}, ab.Counts{SQL: 5, Rows: 21})
	if rows.Even() {
		t.Error("a row more is even")
	}
	unknown := ab.Try{A: ab.Counts{SQL: 1, Bytes: 9}, B: ab.Counts{SQL: 2, Bytes: 10}}
	for name, test := range map[string]struct {
		tries []ab.Try
		want  []string
	}{
		"none": {nil, nil}, "even": {[]ab.Try{even}, nil}, "by chance": {[]ab.Try{more, even}, nil}, "always": {[]ab.Try{more, more, more}, []string{"sql"}},
		"rows": {[]ab.Try{rows, rows, rows}, []string{"rows"}},
		"less": {[]ab.Try{less, less, less}, nil}, "not counted": {[]ab.Try{unknown}, []string{"bytes"}},
	} {
		if got := (ab.Work{Tries: test.tries}).Grew(); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestAllocationsGrew(t *testing.T) {
	pair := func(a, b int64) ab.Allocations { return ab.Allocations{Requests: 100, A: a, B: b} }
	for name, tt := range map[string]struct {
		tries []ab.Allocations
		want  bool
	}{
		"some more":   {[]ab.Allocations{pair(1000, 1100)}, false},
		"many more":   {[]ab.Allocations{pair(1000, 1101), pair(1000, 1200), pair(900, 1200)}, true},
		"once":        {[]ab.Allocations{pair(1000, 1500), pair(1000, 1000)}, false},
		"unknown":     {[]ab.Allocations{pair(0, 1500), pair(0, 1500), pair(0, 1500)}, false},
		"not counted": {nil, false},
	} {
		if got := slices.Contains((ab.Work{Allocations: tt.tries}).Grew(), "allocations"); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	for text, want := range map[string]error{`{}`: ab.ErrKind, `{"schema": 2}`: ab.ErrKind, `[]`: ab.ErrKind, `{"kind": "ab", "schema": 2}`: ab.ErrSchema} {
		if _, err := ab.Parse([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"kind": "ab", "schema": 1, "nope": 1}`:                                                                                     `unknown field "nope"`,
		`{"kind": "ab", "schema": 1, "epochs": [{"d": [0.1]}]}`:                                                                      "figures of 1 endpoints, the plan has 0",
		`{"kind": "ab", "schema": 1, "work": [{"mode": "a", "requests": 0}]}`:                                                        "work of 0 requests",
		`{"kind": "ab", "schema": 1, "work": [{"mode": "a", "requests": 1, "allocations": [{"a": 1}]}]}`:                             "allocations of 0 requests",
		`{"kind": "ab", "schema": 1, "plan": {"endpoints": [{"mode": "a", "phase": "b", "quantile": 2}]}}`:                           "no mode, phase or quantile",
		`{"kind": "ab", "schema": 1, "plan": {"endpoints": [{"mode": "a", "phase": "b", "quantile": 0.5, "margin": 0.1}]}}`:          stats.ErrPlan.Error(),
		`{"kind": "ab", "schema": 1, "epochs": [{"cells": [{"mode": "a", "phase": "b", "a": {"requests": -1}}]}], "interrupted": 1}`: "interrupted",
	} {
		if _, err := ab.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// What is read can be decided, and written and read again.
func FuzzParse(f *testing.F) {
	for _, test := range abtest.All() {
		path := filepath.Join(f.TempDir(), "ab.json")
		if err := ab.Write(path, test); err != nil {
			f.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		test, err := ab.Parse(data)
		if err != nil {
			return
		}
		want, err := test.Decide()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "ab.json")
		if err := ab.Write(path, test); err != nil {
			t.Fatal(err)
		}
		again, err := ab.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Decide(); err != nil || got.Verdict != want.Verdict || got.Reason != want.Reason {
			t.Errorf("got %s %q, %v, want %s %q", got.Verdict, got.Reason, err, want.Verdict, want.Reason)
		}
	})
}
