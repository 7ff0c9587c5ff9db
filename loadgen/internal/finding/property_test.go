package finding_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// absurd is what no finding has: numbers that are none, and things that happened no times.
var absurd = regexp.MustCompile(`NaN|[+-]Inf|%!|\b0 times|\bcomputed it 0\b|\ball 0\b|  |^$`)

// check fails on a finding that is none.
func check(t *testing.T, run *result.Run) []finding.Finding {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		return nil
	}
	all := finding.Of(f)
	if len(all) > finding.Most {
		t.Errorf("got %d findings, want at most %d", len(all), finding.Most)
	}
	for _, x := range all {
		if absurd.MatchString(x.Text) || x.Rule == "" || !strings.HasSuffix(x.Text, ".") {
			t.Errorf("%s: %q", x.Rule, x.Text)
		}
		for _, g := range x.Gates {
			if g < 0 || g >= len(run.Gates) {
				t.Errorf("%s names gate %d of %d", x.Rule, g, len(run.Gates))
			}
		}
		for _, phase := range x.Phases {
			for _, mode := range x.Modes {
				if f.Total("", phase) == nil || f.Total(mode, "") == nil {
					t.Errorf("%s names %s in %s, which the run has not", x.Rule, mode, phase)
				}
			}
		}
	}
	return all
}

// random is a run that could be of any scenario.
func random(seed uint64) *result.Run {
	rng := rand.New(rand.NewPCG(seed, 1))
	run := resulttest.Base()
	kinds := []string{"open", "closed", "burst"}
	run.Phases = nil
	if rng.IntN(4) == 0 {
		run.Modes[0].Steps, run.Modes[1].Session = 1, run.Modes[0].Name
	}
	for i := range 1 + rng.IntN(3) {
		run.Phases = append(run.Phases, result.PhaseInfo{Name: string(rune('p' + i)), Kind: kinds[rng.IntN(3)], Users: rng.IntN(60), Mix: rng.IntN(4) == 0, For: time.Duration(rng.IntN(9)) * time.Second})
	}
	some := func(n int) int64 { return int64(rng.IntN(n) * rng.IntN(2)) }
	var loads []resulttest.Load
	for _, p := range run.Phases {
		for _, m := range run.Modes {
			if rng.IntN(6) == 0 {
				continue
			}
			n := 1 + rng.IntN(300)
			hit := some(n)
			l := resulttest.Load{Mode: m.Name, Phase: p.Name, Requests: n, Took: time.Duration(rng.IntN(5000)) * time.Millisecond, Fast: time.Duration(rng.IntN(1e8)), Slow: time.Duration(rng.IntN(1e9)),
				SlowShare: rng.Float64() * rng.Float64(), Sql: some(100), Redis: some(100), Recomputes: some(60), Expired: some(5), Cold: some(3),
				Cache: map[string]int64{"hit": hit, "miss": int64(n) - hit, "coalesced": some(9), "stale": some(9)}}
			if rng.IntN(4) == 0 {
				l.Failed = map[string]int64{"status": some(n/2 + 1), "timeout": some(n/3 + 1)}
			}
			if rng.IntN(3) == 0 {
				l.Stale = &result.Stale{Writes: some(9), Reads: int64(n), Stale: some(n), Max: time.Duration(rng.IntN(1e9))}
			}
			loads = append(loads, l)
		}
	}
	resulttest.Fill(run, 1+rng.IntN(4), loads)
	for i := range run.Cells {
		c := &run.Cells[i]
		if len(c.Seconds) > 0 {
			c.Seconds[0].Failed = c.Ledger.Errors()
		}
		c.Server.CPU, c.Redis = time.Duration(rng.IntN(1e9)), &result.Redis{CPU: time.Duration(some(1e6))}
		c.Spent = []result.Bucket{{Over: time.Millisecond, Count: 1 + some(40), Response: time.Duration(1 + some(1e9)), SQL: time.Duration(some(1e8)), Network: time.Duration(some(1e8))}}
		run.Drivers = append(run.Drivers, result.Driver{Round: c.Round, Mode: c.Mode, Phase: c.Phase, Took: c.Took, Offered: c.Ledger.Scheduled, Sent: c.Ledger.Scheduled, InTime: c.Ledger.Scheduled / (1 + some(3))})
		if rng.IntN(8) == 0 {
			length := time.Duration(some(1e9))
			in := result.Stretch{Took: length, Requests: some(40), Response: result.Summary{Count: some(40), Max: time.Duration(some(1e9))}}
			if in.Requests > 0 && rng.IntN(2) == 0 {
				in.Failed = map[string]int64{"status": in.Requests}
			}
			f := result.Fault{Server: "redis", Kind: "kill", Text: "redis kill", Ended: length, Impact: result.Impact{Inside: in, Attempts: -1}}
			if rng.IntN(2) == 0 {
				f.Impact.Recover, f.Impact.Degrade = new(time.Duration(some(1e8))), new(time.Duration(some(1e8)))
			}
			c.Faults = []result.Fault{f}
		}
	}
	if rng.IntN(3) == 0 {
		run.Scenario.Objective = &result.Objective{Figure: "p95", AtMost: time.Duration(1 + rng.IntN(1e9))}
	}
	if rng.IntN(6) == 0 {
		run.Invalid = []string{"nothing was measured"}
	}
	run.Gates = []result.Gate{{Expr: `p95("ttl", "p") < 3`, Verdict: result.Fail}, {Expr: "errors() == 0", Verdict: result.Pass}}
	return run
}

// Whatever a run is, its findings are at most so many, and say nothing that is no sentence.
func TestFindingsOfRandomRuns(t *testing.T) {
	t.Parallel()
	rules := map[string]int{}
	for seed := range uint64(8) {
		for _, x := range check(t, random(seed)) {
			rules[x.Rule]++
		}
	}
	if len(rules) < 8 { // else the runs are too tame to show anything
		t.Errorf("got findings of %d rules alone: %v", len(rules), rules)
	}
	t.Log(rules)
}

func TestFindingsOfFixtures(t *testing.T) {
	for name, fixture := range resulttest.All() {
		if all := check(t, fixture(t)); len(all) == 0 && name != "empty" && name != "invalid" {
			t.Errorf("%s has no findings", name)
		}
	}
}
