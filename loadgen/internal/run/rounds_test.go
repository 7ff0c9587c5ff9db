package run_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
)

// A run whose number of rounds is left open ends when its gates are decided, which takes one round where only counts are compared, and three where
// times are; or when another round would exceed its budget, and then says how many more it would take. Its intervals are at a level that allows
// for all its looks.
func TestRoundsAuto(t *testing.T) {
	const scenario = "why: as many rounds as it takes\nmodes: {slow: GET /api/properties/live/naive/, fast: GET /api/properties/live/optimized/}\n" +
		"phases: [{name: p, requests: 20}]\ngates:\n  - "
	for _, tt := range []struct {
		what, gate string
		budget     time.Duration
		rounds     func(n int) bool
		verdict    string
		modes      []string // all if there are none
	}{
		{"counts", `requests("slow", "p") == requests("fast", "p")`, time.Hour, func(n int) bool { return n == 1 }, result.Pass, nil},
		{"a difference", `p50("fast", "p") <= 0.7 * p50("slow", "p")`, time.Hour, func(n int) bool { return n >= 3 && n <= 12 }, result.Pass, nil},
		{"the other way", `p50("slow", "p") <= 0.7 * p50("fast", "p")`, time.Hour, func(n int) bool { return n >= 3 && n <= 12 }, result.Fail, nil},
		{"no time", `p50("fast", "p") <= 0.7 * p50("slow", "p")`, time.Nanosecond, func(n int) bool { return n == 1 }, result.Inconclusive, nil},
		{"a mode left out", `p50("fast", "p") <= 0.7 * p50("slow", "p")`, time.Hour, func(n int) bool { return n == 1 }, result.LeftOut, []string{"fast"}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			p.on = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, api.PathLive+"naive") {
					pause := time.NewTimer(10 * time.Millisecond)
					<-pause.C
				}
				return false
			}
			cfg := p.start(t, scenario+tt.gate+"\n")
			cfg.Auto, cfg.Budget = true, tt.budget
			if tt.modes != nil {
				var err error
				if cfg.Scenario, err = cfg.Scenario.Only(tt.modes); err != nil {
					t.Fatal(err)
				}
			}
			r := drive(t, cfg)
			if g := r.Gates[0]; !tt.rounds(r.Scenario.Rounds) || g.Verdict != tt.verdict || r.Level < .99 {
				t.Errorf("%d rounds, level %v, gate %+v, want %s", r.Scenario.Rounds, r.Level, g, tt.verdict)
			}
		})
	}
}

// A gate of one figure and a constant is judged by its value, with what the figure is by round beside it.
func TestAbsoluteGateShowsItsRounds(t *testing.T) {
	p := newPortal(t)
	cfg := p.start(t, "why: bounds\nmodes: {fast: GET /api/properties/live/optimized/}\nrounds: 2\nphases: [{name: p, requests: 20}]\n"+
		"gates: ['p50(\"fast\", \"p\") <= 9*s', 'requests(\"fast\", \"p\") <= 40']\n")
	gates := drive(t, cfg).Gates
	if g := gates[0]; g.Verdict != result.Pass || !strings.Contains(g.Compared, "(by round ") || !strings.Contains(g.Compared, " over 2 rounds") {
		t.Errorf("got %+v, want it to pass with an interval over 2 rounds", g)
	}
	if g := gates[1]; g.Verdict != result.Pass || g.Compared != "requests(fast, p) is 40, at most 40" {
		t.Errorf("got %+v, want it to pass exactly", g)
	}
}
