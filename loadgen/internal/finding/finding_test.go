package finding_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

const ms = time.Millisecond

// texts are the findings of a run by one rule.
func texts(t *testing.T, run *result.Run, rule string) []finding.Finding {
	t.Helper()
	return slices.DeleteFunc(check(t, run), func(x finding.Finding) bool { return x.Rule != rule })
}

// service is a run of a service of somebody's own: modes without strategies, in phases of a kind.
func service(kind string, modes []string, phases ...string) *result.Run {
	run := resulttest.Base()
	run.Modes, run.Phases, run.Strategies = nil, nil, nil
	for _, m := range modes {
		run.Modes = append(run.Modes, result.Mode{Name: m, Method: "GET", Path: "/" + m})
	}
	for _, p := range phases {
		run.Phases = append(run.Phases, result.PhaseInfo{Name: p, Kind: kind, Load: "100/s", For: 10 * time.Second})
	}
	return run
}

// load is what a mode does in a phase, without what only the lab's app reports.
func load(mode, phase string, fast time.Duration) resulttest.Load {
	return resulttest.Load{Mode: mode, Phase: phase, Requests: 400, Took: 10 * time.Second, Fast: fast}
}

func second(t *testing.T, at int, took ...time.Duration) result.Second {
	t.Helper()
	h := hist.New()
	for _, d := range took {
		h.Record(d)
	}
	text, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return result.Second{At: at, Response: text, Service: text}
}

