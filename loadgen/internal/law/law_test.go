package law_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

const ms = time.Millisecond

// one is a run of one mode in one phase, of 6 s, with the law given.
type one struct {
	phase     result.PhaseInfo
	law       result.Law
	replicas  int
	balancing string
	requests  int
	d         time.Duration // while a herd runs
	alone     time.Duration
	counters  api.Counts
	change    func(*result.Run)
}

func (o one) predict(t *testing.T) []law.Prediction {
	t.Helper()
	run := resulttest.Base()
	o.phase.Replicas, o.phase.Balancing = o.replicas, o.balancing
	run.Modes, run.Phases = run.Modes[:1], []result.PhaseInfo{o.phase}
	run.Strategies = []result.Strategy{{Name: "ttl", Cold: o.law, Expiry: o.law}}
	resulttest.Fill(run, 1, []resulttest.Load{{Mode: "ttl", Phase: o.phase.Name, Requests: o.requests, Took: 6 * time.Second, Fast: ms, Slow: o.alone, SlowShare: .01, Herd: o.d,
		Recomputes: o.counters[api.CountRecomputes], Expired: o.counters[api.CountExpirations], Cold: o.counters[api.CountCold]}})
	if o.change != nil {
		o.change(run)
	}
	return law.Predictions(figures(t, run))
}

func counts(recomputes, expired, cold int64) api.Counts {
	return api.Counts{api.CountRecomputes: recomputes, api.CountExpirations: expired, api.CountCold: cold}
}

