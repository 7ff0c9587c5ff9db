package stats_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// runs is how many tests are simulated of each kind. The figures of the package comment are of 2,000:
//
//	go test -run Simulated -v -timeout 60m ./loadgen/internal/stats -runs 2000
var runs = flag.Int("runs", 25, "simulated tests of each kind")

// atMost reports whether n of the runs are within a rate, allowing for the binomial error of so many: 2.33 standard deviations.
func atMost(n int, rate float64) bool {
	mean := float64(*runs) * rate
	return float64(n) <= mean+2.33*math.Sqrt(mean*(1-rate))
}

func atLeast(n int, rate float64) bool { return atMost(*runs-n, 1-rate) }

func percent(n int) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(*runs)) }

// tally is what became of the simulated A/B tests of one kind.
type tally struct {
	verdicts map[stats.Verdict]int
	epochs   []int // of those that came to the verdict that is right
	early    int   // e-values that reached 100 within the 32 epochs
	covered  int   // intervals of the first endpoint's effect, at the look that decided, that have the truth in them
}

func simulate(t *testing.T, m machine, slower float64) tally {
	t.Helper()
	plan := planOf(m.quantiles)
	right := stats.Pass
	if slower > plan.Tolerance {
		right = stats.Fail
	}
	all := tally{verdicts: map[stats.Verdict]int{}}
	for run := range *runs {
		dec, err := stats.Judge(plan, m.on(uint64(run), math.Float64bits(slower)).epochs(plan.MaxEpochs(), slower))
		if err != nil {
			t.Fatal(err)
		}
		all.verdicts[dec.Verdict]++
		if dec.Verdict == right {
			all.epochs = append(all.epochs, dec.Epochs)
		}
		if dec.Findings[0].Effect.Compare(1+slower) == 0 {
			all.covered++
		}
		if slices.Max(dec.E) >= 100 {
			all.early++
		}
	}
	slices.Sort(all.epochs)
	return all
}

// TestSimulatedAB holds the rates of false and right verdicts of the default plan, of three endpoints, on the noisy machine, and prints those
// on others: the power there is what the machine gives, but the rate of false FAILs is held on all of them.
func TestSimulatedAB(t *testing.T) {
	for _, tt := range []struct {
		name    string
		machine machine
		power   float64   // at +10%
		short   []float64 // effects that few runs are of, too
	}{{"quiet", quiet(), .95, nil}, {"noisy", noisy(), .95, []float64{0, .10}}, {"busy", busy(), 0, []float64{0, .20}}} {
		for _, slower := range []float64{0, .02, .05, .10, .20} {
			if *runs < 1000 && !slices.Contains(tt.short, slower) {
				continue
			}
			got := simulate(t, tt.machine, slower)
			fails, passes := got.verdicts[stats.Fail], got.verdicts[stats.Pass]
			median := 0
			if len(got.epochs) > 0 {
				median = got.epochs[len(got.epochs)/2]
			}
			t.Logf("%s, %+.0f%%: FAIL %s, PASS %s, INCONCLUSIVE %s of %d; the right one in a median of %d epochs; E reached 100 in %s; effects cover in %s",
				tt.name, 100*slower, percent(fails), percent(passes), percent(got.verdicts[stats.Inconclusive]), *runs, median, percent(got.early), percent(got.covered))
			switch {
			case slower == 0 && !atMost(fails, .005), slower == .02 && !atMost(fails, .01):
				t.Errorf("%s, %+.0f%%: got %s FAIL", tt.name, 100*slower, percent(fails))
			case slower == .10 && (!atLeast(fails, tt.power) || !atMost(passes, .05)):
				t.Errorf("%s, +10%%: got %s FAIL and %s PASS, want at least %.0f%% and at most 5%%", tt.name, percent(fails), percent(passes), 100*tt.power)
			case slower == .20 && !atLeast(fails, .99):
				t.Errorf("%s, +20%%: got %s FAIL", tt.name, percent(fails))
			case slower <= .02 && !atMost(got.early, .01):
				t.Errorf("%s, %+.0f%%: got an E of 100 in %s", tt.name, 100*slower, percent(got.early))
			}
		}
	}
}

