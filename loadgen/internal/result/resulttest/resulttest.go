// Package resulttest has runs for tests: of every verdict, with and without counters, staleness, errors and traces.
package resulttest

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

const ms = time.Millisecond

// Load is what a cell of a fixture did.
type Load struct {
	Mode, Phase   string
	Requests      int
	Took          time.Duration
	Fast, Slow    time.Duration // of a hit and of a recompute
	Herd          time.Duration // of a recompute while a herd runs; 0 is Slow
	SlowShare     float64
	Failed        map[string]int64
	Sql, Redis    int64 // in all
	Recomputes    int64
	Expired, Cold int64
	Cache         map[string]int64
	Stale         *result.Stale
}

// cell makes a cell of a round with latencies that the seed decides.
func (l Load) cell(round int, at time.Duration) result.Cell {
	rng := rand.New(rand.NewPCG(uint64(round), uint64(len(l.Mode)*100+len(l.Phase))))
	c := result.Cell{Round: round, Mode: l.Mode, Phase: l.Phase, Start: at, Took: l.Took}
	var failed int64
	for _, n := range l.Failed {
		failed += n
	}
	c.Ledger = result.Ledger{
		Scheduled: int64(l.Requests), Completed: int64(l.Requests) - failed, Failed: l.Failed, Bytes: int64(l.Requests) * 48_000,
	}
	n := 1 // histograms are dear with the race detector: two seconds stand for many
	if l.Took > time.Second && l.Mode == "ttl" {
		n = 2
	}
	all := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
	for at := range n {
		part := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
		for range l.Requests / n {
			service := time.Duration(float64(l.Fast) * (0.7 + 0.6*rng.Float64()))
			if rng.Float64() < l.SlowShare {
				service = time.Duration(float64(l.Slow) * (0.8 + 0.7*rng.Float64()))
			}
			lag := time.Duration(rng.ExpFloat64() * float64(60*time.Microsecond))
			for i, d := range [3]time.Duration{service + lag, service, lag} {
				part[i].Record(d)
				all[i].Record(d)
			}
		}
		c.Seconds = append(c.Seconds, result.Second{
			At: at, Response: encode(part[0]), Service: encode(part[1]), Lag: encode(part[2]),
		})
	}
	c.Response, c.Service, c.Lag = summary(all[0]), summary(all[1]), summary(all[2])
	c.Clamped = all[0].Clamped() + all[1].Clamped() + all[2].Clamped()
	c.Server = result.Server{
		Timed: c.Ledger.Completed, SQL: l.Sql, Redis: l.Redis, Cache: l.Cache,
		Counters: api.Counts{
			api.CountRequests: c.Ledger.Completed, api.CountSQL: l.Sql, api.CountRedis: l.Redis,
			api.CountRecomputes: l.Recomputes, api.CountExpirations: l.Expired, api.CountCold: l.Cold,
		},
	}
	if l.Recomputes > 0 {
		c.Server.MinMiss = l.Slow
		c.Herds = l.herds()
	}
	if l.Stale != nil {
		s := *l.Stale
		c.Stale = &s
	}
	return c
}

// herds are one for each page that expired or was cold.
func (l Load) herds() []result.Herd {
	d := cmp.Or(l.Herd, l.Slow)
	if d == 0 {
		return nil
	}
	var all []result.Herd
	n := l.Expired + l.Cold
	for i := range n {
		all = append(all, result.Herd{At: l.Took * time.Duration(i) / time.Duration(n), First: d, Last: d, Size: l.Recomputes / n})
	}
	return all
}

func encode(h *hist.Histogram) string {
	s, err := h.Encode()
	if err != nil {
		panic(err)
	}
	return s
}

