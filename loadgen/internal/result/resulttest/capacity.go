package resulttest

import (
	"strconv"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
)

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
	run.Gates = []result.Gate{{Expr: "errors() == 0", Line: 30, Verdict: result.Pass, Compared: "errors() is 0"}}
	return run
}
