// Package resulttest has runs for tests: of every verdict, with and without counters, staleness, errors and traces.
package resulttest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
)

const ms = time.Millisecond

// Base is a run without anything measured.
func Base() *result.Run {
	herd := result.Law{Relation: "==", Recomputes: "herd(others)"}
	one := result.Law{Relation: "==", Recomputes: "1"}
	each := result.Law{Relation: "==", Recomputes: "flights(others, replicas, balancing)"}
	dice := result.Law{Relation: "==", Recomputes: "xfetch(others, beta)"}
	const (
		whenAllStore = "lambda * (T + spread) / (1 + lambda * D + lambda * (T + spread))"
		whenOneDoes  = "lambda * T / (1 + lambda * D + lambda * T)"
	)
	return &result.Run{
		Schema: result.SchemaVersion, ID: "20261122-230504-stampede", Took: 92 * time.Second, Seed: 42, Commit: "3f2a91c",
		Started:  time.Date(2026, 11, 22, 23, 5, 4, 0, time.UTC),
		Scenario: result.Scenario{Name: "stampede", Why: "the page expires while 200 requests a second want it", File: "scenarios/stampede.yaml", Rounds: 3},
		Stack: result.Stack{
			Kind: "embedded", Target: "http://127.0.0.1:41873", Database: "SQLite 3.51", Cache: "miniredis 2.40.0", App: "3f2a91c, go1.26.8",
			Rows: 5000, Replicas: 1, Config: map[string]string{"ttl": "2s", "grace": "10s", "beta": "1", "lock_ttl": "3s"},
		},
		Machine: result.Machine{OS: "linux/amd64", CPU: "AMD EPYC 7B13", Cores: 2, Go: "go1.26.8"},
		Modes: []result.Mode{
			{Name: "ttl", Method: "GET", Path: "/api/properties/cached/ttl/", Strategy: "ttl"},
			{Name: "singleflight", Method: "GET", Path: "/api/properties/cached/singleflight/", Strategy: "singleflight"},
			{Name: "early", Method: "GET", Path: "/api/properties/cached/early/", Strategy: "early"},
		},
		Phases: []result.PhaseInfo{
			{Name: "prime", Kind: "burst", Load: "1 request", Users: 1, Total: 1, Warmup: true},
			{Name: "warm", Kind: "open", Load: "200/s poisson for 4s", Rate: 200, For: 4 * time.Second, Arrivals: "poisson"},
			{Name: "expiry", Kind: "open", Load: "200/s poisson for 6s", Rate: 200, For: 6 * time.Second, Arrivals: "poisson"},
			{Name: "burst", Kind: "burst", Load: "50 requests at once", Users: 50, Total: 50},
		},
		Strategies: []result.Strategy{
			{Name: "ttl", Cold: herd, Expiry: herd, Hits: whenAllStore, Stale: "T + D"},
			{Name: "singleflight", Cold: each, Expiry: each, Hits: whenOneDoes, Stale: "T + D"},
			{Name: "lock", Cold: one, Expiry: one, Hits: whenOneDoes, Stale: "T + D"},
			{Name: "early", Cold: herd, Expiry: dice, Stale: "T + D"},
			{Name: "swr", Cold: one, Expiry: one, Hits: "1 - exp(-lambda * grace) / (1 + lambda * T)", Stale: "T + grace + D"},
		},
	}
}

// StampedeLoads returns what each mode of Base does in each phase of a round.
func StampedeLoads() []Load {
	var all []Load
	for _, m := range []struct {
		mode                             string
		recomputes, expired, burst, cold int64
		slow, herd                       time.Duration
		share                            float64
	}{
		{"ttl", 19, 3, 47, 1, 14 * ms, 24 * ms, 0.02},
		{"singleflight", 3, 3, 1, 1, 14 * ms, 0, 0.005},
		{"early", 8, 3, 46, 1, 14 * ms, 0, 0.001},
	} {
		all = append(all,
			Load{Mode: m.mode, Phase: "prime", Requests: 1, Took: 20 * ms, Fast: 20 * ms, Sql: 62, Redis: 2, Recomputes: 1, Cold: 1},
			Load{Mode: m.mode, Phase: "warm", Requests: 800, Took: 4 * time.Second, Fast: 900 * time.Microsecond, Redis: 1600,
				Cache: map[string]int64{"hit": 800}},
			Load{Mode: m.mode, Phase: "expiry", Requests: 1200, Took: 6 * time.Second, Fast: ms, Slow: m.slow, Herd: m.herd, SlowShare: m.share,
				Sql: 62 * m.recomputes, Redis: 2400 + m.recomputes, Recomputes: m.recomputes, Expired: m.expired,
				Cache: map[string]int64{"hit": 1200 - m.recomputes, "miss": m.recomputes}},
			Load{Mode: m.mode, Phase: "burst", Requests: 50, Took: 210 * ms, Fast: 60 * ms, Slow: 160 * ms, SlowShare: float64(m.burst) / 50,
				Sql: 62 * m.burst, Redis: 100 + m.burst, Recomputes: m.burst, Cold: m.cold,
				Cache: map[string]int64{"coalesced": 50 - m.burst, "miss": m.burst}})
	}
	return all
}

// measured is the JSON of what stampede measured: made once, since every test may change its own.
var measured = sync.OnceValues(func() ([]byte, error) { //nolint:gochecknoglobals // a constant that takes a while to compute
	return json.Marshal(Fill(Base(), 3, StampedeLoads()))
})

