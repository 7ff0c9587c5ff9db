package law_test

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// runs is how many runs are simulated of each kind; make law-check simulates more.
var runs = flag.Int("runs", 10, "simulated runs of each kind")

// invalidated is the strategy whose pages are dropped by changes, as the app declares it.
func invalidated() result.Strategy {
	one := result.Law{Relation: "==", Recomputes: "1"}
	return result.Strategy{
		Name: "invalidate", Cold: one, Expiry: one, Hits: "w > 0 ? dropped(lambda, D, w) : lambda * T / (1 + lambda * D + lambda * T)",
	}
}

// load is one phase of a simulated run.
type load struct {
	lambda, seconds float64
	even            bool
	every           float64 // seconds from one change of the page to the next; 0 is none
}

// simulated is a run of strategies that are declared as what they claim, and do what they do.
type simulated struct {
	does     map[string]string // by mode; a mode that is not there does as its name has it
	modes    []string
	loads    []load
	cost     cost
	beta     float64 // that the app runs with; 0 is 1, which it declares
	replicas int
	rounds   int
	reads    float64 // the share of a recompute after which it reads what changes
}

// run simulates a run.
func (s simulated) run(seed uint64) *result.Run {
	run := resulttest.Base()
	run.Stack.Config["ttl"], run.Stack.Config["beta"], run.Stack.Config["grace"] = "1s", "1", "10s"
	run.Modes, run.Phases = nil, nil
	run.Strategies = append(run.Strategies, invalidated())
	for _, m := range s.modes {
		run.Modes = append(run.Modes, result.Mode{Name: m, Method: "GET", Strategy: m})
	}
	for i, l := range s.loads {
		p := result.PhaseInfo{Name: "p" + strconv.Itoa(i), Kind: "open", Rate: l.lambda, For: span(l.seconds), Arrivals: "poisson"}
		if l.even {
			p.Arrivals = "constant"
		}
		if s.replicas > 1 {
			p.Replicas, p.Balancing = s.replicas, "random"
		}
		run.Phases = append(run.Phases, p)
	}
	for round := 1; round <= s.rounds; round++ {
		for i, m := range s.modes {
			for j, l := range s.loads {
				does := m
				if d, ok := s.does[m]; ok {
					does = d
				}
				w := &world{rng: rand.New(rand.NewPCG(seed, uint64(round*1000+i*10+j))), does: does, lambda: l.lambda, even: l.even,
					every: l.every, reads: s.reads,
					ttl: 1, beta: max(s.beta, 1), replicas: s.replicas, d: s.cost}
				c := w.round(l.seconds)
				c.Round, c.Mode, c.Phase = round, m, run.Phases[j].Name
				run.Cells = append(run.Cells, c)
			}
		}
	}
	return run
}

// differing returns the predictions of a run that differ, and how many there were in all that said agrees or differs.
func differing(t *testing.T, run *result.Run) (differ []law.Prediction, n int) {
	t.Helper()
	for _, p := range law.Predictions(figures(t, run)) {
		if p.Agreement != law.Unknown {
			n++
		}
		if p.Agreement == law.Differs {
			differ = append(differ, p)
		}
	}
	return differ, n
}

var (
	correct = []string{"ttl", "singleflight", "lock", "early", "swr"}
	short   = []load{{lambda: 250, seconds: 3}, {lambda: 40, seconds: 3}}
)

