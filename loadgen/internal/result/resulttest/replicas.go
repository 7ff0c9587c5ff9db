package resulttest

import (
	"testing"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Replicas is a run over one replica and over three, one of which was out of service for a time and took too few requests for a p99.
func Replicas(testing.TB) *result.Run {
	run := Base()
	run.ID, run.Scenario = "20261128-150000-replicas", result.Scenario{Name: "replicas", Why: "one herd for each replica", File: "scenarios/replicas.yaml", Rounds: 1}
	run.Stack.Replicas = 3
	run.Phases = []result.PhaseInfo{
		{Name: "alone", Kind: "open", Load: "200/s poisson for 4s", Rate: 200, For: 4 * time.Second, Arrivals: "poisson"},
		{Name: "three", Kind: "open", Load: "200/s poisson for 4s, 3 replicas least in flight", Rate: 200, For: 4 * time.Second, Arrivals: "poisson",
			Replicas: 3, Balancing: "least_in_flight"},
	}
	run.Modes = run.Modes[:2]
	var loads []Load
	for _, m := range run.Modes {
		for _, p := range run.Phases {
			loads = append(loads, Load{Mode: m.Name, Phase: p.Name, Requests: 800, Took: p.For, Fast: ms, Slow: 40 * ms, SlowShare: .05,
				Failed: map[string]int64{"reset": 2}, Recomputes: 9, Expired: 9})
		}
	}
	Fill(run, 1, loads)
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Phase != "three" {
			continue
		}
		for j, n := range []int64{400, 360, 40} {
			h := hist.New()
			for range n {
				h.Record(time.Duration(j+1) * ms)
			}
			c.Replicas = append(c.Replicas, result.Replica{Requests: n, Response: encode(h), Counters: api.Counts{api.CountRecomputes: 3}})
		}
		c.Replicas[2].Requests, c.Replicas[2].Failed, c.Replicas[2].Out = 42, 2, 3*time.Second
	}
	run.Gates = []result.Gate{{Expr: "errors() <= 8", Line: 30, Verdict: result.Pass, Compared: "errors() is 8, at most 8"}}
	return run
}
