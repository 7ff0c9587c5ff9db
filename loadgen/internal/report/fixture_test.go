package report_test

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/report"
)

const ms = time.Millisecond

// load is what a cell of a fixture did.
type load struct {
	mode, phase   string
	requests      int
	took          time.Duration
	fast, slow    time.Duration // of a hit and of a recompute
	slowShare     float64
	failed        map[string]int64
	sql, redis    int64 // in all
	recomputes    int64
	expired, cold int64
	cache         map[string]int64
	stale         *report.Stale
}

// cell makes a cell of a round with latencies that the seed decides.
func (l load) cell(round int, at time.Duration) report.Cell {
	rng := rand.New(rand.NewPCG(uint64(round), uint64(len(l.mode)*100+len(l.phase))))
	c := report.Cell{Round: round, Mode: l.mode, Phase: l.phase, Start: at, Took: l.took}
	var failed int64
	for _, n := range l.failed {
		failed += n
	}
	c.Ledger = report.Ledger{
		Scheduled: int64(l.requests), Completed: int64(l.requests) - failed, Failed: l.failed, Bytes: int64(l.requests) * 48_000,
	}
	n := 1 // histograms are dear with the race detector: two seconds stand for many
	if l.took > time.Second && l.mode == "ttl" {
		n = 2
	}
	all := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
	for at := range n {
		part := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
		for range l.requests / n {
			service := time.Duration(float64(l.fast) * (0.7 + 0.6*rng.Float64()))
			if rng.Float64() < l.slowShare {
				service = time.Duration(float64(l.slow) * (0.8 + 0.7*rng.Float64()))
			}
			lag := time.Duration(rng.ExpFloat64() * float64(60*time.Microsecond))
			for i, d := range [3]time.Duration{service + lag, service, lag} {
				part[i].Record(d)
				all[i].Record(d)
			}
		}
		c.Seconds = append(c.Seconds, report.Second{
			At: at, Response: encode(part[0]), Service: encode(part[1]), Lag: encode(part[2]),
		})
	}
	c.Response, c.Service, c.Lag = summary(all[0]), summary(all[1]), summary(all[2])
	c.Server = report.Server{
		Timed: c.Ledger.Completed, SQL: l.sql, Redis: l.redis, Cache: l.cache,
		Counters: &report.Counters{
			Requests: c.Ledger.Completed, SQL: l.sql, Redis: l.redis, Recomputes: l.recomputes, Expirations: l.expired, Cold: l.cold,
		},
	}
	if l.recomputes > 0 {
		c.Server.MinMiss = l.slow
	}
	if l.stale != nil {
		s := *l.stale
		c.Stale = &s
	}
	return c
}

func encode(h *hist.Histogram) string {
	s, err := h.Encode()
	if err != nil {
		panic(err)
	}
	return s
}

func summary(h *hist.Histogram) report.Summary {
	return report.Summary{
		Count: h.Count(), Mean: h.Mean(), P50: h.Quantile(.5), P90: h.Quantile(.9), P95: h.Quantile(.95), P99: h.Quantile(.99), Max: h.Max(),
	}
}

// base is a run without anything measured.
func base() *report.Run {
	herd := report.Law{Relation: ">=", Recomputes: "max(1, arrivals)"}
	each := report.Law{Relation: "<=", Recomputes: "replicas"}
	dice := report.Law{Relation: "~", Recomputes: "2.718281828459045 ** (1 / beta)"}
	return &report.Run{
		Schema: report.SchemaVersion, ID: "20261122-230504-stampede", Took: 92 * time.Second, Seed: 42, Commit: "3f2a91c",
		Started:  time.Date(2026, 11, 22, 23, 5, 4, 0, time.UTC),
		Scenario: report.Scenario{Name: "stampede", Why: "the page expires while 200 requests a second want it", File: "scenarios/stampede.yaml", Rounds: 3},
		Stack: report.Stack{
			Kind: "embedded", Target: "http://127.0.0.1:41873", Database: "SQLite 3.51", Cache: "miniredis 2.40.0", App: "3f2a91c, go1.26.8",
			Rows: 5000, Replicas: 1, Config: map[string]string{"ttl": "2s", "grace": "10s", "beta": "1", "lock_ttl": "3s"},
		},
		Machine: report.Machine{OS: "linux/amd64", CPU: "AMD EPYC 7B13", Cores: 2, Go: "go1.26.8"},
		Modes: []report.Mode{
			{Name: "ttl", Method: "GET", Path: "/api/properties/cached/ttl/", Strategy: "ttl"},
			{Name: "singleflight", Method: "GET", Path: "/api/properties/cached/singleflight/", Strategy: "singleflight"},
			{Name: "early", Method: "GET", Path: "/api/properties/cached/early/", Strategy: "early"},
		},
		Phases: []report.Phase{
			{Name: "prime", Kind: "burst", Load: "1 request", Users: 1, Total: 1, Warmup: true},
			{Name: "warm", Kind: "open", Load: "200/s poisson for 4s", Rate: 200, For: 4 * time.Second},
			{Name: "expiry", Kind: "open", Load: "200/s poisson for 6s", Rate: 200, For: 6 * time.Second},
			{Name: "burst", Kind: "burst", Load: "50 requests at once", Users: 50, Total: 50},
		},
		Strategies: []report.Strategy{
			{Name: "ttl", Cold: herd, Expiry: herd},
			{Name: "singleflight", Cold: each, Expiry: each},
			{Name: "early", Cold: herd, Expiry: dice},
		},
	}
}

