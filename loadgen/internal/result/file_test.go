package result_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"

	"github.com/google/go-cmp/cmp"
)

func TestWriteRead(t *testing.T) {
	for name, fixture := range resulttest.All() {
		want := fixture(t)
		dir := t.TempDir()
		path := filepath.Join(dir, "run.json")
		for range 2 { // the second one replaces the first
			if err := result.Write(path, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := result.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Errorf("%s: got %v, %v in the folder, want run.json alone", name, files, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: got %v, %v, want mode 0644", name, info.Mode(), err)
		}
	}
}

// TestWriteFails: a run that cannot be written leaves the old one as it was, and nothing beside it.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.json")
	if err := result.Write(path, resulttest.Base()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	bad := resulttest.Base()
	bad.Phases[0].Rate = 1 / zero
	for _, tt := range []struct {
		path string
		run  *result.Run
	}{{path, bad}, {filepath.Join(dir, "folder"), resulttest.Base()}, {filepath.Join(dir, "missing", "run.json"), resulttest.Base()}} {
		if err := result.Write(tt.path, tt.run); err == nil || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: got %v, want an error that names it", tt.path, err)
		}
	}
	if _, err := result.Read(path); err != nil {
		t.Errorf("the old run: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("got %v, %v, want run.json and the folder", files, err)
	}
}

var zero float64

func TestReadRefuses(t *testing.T) {
	edit := func(change func(*result.Run)) string {
		run := resulttest.Fill(resulttest.Base(), 1, resulttest.StampedeLoads()[:2])
		change(run)
		data, err := json.Marshal(run)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, tt := range []struct {
		what, data, want string
		schema           bool
	}{
		{"empty", "", "not a run.json", false},
		{"half", edit(func(*result.Run) {})[:3000], "not a run.json", false},
		{"something else", `{"tests": 4}`, "it has no schema version", true},
		{"older", `{"schema": 0}`, "it is schema 0, this loadgen reads schema 1 to 2", true},
		{"newer", edit(func(r *result.Run) { r.Schema = 3 }), "it is schema 3, this loadgen reads schema 1 to 2", true},
		{"two documents", edit(func(*result.Run) {}) + "{}", "not a run.json", false},
		{"a type that does not fit", `{"schema": 1, "cells": 3}`, "not a run.json", false},
		{"unknown mode", edit(func(r *result.Run) { r.Cells[0].Mode = "x" }), `unknown mode "x"`, false},
		{"unknown phase", edit(func(r *result.Run) { r.Cells[0].Phase = "x" }), `unknown phase "x"`, false},
		{"the same mode twice", edit(func(r *result.Run) { r.Modes = append(r.Modes, r.Modes[0]) }), `mode "ttl"`, false},
		{"the same phase twice", edit(func(r *result.Run) { r.Phases = append(r.Phases, r.Phases[0]) }), `phase "prime"`, false},
		{"negative", edit(func(r *result.Run) { r.Cells[1].Ledger.Scheduled = -1 }), "negative", false},
	} {
		path := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(path, []byte(tt.data), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := result.Read(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q and the path", tt.what, err, tt.want)
		}
		if errors.Is(err, result.ErrSchema) != tt.schema {
			t.Errorf("%s: got %v, want ErrSchema: %v", tt.what, err, tt.schema)
		}
	}
	if _, err := result.Read(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want os.ErrNotExist", err)
	}
}

// TestReadKnowsTheFuture: a field that was added does not change the schema version.
func TestReadKnowsTheFuture(t *testing.T) {
	if _, err := result.Parse([]byte(`{"schema": 1, "added_later": true}`)); err != nil {
		t.Error(err)
	}
}

// TestParseUpgrades: a run of schema 1, whose counters had names of their own, reads as one of today's.
func TestParseUpgrades(t *testing.T) {
	run, err := result.Parse([]byte(`{"schema": 1, "modes": [{"name": "ttl"}], "phases": [{"name": "warm"}], "cells": [
		{"round": 1, "mode": "ttl", "phase": "warm", "server": {"counters": {"requests": 3, "sql": 62, "redis": 6, "recomputes": 1, "cold": 1, "expirations": 0}}},
		{"round": 2, "mode": "ttl", "phase": "warm", "server": {}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := api.Counts{api.CountRequests: 3, api.CountSQL: 62, api.CountRedis: 6, api.CountRecomputes: 1, api.CountCold: 1, api.CountExpirations: 0}
	if diff := cmp.Diff(want, run.Cells[0].Server.Counters); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if run.Schema != result.SchemaVersion || run.Cells[1].Server.Counters != nil {
		t.Errorf("got schema %d and counters %v, want today's and none", run.Schema, run.Cells[1].Server.Counters)
	}
}

// TestNoCountsAreNoGap: counters that are all zero are not the same as none.
func TestNoCountsAreNoGap(t *testing.T) {
	run := resulttest.Fill(resulttest.Base(), 1, resulttest.StampedeLoads()[:1])
	run.Cells[0].Server.Counters = api.Counts{}
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	got, err := result.Parse(data)
	if err != nil || got.Cells[0].Server.Counters == nil {
		t.Errorf("got %v, %v, want counters", got.Cells[0].Server.Counters, err)
	}
}

// TestFirstErrorsBecomeFailures: a run from before failures were kept has them by kind.
func TestFirstErrorsBecomeFailures(t *testing.T) {
	run, err := result.Parse([]byte(`{"schema": 2, "modes": [{"name": "m"}], "phases": [{"name": "p"}], "cells": [{"mode": "m", "phase": "p",
		"ledger": {"scheduled": 9, "completed": 4, "failed": {"timeout": 2, "status": 3}}, "errors": {"status": "status 404"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []result.Failure{{Kind: "status", Count: 3, Example: "status 404"}, {Kind: "timeout", Count: 2}}
	if diff := cmp.Diff(want, run.Cells[0].Failures); diff != "" || run.Cells[0].Errors != nil {
		t.Errorf("errors %v, failures (-want +got):\n%s", run.Cells[0].Errors, diff)
	}
}
