package law_test

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// runs is how many runs are simulated of each kind; make law-check simulates more.
var runs = flag.Int("runs", 10, "simulated runs of each kind")

// load is one phase of a simulated run.
type load struct {
	lambda, seconds float64
	even            bool
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
}

// run simulates a run.
func (s simulated) run(seed uint64) *result.Run {
	run := resulttest.Base()
	run.Stack.Config["ttl"], run.Stack.Config["beta"], run.Stack.Config["grace"] = "1s", "1", "10s"
	run.Modes, run.Phases = nil, nil
	for _, m := range s.modes {
		run.Modes = append(run.Modes, result.Mode{Name: m, Strategy: m})
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

func figures(t *testing.T, run *result.Run) *figure.Figures {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