// TestCorrectStrategiesAgree counts the runs of correct strategies of which any prediction differs: at most 1 in 50.
func TestCorrectStrategiesAgree(t *testing.T) {
	long := []load{{lambda: 250, seconds: 20}, {lambda: 10, seconds: 60}}
	for _, tt := range []struct {
		what string
		simulated
		least int // predictions a run
	}{
		{"constant D", simulated{loads: short, cost: cost{work: .045}, rounds: 3}, 18},
		{"constant D, long", simulated{loads: long, cost: cost{work: .045}, rounds: 1}, 18},
		{"constant D, one round", simulated{loads: short, cost: cost{work: .010}, rounds: 1}, 18},
		{"random D", simulated{loads: short, cost: cost{work: .045, spread: .3}, rounds: 3}, 18},
		{"very random D, long", simulated{loads: long, cost: cost{work: .030, spread: 1}, rounds: 1}, 18},
		{"recomputes that slow each other down", simulated{loads: short, cost: cost{work: .008, drag: 1}, rounds: 3}, 18},
		{"the same, long", simulated{loads: long, cost: cost{work: .020, drag: .3}, rounds: 1}, 18},
		{"the same, random", simulated{loads: short, cost: cost{work: .015, drag: .3, spread: .5}, rounds: 3}, 18},
		{"three replicas", simulated{loads: short, cost: cost{work: .020}, replicas: 3, rounds: 3}, 14},
		{"evenly", simulated{loads: []load{{lambda: 250, seconds: 3, even: true}, {lambda: 70, seconds: 20, even: true}}, cost: cost{work: .045}, rounds: 3}, 6},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			tt.modes = correct
			bad := 0
			for seed := range *runs {
				differ, n := differing(t, tt.run(uint64(seed)))
				if n < tt.least {
					t.Fatalf("run %d: got %d predictions, want %d", seed, n, tt.least)
				}
				if len(differ) > 0 {
					bad++
				}
				for _, p := range differ {
					t.Logf("run %d, %s: %s", seed, p.Mode, p.Text)
				}
			}
			t.Logf("%d of %d runs differ", bad, *runs)
			if most := max(1, *runs/50); bad > most {
				t.Errorf("%d of %d runs differ, want %d at most", bad, *runs, most)
			}
		})
	}
}

// TestWrongStrategiesDiffer counts the runs of strategies that do not as they claim of which the prediction differs, in three rounds of 3 s.
func TestWrongStrategiesDiffer(t *testing.T) {
	loads := short[:1]
	slow := cost{work: .045}
	for _, tt := range []struct {
		what, mode string
		simulated
		share float64 // of the runs
	}{
		{"a lock that lets two in", "lock", simulated{does: map[string]string{"lock": "lock that lets two in"}, cost: slow}, 1},
		{"a flight that one in ten misses", "singleflight", simulated{does: map[string]string{"singleflight": "singleflight that forgets one in ten"}, cost: slow}, .98},
		{"ttl as lock", "lock", simulated{does: map[string]string{"lock": "ttl"}, cost: slow}, 1},
		{"lock as ttl", "ttl", simulated{does: map[string]string{"ttl": "lock"}, cost: slow}, 1},
		{"early as ttl", "ttl", simulated{does: map[string]string{"ttl": "early"}, cost: slow}, 1},
		{"ttl as early", "early", simulated{does: map[string]string{"early": "ttl"}, cost: slow}, 1},
		{"ttl as early, slowed", "early", simulated{does: map[string]string{"early": "ttl"}, cost: cost{work: .008, drag: 1}}, .7},
		{"beta 4 instead of 1, long", "early", simulated{beta: 4, loads: []load{{lambda: 250, seconds: 60}}, cost: slow}, .98},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			if tt.loads == nil {
				tt.loads = loads
			}
			tt.modes, tt.rounds = []string{tt.mode}, 3
			found := 0
			for seed := range *runs {
				for _, p := range law.Predictions(figures(t, tt.run(uint64(seed)))) {
					if p.Agreement == law.Differs && p.Figure == law.Recomputes {
						found++
					}
				}
			}
			t.Logf("%d of %d runs differ", found, *runs)
			if least := tt.share * float64(*runs); float64(found) < least {
				t.Errorf("%d of %d runs differ, want %v at least", found, *runs, least)
			}
		})
	}
}

