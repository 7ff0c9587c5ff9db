package report_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/report"
)

func TestLaws(t *testing.T) {
	vars := map[string]float64{"arrivals": 2.8, "replicas": 3, "beta": 2}
	for _, tt := range []struct {
		law  string
		want float64
		err  string
	}{
		{"1", 1, ""},
		{"arrivals", 2.8, ""},
		{"max(1, arrivals)", 2.8, ""},
		{"replicas * 2", 6, ""},
		{"exp(1 / beta)", math.Exp(0.5), ""},
		{"exp(1)", math.E, ""},
		{"2.718281828459045 ** (1/beta)", math.Exp(0.5), ""},
		{"lambda * D", 0, `over an unknown D`},
		{"1 +", 0, "cannot be read"},
		{"", 0, "cannot be read"},
		{`"many"`, 0, "cannot be read"},
		{"log(0)", 0, "has no value"},
		{"1 / 0", 0, "has no value"},
	} {
		got, err := report.Evaluate(tt.law, vars)
		switch {
		case tt.err == "" && (err != nil || math.Abs(got-tt.want) > 1e-9):
			t.Errorf("%s: got %v, %v, want %v", tt.law, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: got %v, want an error with %q", tt.law, err, tt.err)
		}
	}
}

func FuzzLaw(f *testing.F) {
	for _, law := range []string{"arrivals", "exp(1/beta)", "max(1, arrivals) * replicas", "map(1..9, #)", "let x = 1; x"} {
		f.Add(law)
	}
	f.Fuzz(func(t *testing.T, law string) {
		got, err := report.Evaluate(law, map[string]float64{"arrivals": 2.8, "replicas": 3, "beta": 2})
		if err == nil && (math.IsNaN(got) || math.IsInf(got, 0)) {
			t.Errorf("%q: got %v without an error", law, got)
		}
	})
}

// one is a run of one mode in one phase with the law given.
func one(t *testing.T, phase report.Phase, law report.Law, requests int, took, d time.Duration, c report.Counters) report.Prediction {
	t.Helper()
	run := base()
	run.Modes, run.Phases = run.Modes[:1], []report.Phase{phase}
	run.Strategies = []report.Strategy{{Name: "ttl", Cold: law, Expiry: law}}
	run.Stack.Replicas = 2
	fill(run, 1, []load{{mode: "ttl", phase: phase.Name, requests: requests, took: took, fast: ms, slow: d,
		recomputes: c.Recomputes, expired: c.Expirations, cold: c.Cold}})
	all := figures(t, run).Predictions()
	if len(all) != 1 {
		t.Fatalf("got %d predictions, want 1", len(all))
	}
	return all[0]
}

func TestPredictions(t *testing.T) {
	open := report.Phase{Name: "p", Kind: "open", Rate: 200}
	closed := report.Phase{Name: "p", Kind: "closed", Users: 50}
	burst := report.Phase{Name: "p", Kind: "burst", Users: 50, Total: 50}
	law := func(relation, recomputes string) report.Law {
		return report.Law{Relation: relation, Recomputes: recomputes}
	}
	for _, tt := range []struct {
		what     string
		phase    report.Phase
		law      report.Law
		requests int
		d        time.Duration
		counters report.Counters
		want     report.Agreement
		value    float64
		text     string
	}{
		{"many a stampede", open, law(">=", "arrivals"), 1200, 14 * ms, report.Counters{Recomputes: 19, Expirations: 3}, report.Agrees, 8.4,
			"at least λ·D = 200/s × 14.0 ms = 2.80 per expiry; measured 6.33 (19 over 3 expiries)"},
		{"no stampede where one is due", open, law(">=", "arrivals"), 1200, 140 * ms, report.Counters{Recomputes: 3, Expirations: 3}, report.Differs, 84,
			"measured 1 (3 over 3 expiries)"},
		{"chance", open, law(">=", "arrivals"), 1200, 14 * ms, report.Counters{Recomputes: 7, Expirations: 3}, report.Agrees, 8.4,
			"short of it by no more than chance"},
		{"one per replica", open, law("<=", "replicas"), 1200, 14 * ms, report.Counters{Recomputes: 6, Expirations: 3}, report.Agrees, 6,
			"at most replicas = 2 per expiry; measured 2 (6 over 3 expiries)"},
		{"more than one per replica", open, law("<=", "replicas"), 1200, 14 * ms, report.Counters{Recomputes: 7, Expirations: 3}, report.Differs, 6,
			"measured 2.33 (7 over 3 expiries)"},
		{"exactly", open, law("==", "1"), 1200, 14 * ms, report.Counters{Recomputes: 1, Expirations: 1}, report.Agrees, 1,
			"exactly 1 per expiry; measured 1 (1 over 1 expiry)"},
		{"too few is no better", open, law("==", "1"), 1200, 14 * ms, report.Counters{Recomputes: 2, Expirations: 3}, report.Differs, 3, "measured 0.667"},
		{"the mean of dice", open, law("~", "exp(1/beta)"), 1200, 14 * ms, report.Counters{Recomputes: 9, Expirations: 3}, report.Agrees, 3 * math.E,
			"about exp(1/beta) = 2.72 per expiry (beta = 1)"},
		{"dice that are off", open, law("~", "exp(1/beta)"), 1200, 14 * ms, report.Counters{Recomputes: 19, Expirations: 3}, report.Differs, 3 * math.E, ""},
		{"a burst", burst, law(">=", "arrivals"), 50, 60 * ms, report.Counters{Recomputes: 50, Cold: 1}, report.Agrees, 50,
			"at most N = 50 per cold page; measured 50 (50 over 1 cold page)"},
		{"users bound a closed load", closed, law(">=", "arrivals"), 60_000, 14 * ms, report.Counters{Recomputes: 120, Expirations: 2}, report.Agrees, 100,
			"at least users = 50 per expiry"},
		{"users that think", closed, law(">=", "arrivals"), 600, 20 * ms, report.Counters{Recomputes: 4, Expirations: 2}, report.Agrees, 4,
			"at least λ·D = 100/s × 20.0 ms = 2 per expiry"},
		{"both causes", open, law("==", "1"), 1200, 14 * ms, report.Counters{Recomputes: 4, Expirations: 3, Cold: 1}, report.Agrees, 4,
			"exactly 1 per cold page and exactly 1 per expiry; exactly 4 in all for 1 cold and 3 expired; measured 4"},
		{"no cause", open, law("==", "1"), 1200, 14 * ms, report.Counters{Recomputes: 2}, report.Differs, 0, "none should be recomputed; measured 2 over 1 round"},
		{"nothing recomputed, so no D", open, law(">=", "arrivals"), 1200, 0, report.Counters{Expirations: 1}, report.Unknown, 0,
			"no prediction: no response tells how long a recompute takes; measured 0 over 1 round"},
		{"an unreadable law", open, law("==", "lambda *"), 1200, 14 * ms, report.Counters{Recomputes: 1, Expirations: 1}, report.Unknown, 0, "cannot be read"},
		{"an unknown relation", open, law("!", "1"), 1200, 14 * ms, report.Counters{Recomputes: 1, Expirations: 1}, report.Unknown, 1, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			got := one(t, tt.phase, tt.law, tt.requests, 6*time.Second, tt.d, tt.counters)
			if got.Agreement != tt.want || math.Abs(got.Predicted-tt.value) > 1e-9 || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s, %v, %q, want %s, %v, %q", got.Agreement, got.Predicted, got.Text, tt.want, tt.value, tt.text)
			}
		})
	}
}

// TestPredictionsNeedCounters: what a remote target did in the background is unknown, so nothing is said of it.
func TestPredictionsNeedCounters(t *testing.T) {
	run := stampede(t)
	for i := range run.Cells {
		run.Cells[i].Server.Counters = nil
	}
	if got := figures(t, run).Predictions(); len(got) != 0 {
		t.Errorf("got %d predictions, want none: %v", len(got), got)
	}
}
