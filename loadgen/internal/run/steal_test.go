package run_test

import (
	"testing"

	"loadlab/loadgen/internal/run"
)

func TestStolen(t *testing.T) {
	const before = "cpu  100 0 100 700 50 0 10 40 30 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
	for name, tt := range map[string]struct {
		after string
		want  float64
	}{
		"none":          {"cpu  150 0 150 800 50 0 10 40 60 0\n", 0},
		"a quarter":     {"cpu  120 0 120 735 50 0 10 65 40 0\n", 0.25},
		"no time":       {before, 0},
		"another":       {"cpu 1 2 3\n", 0},
		"no number":     {"cpu  120 0 120 x 50 0 10 65 40 0\n", 0},
		"no /proc/stat": {"", 0},
	} {
		if got := run.Stolen(before, tt.after); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func FuzzStolen(f *testing.F) {
	f.Add("cpu  100 0 100 700 50 0 10 40 30 0\n", "cpu  150 0 150 800 50 0 10 40 60 0\n")
	f.Fuzz(func(_ *testing.T, before, after string) { run.Stolen(before, after) })
}

// What a processor waits, and what another guest takes, is no work of the machine.
func TestBusy(t *testing.T) {
	if got := run.Busy("cpu  100 5 100 700 50 2 10 40 30 0\n"); got != 217 {
		t.Errorf("got %d, want 217", got)
	}
}