// TestDroppedAtEvenIntervals counts the runs of a page that each change drops of which the hit ratio differs.
func TestDroppedAtEvenIntervals(t *testing.T) {
	slow := cost{work: .045}
	for _, tt := range []struct {
		what, does  string
		lambda      float64
		every, read float64
		cost        cost
		seconds     float64 // 20 if it is 0
		differs     bool
	}{
		{"often asked for", "invalidate", 100, .4, .1, slow, 0, false},
		{"seldom asked for", "invalidate", 4, .4, .1, slow, 0, false},
		{"hardly asked for", "invalidate", 1, .4, 0, slow, 0, false},
		{"met by changes, which it does not read", "invalidate", 4, .2, 0, slow, 2000, false},
		{"met by changes, which it reads", "invalidate", 4, .2, 1, slow, 2000, false},
		{"it changes soon again", "invalidate", 20, .1, 0, slow, 0, false},
		{"random D", "invalidate", 50, .5, .1, cost{work: .045, spread: .5}, 0, false},
		{"changes that drop nothing", "lock", 100, .4, .1, slow, 0, true},
		{"every third change is missed", "invalidate that misses every third change", 100, .4, .1, slow, 0, true},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			found := 0
			for seed := range *runs {
				run := simulated{
					modes: []string{"invalidate"}, does: map[string]string{"invalidate": tt.does}, cost: tt.cost, rounds: 3, reads: tt.read,
					loads: []load{{lambda: tt.lambda, seconds: cmp.Or(tt.seconds, 20), every: tt.every}},
				}.run(uint64(seed))
				p := hitRatio(t, run)
				if p.Agreement == law.Unknown {
					t.Fatalf("no prediction: %s", p.Text)
				}
				if p.Agreement == law.Differs {
					found++
					t.Logf("run %d: %s", seed, p.Text)
				}
			}
			t.Logf("%d of %d runs differ", found, *runs)
			if most := max(1, *runs/50); !tt.differs && found > most || tt.differs && found < *runs {
				t.Errorf("%d of %d runs differ", found, *runs)
			}
		})
	}
}

// TestChangesWithoutALaw has phases of which nobody knows how often the page is there.
func TestChangesWithoutALaw(t *testing.T) {
	for want, change := range map[string]func(*result.Run){
		"there is no law for prices that change at uneven intervals": func(run *result.Run) { run.Cells[0].Stale.Changes[3] += 200 * time.Millisecond },
		"there is no law for pages that expire between two changes":  func(run *result.Run) { run.Stack.Config["ttl_jitter"] = "0.8" },
		"there is no law for a page that changes while it is recomputed, or soon after": func(run *result.Run) {
			for i := range run.Cells[0].Herds {
				run.Cells[0].Herds[i].First = 250 * time.Millisecond
			}
		},
		"the prices that changed are of another page": func(run *result.Run) { run.Modes[0].Path += "?page=2" },
		"another mode of the phase may change the page": func(run *result.Run) {
			run.Phases[0].Mix = true
			run.Modes = append(run.Modes, result.Mode{Name: "price", Method: "PATCH"})
		},
		"prices changed too seldom": func(run *result.Run) { run.Cells[0].Stale.Changes = run.Cells[0].Stale.Changes[:1] },
	} {
		run := simulated{modes: []string{"invalidate"}, cost: cost{work: .045}, rounds: 1, loads: []load{{lambda: 100, seconds: 20, every: .4}}}.run(1)
		change(run)
		if p := hitRatio(t, run); p.Agreement != law.Unknown || !strings.HasPrefix(p.Text, "no prediction of the hit ratio: "+want+";") {
			t.Errorf("got %s, want %s", p.Text, want)
		}
	}
}

// hitRatio returns the prediction of the hit ratio.
func hitRatio(t *testing.T, run *result.Run) law.Prediction {
	t.Helper()
	for _, p := range law.Predictions(figures(t, run)) {
		if p.Figure == law.HitRatio {
			return p
		}
	}
	t.Fatal("there is no prediction of the hit ratio")
	return law.Prediction{}
}

func figures(t *testing.T, run *result.Run) *figure.Figures {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
