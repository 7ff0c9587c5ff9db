package gate_test

import (
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
)

// by returns the interval of every figure as three rounds have it, with these values.
func by(rounds ...float64) gate.Rounds {
	return gate.Rounds{Interval: func(name, _, _ string) (figure.Interval, bool) {
		x, _ := figure.Named(name)
		return x.Interval(rounds)
	}}
}

// What one figure is by round is beside its comparison with a constant, and decides nothing.
func TestAbsoluteGates(t *testing.T) {
	for _, tt := range []struct {
		what, expr string
		rounds     gate.Rounds
		verdict    gate.Verdict
		compared   string
	}{
		{"all of it is below", `p95() <= 20*ms`, by(11, 12, 13), gate.Pass, "p95() is 12 ms, at most 20 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds)"},
		{"all of it is above", `p95() <= 2*ms`, by(11, 12, 13), gate.Fail, "p95() is 12 ms, more than 2 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds)"},
		{"it holds, and the interval reaches over it", `p95() < 14*ms`, by(11, 12, 13), gate.Pass,
			"p95() is 12 ms, less than 14 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds, which may be on either side of 14 ms: about 2 more rounds would tell)"},
		{"it fails, and the interval reaches under it", `p95() < 11*ms`, by(11, 12, 13), gate.Fail,
			"p95() is 12 ms, not less than 11 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds, which may be on either side of 11 ms: about 7 more rounds would tell)"},
		{"the bound is first", `14*ms > p95()`, by(11, 12, 13), gate.Pass,
			"p95() is 12 ms, less than 14 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds, which may be on either side of 14 ms: about 2 more rounds would tell)"},
		{"at least", `20*ms <= p95()`, by(11, 12, 13), gate.Fail, "p95() is 12 ms, less than 20 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds)"},
		{"the worst round makes it", `p95() <= 10*ms`, by(5, 5.1, 5.2), gate.Fail,
			"p95() is 12 ms, more than 10 ms (by round 5.1 ms [4.86 ms, 5.35 ms] over 3 rounds, which is on the other side of 10 ms: a few of them are unlike the others)"},
		{"a share, of which nobody knows how many rounds it takes", `hit_ratio("ttl", "warm") > 0.99`, by(.96, .98, 1), gate.Pass,
			"hit_ratio(ttl, warm) is 0.998, more than 0.99 (by round 0.98 [0.93, 1] over 3 rounds, which may be on either side of 0.99)"},
		{"in and and not", `not (p95() > 20*ms) and errors() == 0`, by(11, 12, 13), gate.Pass,
			"p95() is 12 ms, not more than 20 ms (by round 12 ms [9.73 ms, 14.7 ms] over 3 rounds); errors() is 0"},
		{"counts are exact", `errors("ttl") <= 3`, by(1, 1, 1), gate.Pass, "errors(ttl) is 3, at most 3"},
		{"equality has no side", `p95() != 14*ms`, by(11, 12, 13), gate.Pass, "p95() is 12 ms, not 14 ms"},
		{"what is made of a figure", `2 * p95() <= 30*ms`, by(11, 12, 13), gate.Pass, "2 * p95() is 24.1 ms, at most 30 ms"},
		{"one round", `p95() <= 20*ms`, by(12), gate.Pass, "p95() is 12 ms, at most 20 ms"},
		{"no rounds", `p95() <= 20*ms`, gate.Rounds{}, gate.Pass, "p95() is 12 ms, at most 20 ms"},
		{"blocks", `p95() <= 13*ms`, gate.Rounds{Interval: func(name, mode, phase string) (figure.Interval, bool) {
			i, ok := by(11, 12, 13).Interval(name, mode, phase)
			return figure.Interval{Interval: i.Interval, Blocks: 40, Block: 2e9}, ok
		}}, gate.Pass, "p95() is 12 ms, at most 13 ms (by block 12 ms [9.73 ms, 14.7 ms] over 40 blocks of 2s, which may be on either side of 13 ms)"},
	} {
		g, err := gate.Compile(tt.expr, 1, scope)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := g.Judge(measured, tt.rounds), (gate.Result{Verdict: tt.verdict, Compared: tt.compared}); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", tt.what, got, want)
		}
	}
}
