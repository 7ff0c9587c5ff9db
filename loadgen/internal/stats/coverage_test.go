package stats_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// blocksARound is how many blocks of 2 s a mode has in each round of the simulations.
const blocksARound = 5

// covers reports whether so many of the runs are 93 to 97%, allowing for their binomial error.
func covers(n int) bool { return atLeast(n, .93) && atMost(n, .97) }

// correlation is that of neighbouring blocks of the machine, on one long stretch.
func correlation(m machine) float64 {
	const n = 4000
	w := m.on(1, 5)
	x := make([]float64, n)
	var mean float64
	for i := range x {
		x[i] = w.block(m.quantiles[0])
		mean += x[i] / n
	}
	var with, own float64
	for i := 1; i < n; i++ {
		with += (x[i] - mean) * (x[i-1] - mean)
		own += (x[i] - mean) * (x[i] - mean)
	}
	return with / own
}

// wandering are machines whose neighbouring blocks have little to much in common.
func wandering() []machine {
	var all []machine
	for _, rho := range []float64{0, .8, .95, .99} {
		m := noisy()
		m.rho = rho
		all = append(all, m)
	}
	return all
}

// TestSimulatedCoverage holds how often a nominal 95% interval of the ratio of two modes has the truth in it, by rounds and by how long the
// noise of the machine lasts, of p95: 93 to 97%.
func TestSimulatedCoverage(t *testing.T) {
	for _, m := range wandering() {
		rho := correlation(m)
		for _, rounds := range []int{2, 3, 5, 7, 8, 12, 20} {
			covered, width := 0, 0.0
			for run := range *runs {
				a, b := m.on(uint64(run), uint64(rounds)).turns(rounds, blocksARound, m.quantiles[1], .1)
				for r := range a {
					for i := range a[r] {
						a[r][i], b[r][i] = math.Exp(a[r][i]), math.Exp(b[r][i])
					}
				}
				ratio, err := stats.PairedRatio(b, a, stats.Level)
				if err != nil {
					t.Fatal(err)
				}
				if ratio.Compare(1.1) == 0 {
					covered++
				}
				width += math.Log(ratio.High/ratio.Low) / float64(*runs)
			}
			t.Logf("blocks that correlate by %.2f, %2d rounds: %s of %d cover, mean width %.0f%%", rho, rounds, percent(covered), *runs, 100*width)
			if !covers(covered) {
				t.Errorf("blocks that correlate by %.2f, %d rounds: got a coverage of %s, want 93 to 97%%", rho, rounds, percent(covered))
			}
		}
	}
}

// bootstrap is the moving block bootstrap (Kuensch 1989) of the mean of all blocks in their order, by percentiles.
func bootstrap(rng *rand.Rand, x []float64) stats.Interval {
	const resamples = 400
	length := max(2, int(math.Round(math.Cbrt(float64(len(x))))))
	means := make([]float64, resamples)
	for k := range means {
		for taken := 0; taken < len(x); {
			at := rng.IntN(len(x) - length + 1)
			for i := 0; i < length && taken < len(x); i++ {
				means[k] += x[at+i] / float64(len(x))
				taken++
			}
		}
	}
	slices.Sort(means)
	return stats.Interval{Low: means[resamples/40-1], High: means[resamples-resamples/40-1]}
}

// TestSimulatedBlocksAsUnits is why rounds are what is independent: of blocks, neither a bootstrap of blocks nor ranks hold their level.
func TestSimulatedBlocksAsUnits(t *testing.T) {
	m := noisy()
	trials := max(*runs, 200)
	for _, rounds := range []int{3, 6, 12} {
		byBootstrap, byRanks := 0, 0
		for run := range trials {
			w := m.on(uint64(run), uint64(rounds))
			a, b := w.turns(rounds, blocksARound, m.quantiles[1], 0)
			var x []float64
			for r := range a {
				for i := range a[r] {
					x = append(x, b[r][i]-a[r][i])
				}
			}
			ranks, err := stats.Walsh(x, stats.Level)
			if err != nil {
				t.Fatal(err)
			}
			if ranks.Compare(0) == 0 {
				byRanks++
			}
			if bootstrap(w.rng, x).Compare(0) == 0 {
				byBootstrap++
			}
		}
		bootstrapped, ranked := 100*float64(byBootstrap)/float64(trials), 100*float64(byRanks)/float64(trials)
		t.Logf("%d rounds: %.1f%% cover by a block bootstrap, %.1f%% by ranks of blocks, of %d", rounds, bootstrapped, ranked, trials)
		if bootstrapped >= 93 || ranked >= 93 {
			t.Errorf("%d rounds: got a coverage of %.1f%% and %.1f%%: one of them holds its level", rounds, bootstrapped, ranked)
		}
	}
}