func TestRules(t *testing.T) {
	tests := []struct {
		rule string
		run  func(t *testing.T) *result.Run
		want string // the whole text of the first finding of the rule; empty: there is none
	}{
		{"difference", func(*testing.T) *result.Run {
			return resulttest.Fill(service("open", []string{"old", "new"}, "steady"), 3, []resulttest.Load{load("old", "steady", 20*ms), load("new", "steady", 5*ms)})
		}, "In steady, p99 was 25.9 ms for old and 6.56 ms for new (0.25x [0.25, 0.26])."},
		{"difference", func(*testing.T) *result.Run { // of one round nothing can be told
			return resulttest.Fill(service("open", []string{"old", "new"}, "steady"), 1, []resulttest.Load{load("old", "steady", 20*ms), load("new", "steady", 5*ms)})
		}, ""},
		{"difference", func(*testing.T) *result.Run { // by 5%, which is worth no sentence
			return resulttest.Fill(service("open", []string{"old", "new"}, "steady"), 3, []resulttest.Load{load("old", "steady", 20*ms), load("new", "steady", 19*ms)})
		}, ""},
		{"choice", func(*testing.T) *result.Run {
			return resulttest.Fill(service("open", []string{"old", "new", "newer"}, "steady"), 3, []resulttest.Load{load("old", "steady", 20*ms), load("new", "steady", 5*ms), load("newer", "steady", 6*ms)})
		}, "In steady, p99 was lowest with new, 6.56 ms: it is shown to be higher by half or more with old. newer may be near to it."},
		{"choice", func(*testing.T) *result.Run { // all are near
			return resulttest.Fill(service("open", []string{"old", "new", "newer"}, "steady"), 3, []resulttest.Load{load("old", "steady", 7*ms), load("new", "steady", 5*ms), load("newer", "steady", 6*ms)})
		}, ""},
		{"choice", func(*testing.T) *result.Run { // of one round nothing can be told
			return resulttest.Fill(service("open", []string{"old", "new", "newer"}, "steady"), 1, []resulttest.Load{load("old", "steady", 20*ms), load("new", "steady", 5*ms), load("newer", "steady", 6*ms)})
		}, ""},
		{"change", func(*testing.T) *result.Run {
			return resulttest.Fill(service("open", []string{"page"}, "low", "high"), 3, []resulttest.Load{load("page", "low", 2*ms), load("page", "high", 40*ms)})
		}, "From low to high, p99 went from 2.69 ms to 51.8 ms for page (19.2x [18.8, 19.6])."},
		{"sharing", func(*testing.T) *result.Run {
			run := service("open", []string{"page", "report"}, "alone", "both")
			run.Phases[1].Mix = true
			return resulttest.Fill(run, 3, []resulttest.Load{load("page", "alone", 2*ms), load("page", "both", 10*ms), load("report", "both", 90*ms)})
		}, "In both, which page shared with report, its p99 was 13.0 ms; by itself, in alone, it was 2.68 ms (4.85x [4.82, 4.88])."},
		{"sharing", func(*testing.T) *result.Run { // a phase that one mode has for itself by its mix
			run := service("open", []string{"page", "report"}, "alone", "both")
			run.Phases[0].Mix, run.Phases[1].Mix = true, true
			return resulttest.Fill(run, 3, []resulttest.Load{load("page", "alone", 10*ms), load("page", "both", 10*ms), load("report", "both", 90*ms)})
		}, "In both, which the modes shared, p99 of page cannot be told from when each was by itself (alone)."},
		{"errors", func(*testing.T) *result.Run {
			l := load("page", "steady", 2*ms)
			l.Failed = map[string]int64{"status": 12, "timeout": 3}
			run := resulttest.Fill(service("open", []string{"page"}, "steady"), 1, []resulttest.Load{l})
			c := &run.Cells[0]
			c.Failures = []result.Failure{
				{Kind: "status", Status: 503, Count: 5}, {Kind: "status", Status: 500, Count: 7, Example: "status 500"}, {Kind: "timeout", Count: 3, Code: "dial"},
			}
			c.Seconds = append(c.Seconds, result.Second{At: 4, SecondCounts: result.SecondCounts{Failed: 9}}, result.Second{At: 5, SecondCounts: result.SecondCounts{Failed: 6}}, result.Second{At: 6})
			return run
		}, "15 of 400 requests (3.8%) failed (7 status 500, 5 status 503 and 3 timeout (dial), due from 4s to 6s of the phase)."},
		{"misses", func(*testing.T) *result.Run {
			run := service("open", []string{"page"}, "all", "part")
			run.Modes[0].Keys = &result.Keys{Of: 100}
			all, part := load("page", "all", 2*ms), load("page", "part", 2*ms)
			all.Cache, part.Cache = map[string]int64{"hit": 390, "miss": 10}, map[string]int64{"hit": 300, "miss": 100}
			return resulttest.Fill(run, 1, []resulttest.Load{all, part})
		}, "The cache had no page for 25.0% of the requests in part, and for 2.5% of the requests in all."},
		{"misses", func(*testing.T) *result.Run { // of one page the laws say more
			run := service("open", []string{"page"}, "all", "part")
			all, part := load("page", "all", 2*ms), load("page", "part", 2*ms)
			all.Cache, part.Cache = map[string]int64{"hit": 390, "miss": 10}, map[string]int64{"hit": 300, "miss": 100}
			return resulttest.Fill(run, 1, []resulttest.Load{all, part})
		}, ""},
		{"capacity", func(*testing.T) *result.Run { // too few requests for a p99, of which one in twenty took too long already
			run := service("closed", []string{"page"}, "steady")
			run.Scenario.Objective = &result.Objective{Figure: "p99", AtMost: 50 * ms}
			l := load("page", "steady", 200*ms)
			l.Requests = 40
			return resulttest.Fill(run, 1, []resulttest.Load{l})
		}, "page never kept to p99 ≤ 50ms: at best p95 was 255 ms (100/s)."},
		{"backlog", func(t *testing.T) *result.Run {
			run := resulttest.Fill(service("open", []string{"page"}, "peak"), 1, []resulttest.Load{load("page", "peak", 2*ms)})
			run.Cells[0].Seconds = nil
			for at := range 6 {
				s := second(t, at, slices.Repeat([]time.Duration{time.Duration(at+1) * 100 * ms}, 20)...)
				s.Lag = s.Response
				run.Cells[0].Seconds = append(run.Cells[0].Seconds, s)
			}
			return run
		}, "In peak, a queue grew before page as long as the load lasted (100/s): the median response time went from 100 ms in the first second to 600 ms in the last. " +
			"One request in a hundred waited over 600 ms for a connection before it was sent."},
		{"saturation", func(*testing.T) *result.Run {
			run := resulttest.Fill(service("open", []string{"page"}, "peak"), 2, []resulttest.Load{load("page", "peak", 2*ms)})
			for round := range 2 {
				run.Drivers = append(run.Drivers, result.Driver{Round: round + 1, Mode: "page", Phase: "peak", Took: 10 * time.Second, Offered: 5000, Sent: 5000, InTime: 3000,
					Release: result.Summary{Count: 5000, P99: 2 * ms}})
			}
			return run
		}, "In peak, page did not keep up: 10,000 requests came due (500/s), and 6,000 (300/s) could be sent while it lasted; the others waited for a connection. " +
			"The generator released them in time (p99 2.00 ms late at most)."},
		{"saturation", func(*testing.T) *result.Run { // in one round of two
			run := resulttest.Fill(service("open", []string{"page"}, "peak"), 2, []resulttest.Load{load("page", "peak", 2*ms)})
			for round, sent := range []int64{5000, 3000} {
				run.Drivers = append(run.Drivers, result.Driver{Round: round + 1, Mode: "page", Phase: "peak", Took: 10 * time.Second, Offered: 5000, Sent: 5000, InTime: sent})
			}
			return run
		}, ""},
		{"spell", func(t *testing.T) *result.Run {
			run := resulttest.Fill(service("open", []string{"page"}, "steady"), 1, []resulttest.Load{load("page", "steady", 2*ms)})
			run.Cells[0].Seconds = nil
			for at := range 10 {
				took := slices.Repeat([]time.Duration{2 * ms}, 200)
				if at == 6 {
					took = append(took, slices.Repeat([]time.Duration{900 * ms}, 12)...)
				}
				run.Cells[0].Seconds = append(run.Cells[0].Seconds, second(t, at, took...))
			}
			return run
		}, "In steady, 12 of the 12 requests of page that took longer than its p99 (2.00 ms) were due from 6 s to 7 s of 10s."},
		{"spent", func(*testing.T) *result.Run {
			run := resulttest.Fill(service("open", []string{"page"}, "steady"), 2, []resulttest.Load{load("page", "steady", 20*ms)})
			for i := range run.Cells {
				run.Cells[i].Spent = []result.Bucket{{Over: 20 * ms, Count: 8, Response: 160 * ms, SQL: 120 * ms, App: 40 * ms}}
			}
			return run
		}, "In steady, most of the response time at p99 was SQL for page (15.0 ms of 20.0 ms)."},
		{"spent", func(*testing.T) *result.Run { // more than half in one round alone
			run := resulttest.Fill(service("open", []string{"page"}, "steady"), 2, []resulttest.Load{load("page", "steady", 20*ms)})
			for i := range run.Cells {
				sql := []time.Duration{150 * ms, 50 * ms}[i]
				run.Cells[i].Spent = []result.Bucket{{Over: 20 * ms, Count: 8, Response: 160 * ms, SQL: sql, App: 80*ms - sql/2, Network: 80*ms - sql/2}}
			}
			return run
		}, ""},
		{"crowding", func(*testing.T) *result.Run {
			run := service("closed", []string{"page"}, "few", "many")
			run.Phases[0].Users, run.Phases[1].Users = 4, 16
			return resulttest.Fill(run, 3, []resulttest.Load{load("page", "few", 4*ms), load("page", "many", 16*ms)})
		}, "From 4 to 16 users (few to many) more users waited more than they brought: page went from 40.0/s to 40.0/s (1.00x [1.00, 1.00]), and its p50 to 3.97x [3.75, 4.20] of what it was."},
	}
	for _, tt := range tests {
		found := texts(t, tt.run(t), tt.rule)
		got := ""
		if len(found) > 0 {
			got = found[0].Text
		}
		if got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.rule, got, tt.want)
		}
	}
}