// fill runs every load once a round.
func fill(run *report.Run, rounds int, loads []load) *report.Run {
	var at time.Duration
	for round := 1; round <= rounds; round++ {
		for _, l := range loads {
			run.Cells = append(run.Cells, l.cell(round, at))
			at += l.took
		}
	}
	return run
}

func stampedeLoads() []load {
	var all []load
	for _, m := range []struct {
		mode                             string
		recomputes, expired, burst, cold int64
		slow                             time.Duration
		share                            float64
	}{
		{"ttl", 19, 3, 47, 1, 14 * ms, 0.02},
		{"singleflight", 3, 3, 1, 1, 14 * ms, 0.005},
		{"early", 8, 3, 46, 1, 14 * ms, 0.001},
	} {
		all = append(all,
			load{mode: m.mode, phase: "prime", requests: 1, took: 20 * ms, fast: 20 * ms, sql: 62, redis: 2, recomputes: 1, cold: 1},
			load{mode: m.mode, phase: "warm", requests: 800, took: 4 * time.Second, fast: 900 * time.Microsecond, redis: 1600,
				cache: map[string]int64{"hit": 800}},
			load{mode: m.mode, phase: "expiry", requests: 1200, took: 6 * time.Second, fast: ms, slow: m.slow, slowShare: m.share,
				sql: 62 * m.recomputes, redis: 2400 + m.recomputes, recomputes: m.recomputes, expired: m.expired,
				cache: map[string]int64{"hit": 1200 - m.recomputes, "miss": m.recomputes}},
			load{mode: m.mode, phase: "burst", requests: 50, took: 210 * ms, fast: 60 * ms, slow: 160 * ms, slowShare: float64(m.burst) / 50,
				sql: 62 * m.burst, redis: 100 + m.burst, recomputes: m.burst, cold: m.cold,
				cache: map[string]int64{"coalesced": 50 - m.burst, "miss": m.burst}})
	}
	return all
}

// measured is the JSON of what stampede measured: made once, since every test may change its own.
var measured = sync.OnceValues(func() ([]byte, error) {
	return json.Marshal(fill(base(), 3, stampedeLoads()))
})

// stampede is a valid run whose gates hold, but for one.
func stampede(tb testing.TB) *report.Run {
	tb.Helper()
	data, err := measured()
	run := new(report.Run)
	if err == nil {
		err = json.Unmarshal(data, run)
	}
	if err != nil {
		tb.Fatal(err)
	}
	run.Gates = []report.Gate{
		{Expr: `p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`, Line: 16, Verdict: report.Pass,
			Compared: "p99(singleflight, expiry) = 1.43 ms <= 0.5 * p99(ttl, expiry) = 8.1 ms"},
		{Expr: `recomputes("early", "burst") == 1 or recomputes("early", "burst") < 0.1 * recomputes("ttl", "burst")`, Line: 17,
			Verdict: report.Fail, Compared: `recomputes(early, burst) = 46 == 1; recomputes(early, burst) = 46 < 0.1 * recomputes(ttl, burst) = 4.7`},
		{Expr: "errors() == 0", Line: 18, Verdict: report.Pass, Compared: "errors() = 0 == 0"},
	}
	return run
}

// passing is the same without the gate that fails.
func passing(tb testing.TB) *report.Run {
	run := stampede(tb)
	run.Gates = append(run.Gates[:1:1], run.Gates[2])
	return run
}