func summary(h *hist.Histogram) result.Summary {
	return result.Summary{
		Count: h.Count(), Mean: h.Mean(), P50: h.Quantile(.5), P90: h.Quantile(.9), P95: h.Quantile(.95), P99: h.Quantile(.99), Max: h.Max(),
	}
}

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
			{Name: "ttl", Cold: herd, Expiry: herd, Hits: whenAllStore},
			{Name: "singleflight", Cold: each, Expiry: each, Hits: whenOneDoes},
			{Name: "lock", Cold: one, Expiry: one, Hits: whenOneDoes},
			{Name: "early", Cold: herd, Expiry: dice},
			{Name: "swr", Cold: one, Expiry: one, Hits: "1 - exp(-lambda * grace) / (1 + lambda * T)"},
		},
	}
}

// Fill runs every load once a round.
func Fill(run *result.Run, rounds int, loads []Load) *result.Run {
	var at time.Duration
	for round := 1; round <= rounds; round++ {
		for _, l := range loads {
			run.Cells = append(run.Cells, l.cell(round, at))
			at += l.Took
		}
	}
	return run
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
			Compared: "p99(singleflight, expiry) = 1.43 ms <= 0.5 * p99(ttl, expiry) = 8.1 ms"},
		{Expr: `recomputes("early", "burst") == 1 or recomputes("early", "burst") < 0.1 * recomputes("ttl", "burst")`, Line: 17,
			Verdict: result.Fail, Compared: `recomputes(early, burst) = 46 == 1; recomputes(early, burst) = 46 < 0.1 * recomputes(ttl, burst) = 4.7`},
		{Expr: "errors() == 0", Line: 18, Verdict: result.Pass, Compared: "errors() = 0 == 0"},
	}
	return run
}

// Passing is the same without the gate that fails.
func Passing(tb testing.TB) *result.Run {
	run := Stampede(tb)
	run.Gates = append(run.Gates[:1:1], run.Gates[2])
	return run
}

