package figure_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// Sums over modes are of requests: those of a session are its steps. A session and its steps took the time of their phase once.
func TestSessionsAreInNoSum(t *testing.T) {
	run := resulttest.Base()
	run.Modes = []result.Mode{{Name: "visit", Steps: 2}, {Name: "visit/a", Session: "visit"}, {Name: "visit/b", Session: "visit"}, {Name: "plain"}}
	run.Phases = []result.PhaseInfo{{Name: "p", Kind: "open"}, {Name: "q", Kind: "open", Mix: true}}
	var loads []resulttest.Load
	for _, phase := range []string{"p", "q"} {
		for _, l := range []resulttest.Load{
			{Mode: "visit", Requests: 100, Fast: time.Second},
			{Mode: "visit/a", Requests: 100, Fast: 2 * ms},
			{Mode: "visit/b", Requests: 90, Fast: 2 * ms},
			{Mode: "plain", Requests: 10, Fast: 2 * ms},
		} {
			l.Phase, l.Took = phase, 10*time.Second
			loads = append(loads, l)
		}
	}
	f := figures(t, resulttest.Fill(run, 1, loads))
	for _, tt := range []struct {
		name, mode, phase string
		want              float64
	}{
		{"requests", "", "p", 200}, {"requests", "", "", 400}, {"requests", "visit", "p", 100}, {"requests", "visit", "", 200}, {"requests", "visit/b", "p", 90},
		{"rate", "", "p", 10}, {"rate", "", "q", 20}, {"rate", "visit", "p", 10}, {"rate", "visit", "", 10},
	} {
		if got := value(t, f, tt.name, tt.mode, tt.phase); got != tt.want {
			t.Errorf("%s(%q, %q): got %v, want %v", tt.name, tt.mode, tt.phase, got, tt.want)
		}
	}
	if whole, all := value(t, f, "p50", "visit", "p"), value(t, f, "max", "", ""); whole < 900 || all > 3 {
		t.Errorf("p50 of a session is %v ms, the greatest time of a request %v ms", whole, all)
	}
}