// stale has price changes, stale reads, errors of several kinds and a warning, and its modes share a phase.
func stale(testing.TB) *report.Run {
	run := base()
	run.ID, run.Scenario.Name, run.Scenario.Why, run.Scenario.Rounds = "20261122-231000-stale", "stale", "prices change while pages are cached", 2
	run.Phases = []report.Phase{{Name: "changes", Kind: "closed", Load: "60 users, think 1s-2s, for 10s", Users: 60, Think: 1500 * ms, Mix: true, For: 10 * time.Second}}
	run.Warnings = []string{`the generator was late: send lag p99 was 3.2 ms in phase "changes", round 2`}
	fill(run, 2, []load{
		{mode: "ttl", phase: "changes", requests: 300, took: 10 * time.Second, fast: 2 * ms, slow: 30 * ms, slowShare: .05, sql: 620, redis: 600,
			failed: map[string]int64{"timeout": 3, "reset": 1}, recomputes: 10, expired: 5, cache: map[string]int64{"hit": 250, "stale": 36, "miss": 10},
			stale: &report.Stale{Writes: 12, Reads: 296, Stale: 36, Max: 1983 * ms}},
		{mode: "singleflight", phase: "changes", requests: 60, took: 10 * time.Second, fast: 2 * ms, slow: 30 * ms, slowShare: .05, sql: 310, redis: 120,
			recomputes: 6, expired: 4, cache: map[string]int64{"hit": 54, "miss": 5, "coalesced": 1},
			stale: &report.Stale{Writes: 12, Reads: 60, Stale: 0}},
		{mode: "early", phase: "changes", requests: 60, took: 10 * time.Second, fast: 2 * ms, slow: 30 * ms, slowShare: .05, sql: 310, redis: 120,
			failed: map[string]int64{"unsent": 2}, recomputes: 7, expired: 4, cold: 1, cache: map[string]int64{"hit": 50, "miss": 8},
			stale: &report.Stale{Writes: 12, Reads: 58, Stale: 7, Max: 640 * time.Microsecond}},
	})
	run.Gates = []report.Gate{{Expr: `stale_max("ttl") <= 2.1*s`, Line: 9, Verdict: report.Pass, Compared: "stale_max(ttl) = 1.98 s <= 2.1 s"}}
	return run
}

// invalid is a run in which the generator was the bottleneck.
func invalid(testing.TB) *report.Run {
	run := fill(base(), 1, stampedeLoads())
	run.Scenario.Rounds = 1
	run.Invalid = []string{
		"the generator was the bottleneck: send lag p99 was 48.1 ms, more than 10 ms",
		"the app's counters and pg_stat_statements disagree: 620 queries and 622",
	}
	run.Gates = []report.Gate{{Expr: "errors() == 0", Line: 18, Verdict: report.NotJudged, Reason: "the run is not valid"}}
	return run
}

// interrupted is a run that was stopped in its first mode.
func interrupted(testing.TB) *report.Run {
	run := fill(base(), 1, stampedeLoads()[:2])
	run.Interrupted, run.Took = true, 7300*ms
	run.Gates = []report.Gate{{Expr: "errors() == 0", Line: 18, Verdict: report.NotJudged, Reason: "the run was interrupted"}}
	return run
}

// remote is one mode against a service that knows nothing of the lab: no counters, no Server-Timing, no Cache-Status.
func remote(testing.TB) *report.Run {
	run := base()
	run.Scenario = report.Scenario{Name: "hit", Rounds: 1}
	run.Stack = report.Stack{Kind: "remote", Target: "https://shop.example/products?page=1"}
	run.Modes = []report.Mode{{Name: "GET", Method: "GET", Path: "/products?page=1"}}
	run.Phases = []report.Phase{{Name: "load", Kind: "open", Load: "200/s for 10s", Rate: 200, For: 10 * time.Second}}
	run.Strategies = nil
	fill(run, 1, []load{{mode: "GET", phase: "load", requests: 2000, took: 10 * time.Second, fast: 120 * ms, slow: 1400 * ms, slowShare: .02,
		failed: map[string]int64{"status": 12}}})
	for i := range run.Cells {
		run.Cells[i].Server = report.Server{}
	}
	return run
}

// empty is a run in which the stack never came up.
func empty(testing.TB) *report.Run {
	run := base()
	run.Invalid = []string{"bring up the stack: app: listen 127.0.0.1:8000: address already in use"}
	run.Gates = []report.Gate{{Expr: "errors() == 0", Line: 18, Verdict: report.NotJudged}}
	return run
}

var fixtures = map[string]func(testing.TB) *report.Run{
	"stampede": stampede, "passing": passing, "stale": stale, "invalid": invalid, "interrupted": interrupted, "remote": remote, "empty": empty,
}
