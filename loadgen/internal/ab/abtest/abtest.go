// Package abtest has A/B tests of every verdict, whose figures are made up: for tests of what reads them.
package abtest

import (
	"math"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// All returns them by name. They are new in each call.
func All() map[string]*ab.Test {
	broken := with(ab.Invalid, 2, 1, quiet)
	broken.Invalid = []string{"the stack of arm B broke: app ended by itself: exit status 9"}
	interrupted := with(ab.Interrupted, 4, 1, quiet)
	interrupted.Interrupted = true
	work := with(ab.Fail, 0, 1, quiet)
	more := ab.Try{
		A: ab.Counts{Counted: true, SQL: 62, Redis: 21, Recomputes: 1, Bytes: 498_410},
		B: ab.Counts{Counted: true, SQL: 82, Redis: 21, Recomputes: 1, Bytes: 498_410},
	}
	work.Work = []ab.Work{{Mode: "ttl", Phase: "warm", Requests: 10, Tries: []ab.Try{more, more, more}, Repeats: []string{"owners by id x 20"}}}
	idle := with(ab.Invalid, 0, 1, quiet)
	few := ab.Side{Requests: 3, Quantiles: []ab.Dur{time.Millisecond, time.Millisecond, time.Millisecond}}
	idle.Epochs = []ab.Epoch{{Number: 1, Order: "ABBA", Cells: []ab.Cell{{Mode: "ttl", Phase: "warm", A: few, B: few}}}}
	slower := with(ab.Fail, 8, 1.2, quiet)
	slower.B.SHA256, slower.Ungated = "bbbb"+slower.B.SHA256[4:], []ab.Ungated{{Name: "phase burst", Reason: "a burst is over at once"}, {Name: "ttl warm p99", Reason: "624 requests an arm and epoch, it takes 1000"}}
	return map[string]*ab.Test{
		"same": with(ab.Pass, 8, 1, quiet), "slower": slower, "open": with(ab.Inconclusive, 3, 1, quiet), "noise": with(ab.Inconclusive, 32, 1, noisy),
		"broken": broken, "interrupted": interrupted, "work": work, "idle": idle, "nothing": with(ab.Inconclusive, 0, 1, quiet),
	}
}

// quiet and noisy are the amplitudes of what is added to the logarithms, by turns.
const (
	quiet = 0.01
	noisy = 0.8
)

// with is a test of epochs in which B takes so many times as long as A.
func with(verdict string, epochs int, slower, noise float64) *ab.Test {
	plan := stats.DefaultPlan(7)
	t := &ab.Test{
		Kind: ab.Kind, Schema: ab.SchemaVersion, ID: "20261128-120000-stampede-ab", Started: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Took: time.Minute,
		Scenario: result.Scenario{Name: "stampede", Why: "the page expires", File: "scenarios/stampede.yaml", SHA256: "0f", Rounds: 3}, Seed: 7,
		Machine: result.Machine{OS: "Debian", CPU: "Xeon", Cores: 2, Go: "go1.26"}, Commit: "abc1234", Stack: "embedded",
		A: ab.Arm{Name: "bin/app-old", SHA256: "0123456789abcdef", App: "abc1234, go1.26"}, B: ab.Arm{Name: "bin/app", SHA256: "0123456789abcdef", App: "abc1235, go1.26"},
		Plan: ab.Plan{Slice: 250 * time.Millisecond, Epoch: 2500 * time.Millisecond, WarmUp: time.Second, Beta: plan.Beta, Tolerance: plan.Tolerance, Seed: plan.Seed},
		Work: []ab.Work{{Mode: "ttl", Phase: "warm", Requests: 10, Tries: []ab.Try{{A: ab.Counts{Counted: true, SQL: 62, Redis: 21, Recomputes: 1, Bytes: 498_410},
			B: ab.Counts{Counted: true, SQL: 62, Redis: 21, Recomputes: 1, Bytes: 498_410}}}}},
		Verdict: verdict,
	}
	for _, l := range plan.Looks {
		t.Plan.Looks = append(t.Plan.Looks, ab.Look(l))
	}
	for e := range epochs {
		a := ab.Side{Requests: 624, Quantiles: []ab.Dur{800 * time.Microsecond, 2 * time.Millisecond, 5 * time.Millisecond}}
		b := ab.Side{Requests: 624}
		for _, q := range a.Quantiles {
			sway := math.Exp(noise * float64([]int{1, -1, 0, -1, 1, 0, 1, -1}[e%8]))
			b.Quantiles = append(b.Quantiles, ab.Dur(float64(q)*slower*sway))
		}
		epoch := ab.Epoch{Number: e + 1, Order: "ABBABAAB", Cells: []ab.Cell{{Mode: "ttl", Phase: "warm", A: a, B: b}}}
		if e == 0 {
			t.Choose(epoch)
			t.Ungated = nil
		}
		epoch.D = t.Plan.Logs(epoch)
		t.Epochs = append(t.Epochs, epoch)
	}
	return t
}
