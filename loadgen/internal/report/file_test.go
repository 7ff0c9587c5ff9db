package report_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/report"
)

func TestWriteRead(t *testing.T) {
	for name, fixture := range fixtures {
		want := fixture(t)
		dir := t.TempDir()
		path := filepath.Join(dir, "run.json")
		for range 2 { // the second one replaces the first
			if err := report.Write(path, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := report.Read(path)
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
	if err := report.Write(path, base()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	bad := base()
	bad.Phases[0].Rate = 1 / zero
	for _, tt := range []struct {
		path string
		run  *report.Run
	}{{path, bad}, {filepath.Join(dir, "folder"), base()}, {filepath.Join(dir, "missing", "run.json"), base()}} {
		if err := report.Write(tt.path, tt.run); err == nil || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: got %v, want an error that names it", tt.path, err)
		}
	}
	if _, err := report.Read(path); err != nil {
		t.Errorf("the old run: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("got %v, %v, want run.json and the folder", files, err)
	}
}

var zero float64

func TestReadRefuses(t *testing.T) {
	edit := func(change func(*report.Run)) string {
		run := fill(base(), 1, stampedeLoads()[:2])
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
		{"half", edit(func(*report.Run) {})[:3000], "not a run.json", false},
		{"something else", `{"tests": 4}`, "it has no schema version", true},
		{"older", `{"schema": 0}`, "it is schema 0, this loadgen reads schema 1", true},
		{"newer", edit(func(r *report.Run) { r.Schema = 2 }), "it is schema 2, this loadgen reads schema 1", true},
		{"two documents", edit(func(*report.Run) {}) + "{}", "not a run.json", false},
		{"a type that does not fit", `{"schema": 1, "cells": 3}`, "not a run.json", false},
		{"unknown mode", edit(func(r *report.Run) { r.Cells[0].Mode = "x" }), `unknown mode "x"`, false},
		{"unknown phase", edit(func(r *report.Run) { r.Cells[0].Phase = "x" }), `unknown phase "x"`, false},
		{"the same mode twice", edit(func(r *report.Run) { r.Modes = append(r.Modes, r.Modes[0]) }), `mode "ttl"`, false},
		{"the same phase twice", edit(func(r *report.Run) { r.Phases = append(r.Phases, r.Phases[0]) }), `phase "prime"`, false},
		{"negative", edit(func(r *report.Run) { r.Cells[1].Ledger.Scheduled = -1 }), "negative", false},
		{"a broken histogram", edit(func(r *report.Run) { r.Cells[1].Seconds[0].Response = "AAAA" }), "mode ttl, phase warm, round 1", false},
	} {
		path := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(path, []byte(tt.data), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := report.Read(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q and the path", tt.what, err, tt.want)
		}
		if errors.Is(err, report.ErrSchema) != tt.schema {
			t.Errorf("%s: got %v, want ErrSchema: %v", tt.what, err, tt.schema)
		}
	}
	if _, err := report.Read(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want os.ErrNotExist", err)
	}
}

// TestReadKnowsTheFuture: a field that was added does not change the schema version.
func TestReadKnowsTheFuture(t *testing.T) {
	if _, err := report.Parse([]byte(`{"schema": 1, "added_later": true}`)); err != nil {
		t.Error(err)
	}
}

// FuzzParse: whatever Parse accepts, every rendering renders.
func FuzzParse(f *testing.F) {
	small := base() // a big seed makes for few tries
	small.Modes, small.Phases, small.Strategies = small.Modes[:1], small.Phases[1:2], small.Strategies[:1]
	for _, run := range []*report.Run{empty(f), fill(small, 1, stampedeLoads()[1:2])} {
		data, err := json.Marshal(run)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema":1,"modes":[{"name":"a","strategy":"s"},{"name":"b"}],"phases":[{"name":"p","kind":"burst","mix":true}],
		"cells":[{"round":-1,"mode":"a","phase":"p","took_ns":9223372036854775807,"ledger":{"scheduled":9223372036854775807,"failed":{"x":-1,"y":1}},
		"server":{"cache":{"hit":-1},"counters":{"recomputes":-5,"cold":1,"requests":-1}},"stale":{"writes":1,"reads":1,"stale":-1,"max_ns":-1}}],
		"strategies":[{"name":"s","cold":{"relation":"~","recomputes":"arrivals"}}],"gates":[{"verdict":"x"},{}],"invalid":["",""]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := report.Parse(data)
		if err != nil {
			return
		}
		for name, render := range formats {
			if err := render(io.Discard, run); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_ = report.ExitCode(run)
	})
}