// Stampede is a valid run whose gates hold, but for one.
func Stampede(tb testing.TB) *result.Run {
	tb.Helper()
	data, err := measured()
	run := new(result.Run)
	if err == nil {
		err = json.Unmarshal(data, run)
	}
	if err != nil {
		tb.Fatal(err)
	}
	run.Gates = []result.Gate{
		{Expr: `p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`, Line: 16, Verdict: result.Pass,
			Compared: "p99(singleflight, expiry) is 1.43 ms, at most 0.5 * p99(ttl, expiry) = 8.1 ms"},
		{Expr: `recomputes("early", "burst") == 1 or recomputes("early", "burst") < 0.1 * recomputes("ttl", "burst")`, Line: 17,
			Verdict: result.Fail, Compared: `recomputes(early, burst) is 46, not 1; recomputes(early, burst) is 46, not less than 0.1 * recomputes(ttl, burst) = 4.7`},
		{Expr: "errors() == 0", Line: 18, Verdict: result.Pass, Compared: "errors() is 0"},
	}
	return run
}

// Passing is the same without the gate that fails, and with one that is left out.
func Passing(tb testing.TB) *result.Run {
	run := Stampede(tb)
	run.Scenario.LeftOut = []string{"lock", "swr"}
	run.Gates = append(run.Gates[:1:1], run.Gates[2], result.Gate{
		Expr: `recomputes("lock", "burst") == recomputes("swr", "burst")`, Line: 19, Verdict: result.LeftOut, Reason: "the run is without lock, swr",
	})
	return run
}

// Stale has price changes, stale reads, errors of several kinds and a warning, and its modes share a phase that has a setting and a limit of its own.
func Stale(testing.TB) *result.Run {
	run := Base()
	run.ID, run.Scenario.Name, run.Scenario.Why, run.Scenario.Rounds = "20261122-231000-stale", "stale", "prices change while pages are cached", 2
	run.Phases = []result.PhaseInfo{{Name: "changes", Kind: "closed", Load: "60 users, think 1s-2s, for 10s", Users: 60, Think: 1500 * ms, Mix: true, For: 10 * time.Second,
		App: map[string]string{"ttl_jitter": "0.5"}, MaxMemory: 12 << 20}}
	run.Warnings = []string{`the generator was late: send lag p99 was 3.2 ms in phase "changes", round 2`}
	Fill(run, 2, []Load{
		{Mode: "ttl", Phase: "changes", Requests: 300, Took: 10 * time.Second, Fast: 2 * ms, Slow: 30 * ms, SlowShare: .05, Sql: 620, Redis: 600,
			Failed: map[string]int64{"timeout": 3, "reset": 1}, Recomputes: 10, Expired: 5, Cache: map[string]int64{"hit": 250, "stale": 36, "miss": 10},
			Stale: &result.Stale{Writes: 12, Reads: 296, Stale: 36, Max: 1983 * ms}},
		{Mode: "singleflight", Phase: "changes", Requests: 60, Took: 10 * time.Second, Fast: 2 * ms, Slow: 30 * ms, SlowShare: .05, Sql: 310, Redis: 120,
			Recomputes: 6, Expired: 4, Cache: map[string]int64{"hit": 54, "miss": 5, "coalesced": 1},
			Stale: &result.Stale{Writes: 12, Reads: 60, Stale: 0}},
		{Mode: "early", Phase: "changes", Requests: 60, Took: 10 * time.Second, Fast: 2 * ms, Slow: 30 * ms, SlowShare: .05, Sql: 310, Redis: 120,
			Failed: map[string]int64{"unsent": 2}, Recomputes: 7, Expired: 4, Cold: 1, Cache: map[string]int64{"hit": 50, "miss": 8},
			Stale: &result.Stale{Writes: 12, Reads: 58, Stale: 7, Max: 640 * time.Microsecond}},
	})
	run.Gates = []result.Gate{{Expr: `stale_max("ttl") <= 2.1*s`, Line: 9, Verdict: result.Pass, Compared: "stale_max(ttl) is 1.98 s, at most 2.1 s"}}
	return run
}

// Invalid is a run in which the generator was the bottleneck.
func Invalid(testing.TB) *result.Run {
	run := Fill(Base(), 1, StampedeLoads())
	run.Scenario.Rounds = 1
	run.Invalid = []string{
		"the generator was the bottleneck: send lag p99 was 48.1 ms, more than 10 ms",
		"the app's counters and pg_stat_statements disagree: 620 queries and 622",
	}
	run.Gates = []result.Gate{{Expr: "errors() == 0", Line: 18, Verdict: result.NotJudged, Reason: "the run is not valid"}}
	return run
}

// Interrupted is a run that was stopped in its first mode.
func Interrupted(testing.TB) *result.Run {
	run := Fill(Base(), 1, StampedeLoads()[:2])
	run.Interrupted, run.Took = true, 7300*ms
	run.Gates = []result.Gate{{Expr: "errors() == 0", Line: 18, Verdict: result.NotJudged, Reason: "the run was interrupted"}}
	return run
}

// Empty is a run in which the stack never came up.
func Empty(testing.TB) *result.Run {
	run := Base()
	run.Invalid = []string{"bring up the stack: app: listen 127.0.0.1:8000: address already in use"}
	run.Gates = []result.Gate{{Expr: "errors() == 0", Line: 18, Verdict: result.NotJudged}}
	return run
}

// All returns the fixtures by name.
func All() map[string]func(testing.TB) *result.Run {
	return map[string]func(testing.TB) *result.Run{
		"stampede": Stampede, "passing": Passing, "stale": Stale, "invalid": Invalid, "interrupted": Interrupted, "remote": Remote, "failing": Failing, "empty": Empty,
		"capacity": Capacity, "replicas": Replicas, "outage": Outage,
	}
}
