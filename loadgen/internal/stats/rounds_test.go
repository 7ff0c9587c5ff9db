package stats_test

import (
	"errors"
	"math"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// TestRounds is of ten rounds, which are the hours of sleep of the patients of Student 1908, and of a few whose interval is Student's by hand.
func TestRounds(t *testing.T) {
	sleep := []float64{1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, .8, 4.6, 1.4}
	var rounds [][]float64
	for _, v := range sleep {
		rounds = append(rounds, []float64{v})
	}
	walsh, _ := stats.Walsh(sleep, .95)
	inf := math.Inf(1)
	for _, tt := range []struct {
		name string
		x    [][]float64
		want stats.Interval
	}{
		{"ten", rounds, walsh},
		{"three by hand: 4.30265 * 1 / sqrt(3)", [][]float64{{1}, {2}, {3}}, stats.Interval{Value: 2, Low: 2 - 2.484138, High: 2 + 2.484138, N: 3}},
		{"blocks are one round's", [][]float64{{1, 1, 1, 1}, {2}, {2, 3, 4}}, stats.Interval{Value: 2, Low: 2 - 2.484138, High: 2 + 2.484138, N: 3}},
		{"one", [][]float64{{1, 2, 3}}, stats.Interval{Value: 2, Low: -inf, High: inf, N: 1}},
		{"a round without blocks", [][]float64{{1}, nil, {2}, {3}}, stats.Interval{Value: 2, Low: 2 - 2.484138, High: 2 + 2.484138, N: 3}},
	} {
		got, err := stats.Rounds(tt.x, .95)
		if err != nil || !near(got.Value, tt.want.Value, 1e-6) || got.N != tt.want.N || got.Bounded() != tt.want.Bounded() ||
			got.Bounded() && (!near(got.Low, tt.want.Low, 1e-5) || !near(got.High, tt.want.High, 1e-5)) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestBatches(t *testing.T) {
	var x []float64
	for i := range 20 { // the means of five batches of four are 1, 2, 3, 4, 5
		x = append(x, float64(1+i/4)+.5*float64(1-2*(i%2)))
	}
	half := 2.776445 * math.Sqrt(2.5/5)
	got, err := stats.Batches(x, .95)
	if err != nil || !near(got.Value, 3, 1e-12) || !near(got.Low, 3-half, 1e-5) || !near(got.High, 3+half, 1e-5) || got.N != 5 {
		t.Errorf("got %+v, %v, want 3 ± %.4f of 5", got, err, half)
	}
	if got, err = stats.Batches(x[:19], .95); err != nil || got.Bounded() || !near(got.Value, 55.5/19, 1e-12) {
		t.Errorf("19 blocks: got %+v, %v, want no interval", got, err)
	}
}

func TestPairedRatio(t *testing.T) {
	a := [][]float64{{20, 22}, {18, 19}, {21, 20}}
	b := [][]float64{{10, 11}, {10, 10}, {10, 10}}
	got, err := stats.PairedRatio(a, b, .95)
	if err != nil {
		t.Fatal(err)
	}
	logs := []float64{math.Log(2), (math.Log(1.8) + math.Log(1.9)) / 2, (math.Log(2.1) + math.Log(2)) / 2}
	mean := (logs[0] + logs[1] + logs[2]) / 3
	var squares float64
	for _, l := range logs {
		squares += (l - mean) * (l - mean)
	}
	sd := math.Sqrt(squares / 2)
	half := 4.302653 * sd / math.Sqrt(3)
	if !near(got.Value, math.Exp(mean), 1e-9) || !near(got.Low, math.Exp(mean-half), 1e-5) || !near(got.High, math.Exp(mean+half), 1e-5) || !near(got.Spread, sd, 1e-12) {
		t.Errorf("got %+v, want %v of spread %v", got, math.Exp(mean), sd)
	}
	if !got.Differs() || got.Compare(1.5) != 1 || got.Compare(3) != -1 || got.Compare(2) != 0 {
		t.Errorf("got %+v: want it to differ from 1, above 1.5, below 3 and 2 undecided", got)
	}
	for _, tt := range []struct {
		bound float64
		least int
		most  int
		ok    bool
	}{{1.5, 0, 0, true}, {2.1, 1, 8, true}, {got.Value, 0, 0, false}, {got.Value * 1.0001, 0, 0, false}, {0, 0, 0, true}, {-1, 0, 0, true}, {math.NaN(), 0, 0, false}} {
		more, ok := got.MoreFor(tt.bound)
		if ok != tt.ok || more < tt.least || more > tt.most {
			t.Errorf("more rounds for %v: got %d, %v, want %d to %d, %v", tt.bound, more, ok, tt.least, tt.most, tt.ok)
		}
	}
	one, err := stats.PairedRatio(a[:1], b[:1], .95)
	if more, ok := one.MoreFor(9); err != nil || one.Bounded() || one.Differs() || ok || more != 0 {
		t.Errorf("one round: got %+v, %v, and %d more", one, err, more)
	}
}

// TestPositive is by hand: the logarithms of 1, e and e² are 0, 1 and 2, of which Student's interval is 1 ± 4.30265 / sqrt(3).
func TestPositive(t *testing.T) {
	got, err := stats.Positive([][]float64{{1}, {math.E}, {math.E * math.E}}, .95)
	if err != nil || !near(got.Value, math.E, 1e-9) || !near(math.Log(got.Low), 1-2.484138, 1e-5) || !near(math.Log(got.High), 1+2.484138, 1e-5) || got.N != 3 || !near(got.Spread, 1, 1e-12) {
		t.Errorf("got %+v, %v, want e^(1 ± 2.484) of spread 1", got, err)
	}
	if more, ok := got.MoreFor(20); !ok || more < 1 || more > 3 {
		t.Errorf("more rounds for 20: got %d, %v, want 1 to 3: the interval ends at 32.6", more, ok)
	}
	for _, tt := range []struct {
		name string
		x    [][]float64
		want error
	}{
		{"nothing", nil, stats.ErrNoFigures}, {"zero", [][]float64{{1}, {0}}, stats.ErrNotPositive}, {"negative", [][]float64{{-1}}, stats.ErrNotPositive},
		{"NaN", [][]float64{{math.NaN()}}, stats.ErrNotFinite},
	} {
		if _, err := stats.Positive(tt.x, .95); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestPairedRatioOfNothing(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name string
		a, b [][]float64
		want error
	}{
		{"no rounds", nil, nil, stats.ErrNoFigures}, {"no blocks", [][]float64{{}}, [][]float64{nil}, stats.ErrNoFigures},
		{"rounds", [][]float64{{1}}, nil, stats.ErrUnpaired}, {"blocks", [][]float64{{1, 2}}, [][]float64{{1}}, stats.ErrUnpaired},
		{"zero", [][]float64{{0}}, [][]float64{{1}}, stats.ErrNotPositive}, {"negative", [][]float64{{1}}, [][]float64{{-1}}, stats.ErrNotPositive},
		{"NaN", [][]float64{{nan}}, [][]float64{{1}}, stats.ErrNotFinite}, {"infinite", [][]float64{{1}}, [][]float64{{inf}}, stats.ErrNotFinite},
		{"too large", [][]float64{{math.MaxFloat64}}, [][]float64{{math.SmallestNonzeroFloat64}}, stats.ErrTooLarge},
	} {
		if _, err := stats.PairedRatio(tt.a, tt.b, .95); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := stats.PairedRatio([][]float64{{1}}, [][]float64{{1}}, 2); !errors.Is(err, stats.ErrLevel) {
		t.Errorf("level 2: got %v", err)
	}
}
