package law_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
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
		got, err := law.Evaluate(tt.law, vars)
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
	f.Fuzz(func(t *testing.T, src string) {
		got, err := law.Evaluate(src, map[string]float64{"arrivals": 2.8, "replicas": 3, "beta": 2})
		if err == nil && (math.IsNaN(got) || math.IsInf(got, 0)) {
			t.Errorf("%q: got %v without an error", src, got)
		}
	})
}

// one is a run of one mode in one phase with the law given.
func one(t *testing.T, phase result.PhaseInfo, of result.Law, requests int, took, d time.Duration, c api.Counts) law.Prediction {
	t.Helper()
	run := resulttest.Base()
	run.Modes, run.Phases = run.Modes[:1], []result.PhaseInfo{phase}
	run.Strategies = []result.Strategy{{Name: "ttl", Cold: of, Expiry: of}}
	run.Stack.Replicas = 2
	resulttest.Fill(run, 1, []resulttest.Load{{Mode: "ttl", Phase: phase.Name, Requests: requests, Took: took, Fast: ms, Slow: d,
		Recomputes: c[api.CountRecomputes], Expired: c[api.CountExpirations], Cold: c[api.CountCold]}})
	all := law.Predictions(figures(t, run))
	if len(all) != 1 {
		t.Fatalf("got %d predictions, want 1", len(all))
	}
	return all[0]
}

func TestPredictions(t *testing.T) {
	open := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200}
	closed := result.PhaseInfo{Name: "p", Kind: "closed", Users: 50}
	burst := result.PhaseInfo{Name: "p", Kind: "burst", Users: 50, Total: 50}
	lawOf := func(relation, recomputes string) result.Law {
		return result.Law{Relation: relation, Recomputes: recomputes}
	}
	for _, tt := range []struct {
		what     string
		phase    result.PhaseInfo
		law      result.Law
		requests int
		d        time.Duration
		counters api.Counts
		want     law.Agreement
		value    float64
		text     string
	}{
		{"many a stampede", open, lawOf(">=", "arrivals"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 19, api.CountExpirations: 3}, law.Agrees, 8.4,
			"at least λ·D = 200/s × 14.0 ms = 2.80 per expiry; measured 6.33 (19 over 3 expiries)"},
		{"no stampede where one is due", open, lawOf(">=", "arrivals"), 1200, 140 * ms, api.Counts{api.CountRecomputes: 3, api.CountExpirations: 3}, law.Differs, 84,
			"measured 1 (3 over 3 expiries)"},
		{"chance", open, lawOf(">=", "arrivals"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 7, api.CountExpirations: 3}, law.Agrees, 8.4,
			"short of it by no more than chance"},
		{"one per replica", open, lawOf("<=", "replicas"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 6, api.CountExpirations: 3}, law.Agrees, 6,
			"at most replicas = 2 per expiry; measured 2 (6 over 3 expiries)"},
		{"more than one per replica", open, lawOf("<=", "replicas"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 7, api.CountExpirations: 3}, law.Differs, 6,
			"measured 2.33 (7 over 3 expiries)"},
		{"exactly", open, lawOf("==", "1"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 1, api.CountExpirations: 1}, law.Agrees, 1,
			"exactly 1 per expiry; measured 1 (1 over 1 expiry)"},
		{"too few is no better", open, lawOf("==", "1"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 2, api.CountExpirations: 3}, law.Differs, 3, "measured 0.667"},
		{"the mean of dice", open, lawOf("~", "exp(1/beta)"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 9, api.CountExpirations: 3}, law.Agrees, 3 * math.E,
			"about exp(1/beta) = 2.72 per expiry (beta = 1)"},
		{"dice that are off", open, lawOf("~", "exp(1/beta)"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 19, api.CountExpirations: 3}, law.Differs, 3 * math.E, ""},
		{"a burst", burst, lawOf(">=", "arrivals"), 50, 60 * ms, api.Counts{api.CountRecomputes: 50, api.CountCold: 1}, law.Agrees, 50,
			"at most N = 50 per cold page; measured 50 (50 over 1 cold page)"},
		{"users bound a closed load", closed, lawOf(">=", "arrivals"), 60_000, 14 * ms, api.Counts{api.CountRecomputes: 120, api.CountExpirations: 2}, law.Agrees, 100,
			"at least users = 50 per expiry"},
		{"users that think", closed, lawOf(">=", "arrivals"), 600, 20 * ms, api.Counts{api.CountRecomputes: 4, api.CountExpirations: 2}, law.Agrees, 4,
			"at least λ·D = 100/s × 20.0 ms = 2 per expiry"},
		{"both causes", open, lawOf("==", "1"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 4, api.CountExpirations: 3, api.CountCold: 1}, law.Agrees, 4,
			"exactly 1 per cold page and exactly 1 per expiry; exactly 4 in all for 1 cold and 3 expired; measured 4"},
		{"no cause", open, lawOf("==", "1"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 2}, law.Differs, 0, "none should be recomputed; measured 2 over 1 round"},
		{"nothing recomputed, so no D", open, lawOf(">=", "arrivals"), 1200, 0, api.Counts{api.CountExpirations: 1}, law.Unknown, 0,
			"no prediction: no response tells how long a recompute takes; measured 0 over 1 round"},
		{"an unreadable law", open, lawOf("==", "lambda *"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 1, api.CountExpirations: 1}, law.Unknown, 0, "cannot be read"},
		{"an unknown relation", open, lawOf("!", "1"), 1200, 14 * ms, api.Counts{api.CountRecomputes: 1, api.CountExpirations: 1}, law.Unknown, 1, ""},
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
	run := resulttest.Stampede(t)
	for i := range run.Cells {
		run.Cells[i].Server.Counters = nil
	}
	if got := law.Predictions(figures(t, run)); len(got) != 0 {
		t.Errorf("got %d predictions, want none: %v", len(got), got)
	}
}

func figures(t *testing.T, run *result.Run) *figure.Figures {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const ms = time.Millisecond
