package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"loadlab/dashboards/board"
)

// The program writes what the tree has.
func TestProgram(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), "go", "run", ".", "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, f := range board.All() {
		got, err := os.ReadFile(filepath.Join(out, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("json", f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s: the program writes something else than the tree has", f.Name)
		}
	}
}