func TestPredictions(t *testing.T) {
	open := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "poisson"}
	even := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "constant"}
	ramp := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "poisson", Varies: true}
	closed := result.PhaseInfo{Name: "p", Kind: "closed", Users: 50}
	burst := result.PhaseInfo{Name: "p", Kind: "burst", Users: 50, Total: 50}
	exactly := func(recomputes string) result.Law { return result.Law{Relation: "==", Recomputes: recomputes} }
	herd, flights, early := exactly("herd(others)"), exactly("flights(others, replicas, balancing)"), exactly("xfetch(others, beta)")
	keys := func(k result.Keys) func(*result.Run) { return func(r *result.Run) { r.Modes[0].Keys = &k } }
	for _, tt := range []struct {
		what string
		one
		want  law.Agreement
		value float64
		text  string
	}{
		{"a herd", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, counters: counts(12, 3, 0)}, law.Agrees, 11.4,
			"1 + λ·D = 1 + 200/s × 14.0 ms = 3.80 per expiry: 5 to 21 over 3 expiries; measured 12 (4.00 each). D was measured while the herd ran"},
		{"a herd that slows itself down", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, d: 28 * ms, counters: counts(21, 3, 0)}, law.Agrees, 19.8,
			"1 + 200/s × 28.0 ms = 6.60 per expiry: 10 to 32 over 3 expiries; measured 21 (7.00 each). D was measured while the herd ran; the shortest recompute took 14.0 ms"},
		{"no herd where one is due", one{phase: open, law: herd, requests: 1200, alone: 140 * ms, counters: counts(3, 3, 0)}, law.Differs, 87, "measured 3 (1.00 each)"},
		{"a greater herd than is due", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, counters: counts(31, 3, 0)}, law.Differs, 11.4, ""},
		{"evenly", one{phase: even, law: herd, requests: 1200, alone: 14 * ms, counters: counts(9, 3, 0)}, law.Agrees, 9.476, "1 + ⌊λ·D⌋ = 1 + ⌊200/s × 14.0 ms⌋ = 3.16 per expiry"},
		{"recomputes that take longer than a page lives", one{phase: open, law: herd, requests: 1200, alone: 2100 * ms, counters: counts(900, 2, 0)}, law.Unknown, 0, "one herd runs into the next"},
		{"a page that is refreshed at once", one{phase: open, law: early, requests: 1200, alone: 700 * ms, counters: counts(200, 3, 0)}, law.Unknown, 0, "as soon as they are stored"},
		{"a ramp", one{phase: ramp, law: herd, requests: 1200, alone: 14 * ms, counters: counts(9, 3, 0)}, law.Unknown, 0, "no exact law for a rate that changes"},
		{"one, whatever the load", one{phase: ramp, law: exactly("1"), requests: 1200, alone: 14 * ms, counters: counts(3, 3, 0)}, law.Agrees, 3, "1 per expiry: 3 over 3 expiries; measured 3"},
		{"one flight of one process", one{phase: ramp, law: flights, requests: 1200, alone: 14 * ms, counters: counts(3, 3, 0)}, law.Agrees, 3, "1 per expiry: 3 over 3"},
		{"flights", one{phase: open, law: flights, replicas: 3, balancing: "random", requests: 1200, alone: 14 * ms, counters: counts(7, 3, 0)}, law.Agrees,
			3 * (1 + 2*(1-math.Exp(-2.8/3))), "1 + (N−1)(1 − e^(−λ·D/N)) (N = 3 replicas, λ·D = 200/s × 14.0 ms = 2.80) per expiry: 3 to 9"},
		// Each replica counts an expiry for itself: 7 of them, of 3 herds.
		{"flights are of herds", one{phase: open, law: flights, replicas: 3, balancing: "random", requests: 1200, alone: 14 * ms, counters: counts(10, 7, 0),
			change: func(r *result.Run) { r.Cells[0].Herds = r.Cells[0].Herds[:3] }}, law.Differs, 3 * (1 + 2*(1-math.Exp(-2.8/3))), "over 3 expiries; measured 10"},
		{"replicas without herds", one{phase: open, law: exactly("1"), replicas: 3, requests: 1200, counters: counts(3, 7, 0)}, law.Unknown, 0, "each replica counts"},
		{"replicas of which one went", one{phase: open, law: exactly("1"), replicas: 3, requests: 1200, alone: 14 * ms, counters: counts(3, 3, 0),
			change: func(r *result.Run) { r.Cells[0].Replicas = []result.Replica{{}, {Out: 100 * ms}, {}} }}, law.Unknown, 0, "a replica was out of service"},
		{"sticky", one{phase: open, law: flights, replicas: 3, balancing: "sticky", requests: 1200, alone: 14 * ms, counters: counts(4, 3, 0)}, law.Agrees, 9,
			"at most N = 3 replicas per expiry: 3 to 9 over 3 expiries"},
		{"too few is no better", one{phase: open, law: exactly("1"), requests: 1200, alone: 14 * ms, counters: counts(2, 3, 0)}, law.Differs, 3, "measured 2 (0.667 each)"},
		{"early", one{phase: open, law: early, requests: 1200, alone: 14 * ms, counters: counts(7, 3, 0)}, law.Agrees, 3 * 2.3457,
			"= 2.35 (a = β·λ·D, c = a·e^(−1/β), β = 1, λ·D = 200/s × 14.0 ms = 2.80) per expiry: 3 to 16"},
		{"a herd is not early", one{phase: open, law: early, requests: 1200, alone: 14 * ms, counters: counts(29, 3, 0)}, law.Differs, 3 * 2.3457, ""},
		{"early, of users", one{phase: closed, law: early, requests: 1200, alone: 14 * ms, counters: counts(29, 3, 0)}, law.Agrees, 150, "at most users = 50 per expiry: 3 to 150"},
		{"early, evenly", one{phase: even, law: early, requests: 1200, alone: 14 * ms, counters: counts(7, 3, 0)}, law.Unknown, 0, "no law for early refreshes under this load"},
		{"a burst", one{phase: burst, law: herd, requests: 50, alone: 60 * ms, counters: counts(47, 0, 1)}, law.Agrees, 50, "at most N = 50 per cold page: 1 to 50 over 1 cold page; measured 47"},
		{"more than a burst", one{phase: burst, law: herd, requests: 50, alone: 60 * ms, counters: counts(51, 0, 1)}, law.Differs, 50, ""},
		{"users bound a closed load", one{phase: closed, law: herd, requests: 60_000, alone: 14 * ms, counters: counts(101, 2, 0)}, law.Differs, 100, "at most users = 50 per expiry"},
		{"both causes", one{phase: open, law: exactly("1"), requests: 1200, alone: 14 * ms, counters: counts(4, 3, 1)}, law.Agrees, 4,
			"1 per cold page and per expiry: 4 over 1 cold page and 3 expiries; measured 4 (1.00 each)"},
		{"no cause", one{phase: open, law: exactly("1"), requests: 1200, alone: 14 * ms, counters: counts(2, 0, 0)}, law.Differs, 0, "exactly 0, since no page expired or was cold: 0 over 1 round; measured 2"},
		{"nothing recomputed, so no D", one{phase: open, law: herd, requests: 1200, counters: counts(0, 1, 0)}, law.Unknown, 0,
			"no prediction: no response tells how long a recompute takes; measured 0 over 1 round"},
		{"many keys", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, counters: counts(32, 30, 0), change: keys(result.Keys{Kind: "uniform", Of: 20})}, law.Agrees,
			30 * (1 + 10*.014), "1 + λ·D = 1.14, the mean over the pages that are missing, per expiry: 30 to 4"},
		// One herd by time, of 32 pages that were recomputed beside each other.
		{"many keys at once", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, counters: counts(32, 30, 0), change: func(r *result.Run) {
			keys(result.Keys{Kind: "uniform", Of: 20})(r)
			r.Cells[0].Herds = []result.Herd{{First: 5 * ms, Spread: 400 * ms, Last: 20 * ms, Mean: 14 * ms, Size: 32}}
		}}, law.Agrees, 30 * (1 + 10*.014), "1 + λ·D = 1.14, the mean over the pages that are missing, per expiry: 30 to 4"},
		{"keys of a file", one{phase: open, law: herd, requests: 1200, alone: 14 * ms, counters: counts(32, 30, 0), change: keys(result.Keys{Kind: "csv", Of: 20})}, law.Unknown, 0, "keys from a csv"},
		{"a law of an older app", one{phase: open, law: result.Law{Relation: ">=", Recomputes: "max(1, arrivals)"}, requests: 1200, alone: 14 * ms, counters: counts(9, 3, 0)}, law.Unknown, 0,
			`no prediction: the law "max(1, arrivals)" is over an unknown arrivals`},
		{"a bound below", one{phase: open, law: result.Law{Relation: ">=", Recomputes: "1"}, requests: 1200, alone: 14 * ms, counters: counts(9, 3, 0)}, law.Agrees, 3, "at least 1 per expiry: at least 3"},
		{"a number that is no count", one{phase: open, law: exactly("exp(1/beta)"), requests: 1200, alone: 14 * ms, counters: counts(8, 3, 0)}, law.Agrees, 3 * math.E, "exp(1/beta) = 2.72"},
		{"an unreadable law", one{phase: open, law: exactly("lambda *"), requests: 1200, alone: 14 * ms, counters: counts(1, 1, 0)}, law.Unknown, 0, "cannot be read"},
		{"an unknown relation", one{phase: open, law: result.Law{Relation: "~", Recomputes: "1"}, requests: 1200, alone: 14 * ms, counters: counts(1, 1, 0)}, law.Unknown, 0, `the law's relation is "~"`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			all := tt.predict(t)
			if len(all) != 1 {
				t.Fatalf("got %d predictions, want 1", len(all))
			}
			got := all[0]
			if got.Agreement != tt.want || !within(got.Predicted, tt.value, .001) || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s, %v, %q, want %s, %v, %q", got.Agreement, got.Predicted, got.Text, tt.want, tt.value, tt.text)
			}
			if in := got.Least <= got.Measured && got.Measured <= got.Most; got.Agreement != law.Unknown && in != (got.Agreement == law.Agrees) {
				t.Errorf("%v is %s, and the interval %v to %v", got.Measured, got.Agreement, got.Least, got.Most)
			}
		})
	}
}