// TestSimulatedFigure is of the interval of one mode's own figure, whose noise has spikes to one side only.
func TestSimulatedFigure(t *testing.T) {
	m := noisy()
	const long = 4000
	a, _ := m.on(1, 1).turns(long, blocksARound, m.quantiles[1], 0)
	var truth float64
	for _, blocks := range a {
		v, err := stats.HodgesLehmann(blocks)
		if err != nil {
			t.Fatal(err)
		}
		truth += v / long
	}
	for _, rounds := range []int{3, 5, 8, 12} {
		covered := 0
		for run := range *runs {
			a, _ := m.on(uint64(run), uint64(rounds)).turns(rounds, blocksARound, m.quantiles[1], 0)
			got, err := stats.Rounds(a, stats.Level)
			if err != nil {
				t.Fatal(err)
			}
			if got.Compare(truth) == 0 {
				covered++
			}
		}
		t.Logf("%d rounds: %s of %d cover", rounds, percent(covered), *runs)
		if !atLeast(covered, .91) {
			t.Errorf("%d rounds: got a coverage of %s", rounds, percent(covered))
		}
	}
}

// requests are the sorted response times of a mode in a round, of a process with luck of its own: 10 in each slice of 250 ms, which have what the
// slice does to them in common. Another mode's round follows.
func (m *machine) requests(blocks int) []float64 {
	const slicesOfABlock, each = 8, 10
	luck := m.luck()
	var times []float64
	for range blocks * slicesOfABlock {
		m.tick()
		for range each {
			times = append(times, math.Exp(m.slowdown+m.spike+luck+.5*m.rng.NormFloat64()))
		}
	}
	m.turns(1, blocks, m.quantiles[0], 0)
	slices.Sort(times)
	return times
}