// Stale has price changes, stale reads, errors of several kinds and a warning, and its modes share a phase.
func Stale(testing.TB) *result.Run {
	run := Base()
	run.ID, run.Scenario.Name, run.Scenario.Why, run.Scenario.Rounds = "20261122-231000-stale", "stale", "prices change while pages are cached", 2
	run.Phases = []result.PhaseInfo{{Name: "changes", Kind: "closed", Load: "60 users, think 1s-2s, for 10s", Users: 60, Think: 1500 * ms, Mix: true, For: 10 * time.Second}}
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
	run.Gates = []result.Gate{{Expr: `stale_max("ttl") <= 2.1*s`, Line: 9, Verdict: result.Pass, Compared: "stale_max(ttl) = 1.98 s <= 2.1 s"}}
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

// Remote is one mode against a service that knows nothing of the lab: no counters, no Server-Timing, no Cache-Status.
func Remote(testing.TB) *result.Run {
	run := Base()
	run.Scenario = result.Scenario{Name: "hit", Rounds: 1}
	run.Stack = result.Stack{Kind: "remote", Target: "https://shop.example/products?page=1"}
	run.Modes = []result.Mode{{Name: "GET", Method: "GET", Path: "/products?page=1"}}
	run.Phases = []result.PhaseInfo{{Name: "load", Kind: "open", Load: "200/s for 10s", Rate: 200, For: 10 * time.Second}}
	run.Strategies = nil
	Fill(run, 1, []Load{{Mode: "GET", Phase: "load", Requests: 2000, Took: 10 * time.Second, Fast: 120 * ms, Slow: 1400 * ms, SlowShare: .02,
		Failed: map[string]int64{"status": 12}}})
	for i := range run.Cells {
		run.Cells[i].Server = result.Server{}
	}
	return run
}

// Failing is a service that fails in several ways, and is slower than what is recorded. Its second phase has too few requests for
// percentiles.
func Failing(tb testing.TB) *result.Run {
	run := Remote(tb)
	run.ID, run.Scenario.Name, run.Cells = "20261122-231500-failing", "failing", nil
	run.Phases = append(run.Phases, result.PhaseInfo{Name: "few", Kind: "closed", Load: "3 requests", Users: 1, Total: 3})
	Fill(run, 1, []Load{
		{Mode: "GET", Phase: "load", Requests: 2000, Took: 10 * time.Second, Fast: 120 * ms, Slow: 80 * time.Second, SlowShare: .02,
			Failed: map[string]int64{"status": 30, "timeout": 3}},
		{Mode: "GET", Phase: "few", Requests: 3, Took: time.Second, Fast: 120 * ms},
	})
	run.Cells[0].Statuses = map[int]int64{200: 1967, 404: 18, 500: 12}
	run.Cells[0].Errors = map[string]string{"status": "status 404", "timeout": "read tcp 127.0.0.1:41873: i/o timeout"}
	run.Cells[1].Statuses = map[int]int64{200: 3}
	for i := range run.Cells {
		run.Cells[i].Server = result.Server{}
	}
	run.Gates = []result.Gate{{Expr: `p99("GET", "few") <= 1*s`, Line: 7, Verdict: result.NotJudged, Reason: "p99(GET, few): too few samples: p99 takes 100, there were 3"}}
	return run
}

// Capacity is a staircase of users on real servers, with what each step cost them, judged by an objective: naive never keeps to it, optimized does up
// to four users, and ttl up to 50. Of batched too few requests were made.
func Capacity(testing.TB) *result.Run {
	run := Base()
	run.ID, run.Scenario = "20261122-232000-capacity", result.Scenario{Name: "capacity", Why: "requests a second and core at a p99 of 50 ms",
		File: "scenarios/capacity.yaml", Rounds: 1, Objective: &result.Objective{Figure: "p99", AtMost: 50 * ms}}
	run.Stack.Kind, run.Stack.Database, run.Stack.Cache = "local", "PostgreSQL 15.18", "redis 7.0.15"
	run.Modes, run.Phases, run.Strategies = nil, nil, nil
	loads := []Load{}
	for _, p := range []struct {
		name  string
		users int
		slow  int // by how much more than with one user a request takes
	}{{"one", 1, 1}, {"few", 4, 2}, {"full", 50, 25}} {
		run.Phases = append(run.Phases, result.PhaseInfo{Name: p.name, Kind: "closed", Load: map[bool]string{true: "1 user", false: strconv.Itoa(p.users) + " users"}[p.users == 1] + ", for 2s",
			Users: p.users, For: 2 * time.Second})
		for _, m := range []struct {
			mode     string
			requests int
			fast     int // ms
			sql      int64
		}{{"naive", 26, 76, 62}, {"batched", 9, 20, 5}, {"optimized", 190, 10, 2}, {"ttl", 1200, 1, 0}} {
			n := m.requests
			if p.users > 1 && m.mode != "batched" {
				n *= 2
			}
			loads = append(loads, Load{Mode: m.mode, Phase: p.name, Requests: n, Took: 2 * time.Second, Fast: time.Duration(p.slow*m.fast) * ms, Sql: m.sql * int64(n)})
		}
	}
	for _, l := range loads[:4] {
		run.Modes = append(run.Modes, result.Mode{Name: l.Mode, Method: "GET", Path: "/" + l.Mode})
	}
	Fill(run, 1, loads)
	for i := range run.Cells {
		c := &run.Cells[i]
		n := c.Ledger.Completed
		c.Server.CPU, c.Server.DatabaseCPU = time.Duration(250*n)*time.Microsecond, 5*ms+time.Duration(c.Server.SQL)*70*time.Microsecond
		c.Redis = &result.Redis{CPU: 3 * ms}
		if c.Mode == "ttl" {
			c.Redis = &result.Redis{CPU: time.Duration(40*n) * time.Microsecond, BytesOut: n * 49_900, Pages: 1, PageBytes: 57_400}
		}
	}
	run.Gates = []result.Gate{{Expr: "errors() == 0", Line: 30, Verdict: result.Pass, Compared: "errors() = 0 == 0"}}
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
		"capacity": Capacity, "outage": Outage,
	}
}