// A finding names the gates of its modes and phases, and a trace of them.
func TestFindingsNameTheirSources(t *testing.T) {
	run := resulttest.Stampede(t)
	run.Traces = []result.Trace{
		{ID: "11110000000000000000000000000000", Mode: "ttl", Phase: "warm", Why: result.Slowest},
		{ID: "22220000000000000000000000000000", Mode: "ttl", Phase: "expiry", Why: result.Median},
		{ID: "33330000000000000000000000000000", Mode: "ttl", Phase: "expiry", Why: result.Slowest},
	}
	x := texts(t, run, "expiry")[0]
	if !slices.Equal(x.Phases, []string{"expiry"}) || !slices.Contains(x.Modes, "ttl") || !slices.Equal(x.Gates, []int{0}) || !strings.HasPrefix(x.Trace, "3333") {
		t.Errorf("got %+v", x)
	}
}

// An invalid run is not compared with itself; what was counted is what it is.
func TestInvalidRunsHaveCountsAlone(t *testing.T) {
	run := resulttest.Stampede(t)
	run.Invalid = []string{"the stack broke"}
	for _, x := range check(t, run) {
		if !slices.Contains([]string{"errors", "saturation", "work", "repeats"}, x.Rule) {
			t.Errorf("an invalid run has a finding of %s: %s", x.Rule, x.Text)
		}
	}
}