// percentile is that of sorted times by nearest rank.
func percentile(sorted []float64, q float64) float64 {
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

// TestSimulatedPercentiles is of the interval of a mode's own percentile, from that of each round. It has that of a middling round in it; that of all
// requests together, which the worst rounds make, it does not have: no percentile of those may be shown with it as if it were theirs.
func TestSimulatedPercentiles(t *testing.T) {
	const long = 600
	m := noisy()
	w := m.on(1, 1)
	var all []float64
	each := map[float64][]float64{.5: nil, .95: nil, .99: nil}
	for range long {
		times := w.requests(blocksARound)
		all = append(all, times...)
		for q := range each {
			each[q] = append(each[q], percentile(times, q))
		}
	}
	slices.Sort(all)
	for _, q := range slices.Sorted(maps.Keys(each)) {
		slices.Sort(each[q])
		for _, rounds := range []int{2, 3, 5, 8, 12} {
			ofRound, ofAll := 0, 0
			for run := range *runs {
				w := m.on(uint64(run), uint64(rounds))
				var x [][]float64
				for range rounds {
					x = append(x, []float64{percentile(w.requests(blocksARound), q)})
				}
				got, err := stats.Positive(x, stats.Level)
				if err != nil {
					t.Fatal(err)
				}
				if got.Compare(percentile(each[q], .5)) == 0 {
					ofRound++
				}
				if got.Compare(percentile(all, q)) == 0 {
					ofAll++
				}
			}
			t.Logf("p%g, %2d rounds: %s of %d have that of a middling round, %s that of all requests", 100*q, rounds, percent(ofRound), *runs, percent(ofAll))
			if !atLeast(ofRound, .93) {
				t.Errorf("p%g, %d rounds: got a coverage of %s, want at least 93%%", 100*q, rounds, percent(ofRound))
			}
			if q == .99 && rounds == 12 && atLeast(ofAll, .93) {
				t.Errorf("p99, %d rounds: %s have the p99 of all requests: it may be shown with it", rounds, percent(ofAll))
			}
		}
	}
}

// TestSimulatedBlocksOfOneRound is of the interval of a percentile from 40 blocks of the only round of a run, on machines whose noise lasts for
// seconds; of 20 blocks it does not hold its level.
func TestSimulatedBlocksOfOneRound(t *testing.T) {
	const long = 20000
	for _, m := range []machine{quiet(), noisy(), busy()} {
		rho := correlation(m)
		for _, q := range m.quantiles {
			w := m.on(1, 9)
			var truth float64
			for range long {
				truth += w.block(q) / long
			}
			for _, blocks := range []int{20, 40, 80} {
				covered := 0
				for run := range *runs {
					w := m.on(uint64(run), uint64(blocks))
					x := make([]float64, blocks)
					for i := range x {
						x[i] = w.block(q)
					}
					got, err := stats.Batches(x, stats.Level)
					if err != nil {
						t.Fatal(err)
					}
					if got.Compare(truth) == 0 {
						covered++
					}
				}
				t.Logf("noise of %g, blocks that correlate by %.2f: %s of %d blocks: %s of %d cover", m.drift, rho, q.name, blocks, percent(covered), *runs)
				if blocks >= 40 && !atLeast(covered, .925) {
					t.Errorf("noise of %g: %s of %d blocks: got a coverage of %s", m.drift, q.name, blocks, percent(covered))
				}
			}
		}
	}
}

// TestSimulatedBatches is of one stretch of time, without spikes, of as many blocks as the package comment asks for.
func TestSimulatedBatches(t *testing.T) {
	for _, tt := range []struct {
		rho    float64 // of neighbouring blocks
		blocks int
		held   bool
	}{{0, 20, true}, {.3, 20, true}, {.5, 40, true}, {.7, 80, true}, {.7, 20, false}} {
		covered := 0
		for run := range *runs {
			rng := rand.New(rand.NewPCG(uint64(run), uint64(tt.blocks)))
			x := make([]float64, tt.blocks)
			z := rng.NormFloat64()
			for i := range x {
				z = tt.rho*z + math.Sqrt(1-tt.rho*tt.rho)*rng.NormFloat64()
				x[i] = z
			}
			got, err := stats.Batches(x, stats.Level)
			if err != nil {
				t.Fatal(err)
			}
			if got.Compare(0) == 0 {
				covered++
			}
		}
		t.Logf("%d blocks that correlate by %g: %s of %d cover", tt.blocks, tt.rho, percent(covered), *runs)
		if tt.held && !covers(covered) {
			t.Errorf("%d blocks that correlate by %g: got a coverage of %s", tt.blocks, tt.rho, percent(covered))
		}
	}
}

// TestSimulatedMoreFor is of ratios of three rounds that cannot be told from 1 and are 1.3: as many more rounds as they ask for decide most.
func TestSimulatedMoreFor(t *testing.T) {
	m := noisy()
	const most = 40
	asked, decided, none := 0, 0, 0
	var totals []int
	for run := range *runs {
		a, b := m.on(uint64(run), 8).turns(most, blocksARound, m.quantiles[1], .3)
		for r := range a {
			for i := range a[r] {
				a[r][i], b[r][i] = math.Exp(a[r][i]), math.Exp(b[r][i])
			}
		}
		first, err := stats.PairedRatio(b[:3], a[:3], stats.Level)
		if err != nil {
			t.Fatal(err)
		}
		if first.Differs() {
			continue
		}
		more, ok := first.MoreFor(1)
		if !ok || 3+more > most {
			none++
			continue
		}
		asked++
		totals = append(totals, 3+more)
		then, err := stats.PairedRatio(b[:3+more], a[:3+more], stats.Level)
		if err != nil {
			t.Fatal(err)
		}
		if then.Differs() {
			decided++
		}
	}
	slices.Sort(totals)
	if asked == 0 {
		t.Fatal("got no ratio that asked for more rounds")
	}
	share := float64(decided) / float64(asked)
	t.Logf("of %d that asked for more rounds, a median of %d in all, %.0f%% were decided by them; %d asked for more than %d", asked, totals[asked/2], 100*share, none, most)
	if share < .5 {
		t.Errorf("got %.0f%% decided, want most", 100*share)
	}
}
