package resulttest

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
)

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
	run.Cells[0].Failures = []result.Failure{
		{Kind: "status", Status: 404, Count: 18, Example: "status 404 Not Found", First: 12 * ms, Last: 9871 * ms},
		{Kind: "status", Status: 500, Count: 12, Example: "status 500 Internal Server Error", First: 5 * time.Second, Last: 5100 * ms},
		{Kind: "timeout", Code: "reading the response", Count: 3, Example: "read tcp 127.0.0.1:41873: i/o timeout", First: 7 * time.Second, Last: 9 * time.Second},
	}
	run.Cells[1].Statuses = map[int]int64{200: 3}
	for i := range run.Cells {
		run.Cells[i].Server = result.Server{}
	}
	run.Gates = []result.Gate{{Expr: `p99("GET", "few") <= 1*s`, Line: 7, Verdict: result.NotJudged, Reason: "p99(GET, few): too few samples: p99 takes 100, there were 3"}}
	return run
}