var simulated = flag.Int("runs", 3, "simulated runs of modes that are the same")

// Modes that are the same are seldom found to differ. The figures of the package comment are of -runs 300.
func TestSimulatedModesThatAreTheSame(t *testing.T) {
	t.Parallel()
	all := []int{2, 3, 5}
	if *simulated < 100 {
		all = all[1:2] // histograms are dear with the race detector
	}
	for _, rounds := range all {
		with, pairs, wrong, chosen := 0, 0, 0, 0
		for seed := range *simulated {
			rng := rand.New(rand.NewPCG(uint64(seed), uint64(rounds)))
			names := []string{"a", "b", "c", "d", "e"}
			run := service("open", names, "steady")
			for round := range rounds {
				luck := math.Exp(0.2 * rng.NormFloat64()) // of the round
				for _, m := range names {
					l := load(m, "steady", time.Duration(float64(10*ms)*luck*math.Exp(0.15*rng.NormFloat64())))
					l.Requests = 120
					one := resulttest.Fill(service("open", names, "steady"), 1, []resulttest.Load{l})
					one.Cells[0].Round = round + 1
					run.Cells = append(run.Cells, one.Cells[0])
				}
			}
			f, err := figure.New(run)
			if err != nil {
				t.Fatal(err)
			}
			pairs += len(names) - 1
			for _, x := range finding.Of(f) {
				switch x.Rule {
				case "difference":
					with, wrong = with+1, wrong+len(x.Modes)-1
				case "choice":
					chosen++
				}
			}
		}
		text := fmt.Sprintf("%d rounds: a difference that is none in %.1f%% of runs, of %.2f%% of the modes", rounds, 100*float64(with)/float64(*simulated), 100*float64(wrong)/float64(pairs))
		t.Log(text)
		t.Logf("%d rounds: a best that is none in %.1f%% of runs", rounds, 100*float64(chosen)/float64(*simulated))
		if most := 0.05 * float64(*simulated); float64(chosen) > most+3*math.Sqrt(most) {
			t.Errorf("%d rounds: of %d runs %d name a best", rounds, *simulated, chosen)
		}
		if mean := 0.05 * float64(pairs); float64(wrong) > mean+3*math.Sqrt(mean) {
			t.Error(text)
		}
	}
}
