package gate_test

import (
	"errors"
	"strings"
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
)

// each returns the figures of rounds in which the p99 of singleflight is that of ttl, which is 100, times these.
func each(ratios ...float64) gate.Rounds {
	var r gate.Rounds
	for _, x := range ratios {
		r.Figures = append(r.Figures, table{
			"p99(ttl,expiry)": 100, "p99(singleflight,expiry)": 100 * x, "recomputes(ttl,expiry)": 10, "recomputes(singleflight,expiry)": 10 * x, "errors(,)": 0,
		})
	}
	return r
}

// What compares times of several modes is judged by the interval of their ratio, and all else by the values of the whole run.
func TestIntervals(t *testing.T) {
	whole := table{"p99(ttl,expiry)": 100, "p99(singleflight,expiry)": 52, "recomputes(ttl,expiry)": 10, "recomputes(singleflight,expiry)": 5, "errors(,)": 0,
		"predicted_stale_max(ttl,expiry)": 110}
	const relative = `p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`
	for _, tt := range []struct {
		what, expr string
		rounds     gate.Rounds
		want       gate.Verdict
		text       string // of what was compared, or the reason
		more       bool
	}{
		{"all of the interval is below", relative, each(.40, .41, .42), gate.Pass, "over 3 rounds it is 0.82x [0.77, 0.87] the bound", false},
		{"all of it is above", relative, each(.60, .61, .62), gate.Fail, "over 3 rounds it is 1.22x [", false},
		{"it has both", relative, each(.40, .52, .60), gate.Inconclusive, "over 3 rounds it is 1.00x [0.60, 1.67] the bound, which may be more or less", false},
		{"a few more rounds would tell", relative, each(.40, .44, .48), gate.Inconclusive, ": about 3 more rounds would decide", true},
		{"one round has no interval", relative, each(.40), gate.Inconclusive, "of one round there is no interval", true},
		{"no rounds: by the values", relative, gate.Rounds{}, gate.Fail, "", false},
		{"a stricter level", relative, gate.Rounds{Figures: each(.40, .41, .42, .40).Figures, Level: .9999}, gate.Inconclusive, "at a level of >99.9%", true},
		{"more, not less", `p99("ttl", "expiry") > 2 * p99("singleflight", "expiry")`, each(.40, .41, .42), gate.Pass, "1.22x [", false},
		{"as a quotient", `p99("singleflight", "expiry") / p99("ttl", "expiry") <= 0.5`, each(.40, .41, .42), gate.Pass, "0.82x [", false},
		{"the bound first", `0.5 >= p99("singleflight", "expiry") / p99("ttl", "expiry")`, each(.40, .41, .42), gate.Pass, "over 3 rounds it is 0.82x [0.77, 0.87] the bound", false},
		{"as a difference", `p99("singleflight", "expiry") - p99("ttl", "expiry") <= -50`, each(.40, .41, .42), gate.Pass, "over 3 rounds it exceeds the bound by -9 ms [-11.5 ms, -6.52 ms]", false},
		{"exactly, each time", `p99("singleflight", "expiry") <= p99("ttl", "expiry")`, each(1, 1, 1), gate.Pass, "1.00x [1.00, 1.00]", false},
		{"counts are what they are", `recomputes("singleflight", "expiry") <= 0.5 * recomputes("ttl", "expiry")`, each(.60, .61, .62), gate.Pass, "", false},
		{"one figure and a constant", `p99("ttl", "expiry") <= 100*ms`, each(1), gate.Pass, "", false},
		{"a law's bound", `p99("ttl", "expiry") <= predicted_stale_max("ttl", "expiry")`, each(.40, .52, .60), gate.Pass, "predicted_stale_max(ttl, expiry) = 110 ms", false},
		{"equality has no interval", `p99("ttl", "expiry") != p99("singleflight", "expiry")`, each(1, 1, 1), gate.Pass, "", false},
		{"and: what fails decides", relative + ` and errors() > 0`, each(.40, .52, .60), gate.Fail, "", false},
		{"or: what holds decides", relative + ` or errors() == 0`, each(.40, .52, .60), gate.Pass, "", false},
		{"not turns it round", `not (` + relative + `)`, each(.60, .61, .62), gate.Pass, "", false},
		{"not of what is open is open", `not (` + relative + `)`, each(.40, .52, .60), gate.Inconclusive, "more or less", false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			g, err := gate.Compile(tt.expr, 1, scope)
			if err != nil {
				t.Fatal(err)
			}
			got := g.Judge(whole, tt.rounds)
			if got.Verdict != tt.want || !strings.Contains(got.Compared+got.Reason, tt.text) || (got.More > 0) != tt.more {
				t.Errorf("got %+v, want %s with %q, more rounds %t", got, tt.want, tt.text, tt.more)
			}
		})
	}
}

// few answers as another, but that one of its figures is of too few samples.
type few struct {
	table
	name string
}

func (f few) Value(name, mode, phase string) (float64, string, error) {
	v, unit, err := f.table.Value(name, mode, phase)
	if name == f.name {
		err = errors.Join(err, figure.ErrTooFewSamples)
	}
	return v, unit, err
}

// A round that has too few requests for a percentile has no part in an interval of it, and the gate is open.
func TestIntervalsOfTooFewRequests(t *testing.T) {
	rounds := each(.40, .41, .42)
	rounds.Figures[1] = few{rounds.Figures[1].(table), "p99"}
	g, err := gate.Compile(`p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`, 1, scope)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Judge(measured, rounds); got.Verdict != gate.Inconclusive || !strings.Contains(got.Reason, "there is no interval: round 2: p99(singleflight, expiry): ") {
		t.Errorf("got %+v", got)
	}
	if !g.Relative() {
		t.Error("a gate that compares the p99 of two modes is not relative")
	}
}
