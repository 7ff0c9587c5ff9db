package resulttest

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
)

// Outage is two modes in two phases with a fault each: Redis is killed, which costs ttl's first requests some time, and the database, which
// fails what ttl has to compute. Of swr no trace was kept in the second. No law predicts what a strategy does in an outage.
func Outage(testing.TB) *result.Run {
	run := Base()
	run.ID, run.Scenario = "20261122-233000-outage", result.Scenario{Name: "outage", Why: "Redis and the database are killed while pages are read",
		File: "scenarios/outage.yaml", Rounds: 1}
	run.Modes = []result.Mode{
		{Name: "ttl", Method: "GET", Path: "/api/properties/cached/ttl/", Strategy: "ttl"},
		{Name: "swr", Method: "GET", Path: "/api/properties/cached/swr/", Strategy: "swr"},
	}
	run.Phases = []result.PhaseInfo{
		{Name: "redis-kill", Kind: "open", Load: "40/s poisson for 2.4s", Rate: 40, For: 2400 * ms},
		{Name: "db-kill", Kind: "open", Load: "40/s poisson for 2.4s", Rate: 40, For: 2400 * ms},
	}
	var loads []Load
	for _, m := range run.Modes {
		for _, p := range run.Phases {
			loads = append(loads, Load{Mode: m.Name, Phase: p.Name, Requests: 96, Took: p.For, Fast: ms, Sql: 620, Redis: 200, Recomputes: 10, Expired: 2})
		}
	}
	Fill(run, 1, loads)
	for i := range run.Cells {
		c := &run.Cells[i]
		server := map[string]string{"redis-kill": "redis", "db-kill": "database"}[c.Phase]
		f := result.Fault{Server: server, Kind: "kill", Text: server + " kill from 600ms to 1.5s", By: "process", Began: 601 * ms, Ended: 1504 * ms,
			Evidence: "SIGKILL ended process 4711; process 4720 answered 0.21 s after the end"}
		f.Impact = result.Impact{
			Inside:  result.Stretch{Took: 903 * ms, Requests: 36, Response: result.Summary{Count: 36, P50: ms, P99: 131 * ms, Max: 131 * ms}},
			Outside: result.Stretch{Took: 1497 * ms, Requests: 60, Response: result.Summary{Count: 60, P50: ms, P99: 20 * ms, Max: 20 * ms}},
			Detect:  new(110 * ms), Degrade: new(240 * ms), Recover: new(100 * ms), Watched: 896 * ms, Slow: 50 * ms, Attempts: 7,
		}
		if c.Phase == "redis-kill" {
			f.Impact.Inside.Degraded = 36
		}
		if c.Mode == "ttl" && c.Phase == "db-kill" {
			f.Impact.Inside.Failed, f.Impact.Degrade, f.Impact.Recover = map[string]int64{"status": 21}, nil, nil
		}
		if c.Mode == "swr" {
			f.Impact.Inside.Stalest = 1873 * ms
		}
		c.Faults = []result.Fault{f}
		part := func(n int, fast time.Duration) *result.Cell {
			cell := Load{Mode: c.Mode, Phase: c.Phase, Requests: n, Took: time.Second, Fast: fast}.cell(1, c.Start)
			return &cell
		}
		c.Inside, c.Outside = part(36, 90*ms), part(60, ms)
	}
	run.Traces = []result.Trace{
		{ID: "4f3a91c2000000000000000000000001", Mode: "ttl", Phase: "redis-kill", Why: result.Slowest, Faults: []string{"redis kill from 600ms to 1.5s"}},
		{ID: "0b6e1d55000000000000000000000001", Mode: "swr", Phase: "redis-kill", Why: result.Befell, Faults: []string{"redis kill from 600ms to 1.5s"}},
		{ID: "c07d44a9000000000000000000000001", Mode: "ttl", Phase: "db-kill", Why: result.Befell, Failed: "status",
			Faults: []string{"database kill from 600ms to 1.5s"}},
		{ID: "99999999000000000000000000000001", Mode: "swr", Phase: "db-kill", Why: result.Median},
	}
	return run
}