// TestHits has the law of hit ratios for one key, many, and more than there is room for.
func TestHits(t *testing.T) {
	const whenOneDoes = "lambda * T / (1 + lambda * D + lambda * T)"
	open := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "poisson"}
	zipf := &result.Keys{Kind: "zipf", S: 1, Of: 1000}
	for _, tt := range []struct {
		what   string
		phase  result.PhaseInfo
		law    string
		hits   int64 // of 1200
		change func(*result.Run)
		want   law.Agreement
		value  float64
		text   string
	}{
		{"one key", open, whenOneDoes, 1180, nil, law.Agrees, 200 / (1 + 2.8 + 200), "hit ratio λ·T / (1 + λ·D + λ·T) = 98.1% (λ = 200/s, T = 1s, D = 14.0 ms)"},
		{"one key, missed too often", open, whenOneDoes, 1100, nil, law.Differs, 200 / (1 + 2.8 + 200), "measured 91.7% of all 1,200 requests"},
		{"always", open, "1", 1200, nil, law.Agrees, 1, "= 100%"},
		{"many keys", open, "lambda * T / (1 + lambda * T)", 620, func(r *result.Run) { r.Modes[0].Keys = zipf }, law.Agrees, .51497, ""},
		{"many keys, hit too often", open, "lambda * T / (1 + lambda * T)", 1000, func(r *result.Run) { r.Modes[0].Keys = zipf }, law.Differs, .51497, ""},
		{"room for few", open, "lambda * T / (1 + lambda * T)", 300, func(r *result.Run) {
			r.Modes[0].Keys = zipf
			r.Cells[0].Redis = &result.Redis{Pages: 10, Evicted: 500}
		}, law.Agrees, .20945,
			"by Che's approximation of LRU = 20.9% (λ = 200/s, T = 1s, room for 10 of 1,000 pages, evicted after about 60ms without a request; RANDOM would have 17.9%)"},
		// What is evicted need not live for its TTL: a run may be much shorter.
		{"room for few, and a TTL longer than the phase", open, "lambda * T / (1 + lambda * T)", 300, func(r *result.Run) {
			r.Modes[0].Keys, r.Stack.Config["ttl"] = zipf, "10m"
			r.Cells[0].Redis = &result.Redis{Pages: 10, Evicted: 500}
		}, law.Agrees, .20946, "With the 10 most popular pages never evicted it would be 39.1%"},
		// A page that is refreshed while it is cached stays as long as it is asked for, however short its TTL.
		{"room for few that are refreshed", open, "1 - exp(-lambda * grace) / (1 + lambda * T)", 300, func(r *result.Run) {
			r.Modes[0].Keys, r.Stack.Config["ttl"], r.Stack.Config["grace"] = zipf, "50ms", "1m"
			r.Cells[0].Redis = &result.Redis{Pages: 10, Evicted: 500}
		}, law.Agrees, .20946, "RANDOM would have 17.9%"},
		{"room for nearly all that are refreshed", open, "1 - exp(-lambda * grace) / (1 + lambda * T)", 400, func(r *result.Run) {
			r.Modes[0].Keys, r.Stack.Config["ttl"], r.Stack.Config["grace"] = &result.Keys{Kind: "zipf", S: 1, Of: 20}, "10ms", "10ms"
			r.Cells[0].Redis = &result.Redis{Pages: 19, Evicted: 1}
		}, law.Agrees, .32495, ""},
		{"room for few, and a phase too short", open, "lambda * T / (1 + lambda * T)", 300, func(r *result.Run) {
			r.Modes[0].Keys, r.Stack.Config["ttl"] = zipf, "10m"
			r.Cells[0].Redis = &result.Redis{Pages: 600, Evicted: 5}
		}, "", 0, ""},
		{"one page, and others that are evicted", open, whenOneDoes, 1180, func(r *result.Run) {
			r.Cells[0].Redis = &result.Redis{Pages: 1, Evicted: 500, MaxMemory: 1 << 20}
		}, law.Agrees, 200 / (1 + 2.8 + 200), "(λ = 200/s, T = 1s, D = 14.0 ms)"},
		{"memory that is shared", open, "lambda * T / (1 + lambda * T)", 300, func(r *result.Run) {
			r.Modes[0].Keys, r.Phases[0].Mix = zipf, true
			r.Cells[0].Redis = &result.Redis{Pages: 10, MaxMemory: 1 << 20}
		}, law.Unknown, 0, "the modes that share the phase share Redis' memory"},
		{"no law", open, "", 1180, nil, "", 0, ""},
		{"a load that has none", result.PhaseInfo{Name: "p", Kind: "closed", Users: 5}, whenOneDoes, 1180, nil, "", 0, ""},
		{"a short phase", open, whenOneDoes, 1180, func(r *result.Run) { r.Stack.Config["ttl"] = "3s" }, "", 0, ""},
		{"a TTL of the phase's own", open, whenOneDoes, 1160, func(r *result.Run) { r.Phases[0].App = map[string]string{"ttl": "500ms"} }, law.Agrees, 100 / (1 + 2.8 + 100), "T = 500ms"},
		{"a jitter", open, whenOneDoes, 1160, func(r *result.Run) { r.Stack.Config["ttl_jitter"] = "0.5" }, law.Agrees, 150 / (1 + 2.8 + 150), "T = 750ms"},
		{"no ttl", open, whenOneDoes, 1180, func(r *result.Run) { delete(r.Stack.Config, "ttl") }, law.Unknown, 0, "did not tell its ttl"},
		{"pages that are expired by hand", open, whenOneDoes, 1180, func(r *result.Run) { r.Phases[0].During = []string{"expire"} }, law.Unknown, 0, "by an action of the phase"},
		{"a ramp", open, whenOneDoes, 1180, func(r *result.Run) { r.Phases[0].Varies = true }, law.Unknown, 0, "a rate that changes"},
		{"evenly", open, whenOneDoes, 1180, func(r *result.Run) { r.Phases[0].Arrivals = "constant" }, law.Unknown, 0, "requests that come evenly"},
		{"without D", open, whenOneDoes, 1180, func(r *result.Run) { r.Cells[0].Herds = nil }, law.Unknown, 0, "how long a recompute takes"},
		{"nonsense", open, "2 * lambda", 1180, nil, law.Unknown, 0, `the law "2 * lambda" has no value`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			o := one{phase: tt.phase, law: result.Law{Relation: "==", Recomputes: "1"}, requests: 1200, alone: 14 * ms, counters: counts(6, 6, 0)}
			o.change = func(r *result.Run) {
				r.Stack.Config["ttl"] = "1s"
				r.Strategies[0].Hits = tt.law
				r.Cells[0].Server.Cache = map[string]int64{"hit": tt.hits - 10, "stale": 10, "miss": 1200 - tt.hits}
				if tt.change != nil {
					tt.change(r)
				}
			}
			all := o.predict(t)
			if tt.want == "" {
				if len(all) != 1 {
					t.Fatalf("got %d predictions, want that of recomputes alone: %+v", len(all), all[1:])
				}
				return
			}
			if len(all) != 2 {
				t.Fatalf("got %d predictions, want 2", len(all))
			}
			got := all[1]
			if got.Figure != law.HitRatio || got.Agreement != tt.want || !within(got.Predicted, tt.value, .001) || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s, %v, %q, want %s, %v, %q", got.Agreement, got.Predicted, got.Text, tt.want, tt.value, tt.text)
			}
		})
	}
}