// TestSimulatedRunning is of services that ran before the test: the luck of their start is in every epoch, so that the plan for fresh processes fails services
// that are the same, and the tolerance of RunningPlan holds it.
func TestSimulatedRunning(t *testing.T) {
	for _, tt := range []struct {
		name    string
		machine machine
	}{{"quiet", quiet()}, {"noisy", noisy()}, {"busy", busy()}} {
		for _, slower := range []float64{0, .30} {
			var fails [2]int
			for run := range *runs {
				d := tt.machine.on(uint64(run), 5+math.Float64bits(slower)).running(32, slower)
				plan := planOf(tt.machine.quantiles)
				running := stats.RunningPlan(plan.Seed, slices.Clone(plan.Endpoints)...)
				for i := range running.Endpoints {
					running.Endpoints[i].Margin += running.Tolerance - plan.Tolerance
				}
				for i, p := range []stats.Plan{plan, running} {
					dec, err := stats.Judge(p, d)
					if err != nil {
						t.Fatal(err)
					}
					if dec.Verdict == stats.Fail {
						fails[i]++
					}
				}
			}
			t.Logf("%s, %+.0f%%: FAIL %s by the plan for fresh processes, %s by that for running ones, of %d", tt.name, 100*slower, percent(fails[0]), percent(fails[1]), *runs)
			switch {
			case slower == 0 && !atMost(fails[1], .015):
				t.Errorf("%s: got %s FAIL of what is the same", tt.name, percent(fails[1]))
			case slower == .30 && tt.name != "busy" && !atLeast(fails[1], .90):
				t.Errorf("%s: got %s FAIL of +30%%", tt.name, percent(fails[1]))
			}
		}
	}
}

// TestSimulatedDetectable holds that an effect of the size that a look calls detectable is found by it with about the power that it says.
func TestSimulatedDetectable(t *testing.T) {
	m := noisy()
	m.quantiles = m.quantiles[:1]
	for _, look := range []stats.Look{{Epochs: 8, Alpha: .004}, {Epochs: 12, Alpha: .01}, {Epochs: 32, Alpha: .002}} {
		if look.Epochs == 32 && *runs < 1000 {
			continue
		}
		plan := planOf(m.quantiles)
		plan.Looks, plan.Beta = []stats.Look{look}, 1e-9
		var detectable []float64
		for run := range *runs {
			dec, err := stats.Judge(plan, m.on(uint64(run), 3).epochs(look.Epochs, 0))
			if err != nil {
				t.Fatal(err)
			}
			detectable = append(detectable, dec.Findings[0].Detectable)
		}
		slices.Sort(detectable)
		effect := detectable[len(detectable)/2] - 1
		found := 0
		for run := range *runs {
			dec, err := stats.Judge(plan, m.on(uint64(run), 4).epochs(look.Epochs, effect))
			if err != nil {
				t.Fatal(err)
			}
			if dec.Verdict == stats.Fail {
				found++
			}
		}
		t.Logf("%d epochs at %g: %+.1f%% is detectable, and found in %s of %d", look.Epochs, look.Alpha, 100*effect, percent(found), *runs)
		if !atLeast(found, .7) || !atMost(found, .97) {
			t.Errorf("%d epochs at %g: got %s of the effects of %+.1f%%, want about 80%%", look.Epochs, look.Alpha, percent(found), 100*effect)
		}
	}
}

// TestSimulatedCulprit is of tests in which B has 25% more or slower statements, a longer wait, or more of what no part has; and of A/A.
func TestSimulatedCulprit(t *testing.T) {
	base := request{calls: 8, each: 1, wait: 2, own: 4}
	for _, tt := range []struct {
		name, want string
		b          request
	}{
		{"two statements more", "more sql", request{10, 1, 2, 4}}, {"statements slower by 25%", "slower sql", request{8, 1.25, 2, 4}},
		{"a wait twice as long", "pool wait", request{8, 1, 4, 4}}, {"the app slower by half", "", request{8, 1, 2, 6}}, {"A/A", "", base},
	} {
		right, wrong := 0, 0
		for run := range *runs {
			culprit, ok := attribute(t, uint64(run), base, tt.b, 16, .1).Culprit()
			switch {
			case ok && culprit.String() == tt.want:
				right++
			case ok:
				wrong++
			}
		}
		t.Logf("%s: %q named in %s, another in %s of %d", tt.name, tt.want, percent(right), percent(wrong), *runs)
		if tt.want != "" && !atLeast(right, .95) || !atMost(wrong, .15) {
			t.Errorf("%s: got the right culprit in %s, a wrong one in %s", tt.name, percent(right), percent(wrong))
		}
	}
}