// TestStaleness has the bounds of how stale a read can be. The slowest response takes 206 ms.
func TestStaleness(t *testing.T) {
	open := result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "poisson"}
	for _, tt := range []struct {
		what   string
		law    string
		max    time.Duration
		change func(*result.Run)
		want   law.Agreement
		value  float64
		text   string
	}{
		{"within", "T + D", 1206 * ms, nil, law.Agrees, 1206, "stale for T + D = 1.21 s at most (D = 206 ms, the slowest response, T = 1s); measured 1.21 s over 7 price changes"},
		{"staler than its law", "T + D", 1230 * ms, nil, law.Differs, 1206, "measured 1.23 s"},
		{"in its grace", "T + grace + D", 1230 * ms, nil, law.Agrees, 11206, "stale for T + grace + D = 11.2 s at most (D = 206 ms, the slowest response, T = 1s, grace = 10s)"},
		{"beyond its grace", "T + grace + D", 12 * time.Second, nil, law.Differs, 11206, ""},
		{"a page that ended with Redis' next tick", "T", 1009 * ms, nil, law.Agrees, 1000, ""},
		{"a constant", "0.05", 49 * ms, nil, law.Agrees, 50, "stale for 50.0 ms at most; measured 49.0 ms"},
		{"beyond a constant", "0.05", 51 * ms, nil, law.Differs, 50, "measured 51.0 ms"},
		{"never", "0", 0, nil, law.Agrees, 0, "never stale; measured 0 over 7 price changes"},
		{"never, and yet once", "0", ms, nil, law.Differs, 0, "never stale; measured 1.00 ms"},
		{"over the load", "10 / lambda", 49 * ms, nil, law.Agrees, 50, "10 / λ = 50.0 ms at most (λ = 200/s)"},
		{"over another knob", "T + lock_ttl", 3 * time.Second, nil, law.Agrees, 4000, "(T = 1s, lock_ttl = 3s)"},
		{"no read was stale", "T + D", 0, nil, law.Unknown, 0, "stale for T + D = 1.21 s at most (D = 206 ms, the slowest response, T = 1s); no read was stale over 7 price changes"},
		{"a refresh in the background", "T + grace + D", 11 * time.Second, func(r *result.Run) { r.Cells[0].Server.Counters[api.CountRecomputes] = 9 }, law.Agrees, 11206,
			"D = 206 ms, the slowest response of all modes"},
		{"a target that tells no counters", "T + D", 900 * ms, func(r *result.Run) { r.Cells[0].Server.Counters = nil }, law.Agrees, 1206, "the slowest response of all modes"},
		// A page of another phase may have lived for longer.
		{"a TTL of another phase", "T + D", 2900 * ms, func(r *result.Run) {
			r.Phases = append(r.Phases, result.PhaseInfo{Name: "q", App: map[string]string{"ttl": "3s"}})
		}, law.Agrees, 3206, "T = 3s"},
		{"a jitter shortens a TTL", "T", 990 * ms, func(r *result.Run) { r.Stack.Config["ttl_jitter"] = "0.5" }, law.Agrees, 1000, ""},
		{"recomputes that nobody saw the end of", "T + D", 1300 * ms, func(r *result.Run) { r.Cells[0].Ledger.Failed = map[string]int64{"timeout": 1} }, law.Unknown, 1206, "requests failed"},
		{"requests that were never sent", "T + D", 1300 * ms, func(r *result.Run) { r.Cells[0].Ledger.Failed = map[string]int64{"unsent": 1} }, law.Differs, 1206, ""},
		{"a setting that the app does not tell", "T + l1", 900 * ms, nil, law.Unknown, 0, "no prediction of staleness: the app did not tell its l1; measured 900 ms"},
		{"nonsense", "T - 7", 900 * ms, nil, law.Unknown, 0, `the law "T - 7" has no value`},
		{"an unreadable law", "T +", 900 * ms, nil, law.Unknown, 0, "cannot be read"},
		{"no law", "", 900 * ms, nil, "", 0, ""},
		{"no price changed", "T + D", 0, func(r *result.Run) { r.Cells[0].Stale = nil }, "", 0, ""},
		{"faults", "T + D", 9 * time.Second, func(r *result.Run) { r.Cells[0].Faults = []result.Fault{{}} }, "", 0, ""},
		{"a page that is made for each request", "", 0, liveMode, law.Agrees, 0, "never stale"},
		{"a live page from before a change", "", ms, liveMode, law.Differs, 0, "never stale"},
		{"another's live page", "", ms, func(r *result.Run) { liveMode(r); r.Strategies = nil }, "", 0, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			o := one{phase: open, law: result.Law{Relation: "==", Recomputes: "1"}, requests: 1200, alone: 140 * ms, counters: counts(6, 6, 0)}
			o.change = func(r *result.Run) {
				r.Stack.Config["ttl"], r.Strategies[0].Stale = "1s", tt.law
				r.Cells[0].Stale = &result.Stale{Writes: 7, Reads: 1200, Stale: int64(tt.max / ms), Max: tt.max}
				if tt.change != nil {
					tt.change(r)
				}
			}
			all := slices.DeleteFunc(o.predict(t), func(p law.Prediction) bool { return p.Figure != law.StaleMax })
			if tt.want == "" {
				if len(all) > 0 {
					t.Errorf("got %+v, want no prediction", all)
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("got %d predictions, want 1", len(all))
			}
			got := all[0]
			if got.Agreement != tt.want || got.Relation != "<=" || !within(got.Predicted, tt.value, .001) || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s, %v, %q, want %s, %v, %q", got.Agreement, got.Predicted, got.Text, tt.want, tt.value, tt.text)
			}
		})
	}
}

func liveMode(r *result.Run) {
	r.Modes[0].Path, r.Modes[0].Strategy = api.PathLive+"naive/", ""
}

// A bound is no matter of chance: it leaves the intervals of the other predictions as they are.
func TestStalenessWidensNothing(t *testing.T) {
	o := one{phase: result.PhaseInfo{Name: "p", Kind: "open", Rate: 200, Arrivals: "poisson"}, law: result.Law{Relation: "==", Recomputes: "herd(others)"},
		requests: 1200, alone: 14 * ms, counters: counts(12, 3, 0)}
	before := o.predict(t)
	o.change = func(r *result.Run) {
		r.Strategies[0].Stale = "T + D"
		r.Cells[0].Stale = &result.Stale{Writes: 7, Reads: 1200, Stale: 9, Max: 90 * ms}
	}
	after := o.predict(t)
	if len(before) != 1 || len(after) != 2 || before[0].Text != after[0].Text {
		t.Errorf("got %+v, want %+v and a bound", after, before)
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
