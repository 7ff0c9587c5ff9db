package stats_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// TestSignFlipPublished is of Darwin's maize, of which Fisher (The Design of Experiments, 1935, 21) counted the vectors of signs by hand: 863
// of 32768 have a sum as great as the observed.
func TestSignFlipPublished(t *testing.T) {
	x := [][]float64{{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}}
	raw, adjusted := stats.FlipTest(x, 1)
	if want := 863.0 / 32768; raw[0] != want || adjusted[0] != want {
		t.Errorf("got %v and %v, want %v", raw[0], adjusted[0], want)
	}
}

// stepDown is the step-down maxT procedure by its definition: Student's t of every row under every vector of signs.
func stepDown(x [][]float64) (raw, adjusted []float64) {
	student := func(row []float64, signs int) float64 {
		var sum, squares float64
		for i, v := range row {
			if signs>>i&1 == 1 {
				v = -v
			}
			sum, squares = sum+v, squares+v*v
		}
		n := float64(len(row))
		return sum / n / math.Sqrt((squares-sum*sum/n)/(n-1)/n)
	}
	raw, adjusted = make([]float64, len(x)), make([]float64, len(x))
	order := make([]int, len(x))
	for m := range order {
		order[m] = m
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(student(x[b], 0), student(x[a], 0)) })
	reaches := func(m, signs, of int) bool {
		return student(x[m], signs) >= student(x[of], 0)-1e-9*math.Abs(student(x[of], 0))
	}
	all := 1 << len(x[0])
	last := 0.0
	for i, m := range order {
		alone, greatest := 0, 0
		for signs := range all {
			if reaches(m, signs, m) {
				alone++
			}
			if slices.ContainsFunc(order[i:], func(k int) bool { return reaches(k, signs, m) }) {
				greatest++
			}
		}
		raw[m] = float64(alone) / float64(all)
		last = max(last, float64(greatest)/float64(all))
		adjusted[m] = last
	}
	return raw, adjusted
}

func TestSignFlipByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 5, 8, 10} {
		for range 3 {
			x := make([][]float64, 4)
			for e := range n {
				common := rng.NormFloat64()
				for m := range x {
					if e == 0 {
						x[m] = nil
					}
					x[m] = append(x[m], common+rng.NormFloat64()+float64(m))
				}
			}
			clipped := make([][]float64, len(x))
			for m := range x {
				clipped[m] = stats.Clipped(x[m])
			}
			raw, adjusted := stats.SignFlip(x, 1)
			wantRaw, wantAdjusted := stepDown(clipped)
			if n > 1 && (!slices.Equal(raw, wantRaw) || !slices.Equal(adjusted, wantAdjusted)) {
				t.Errorf("%d epochs: got %v and %v, want %v and %v", n, raw, adjusted, wantRaw, wantAdjusted)
			}
			if n == 1 && !slices.Equal(raw, []float64{.5, .5, .5, .5}) && slices.Min(raw) < .5 {
				t.Errorf("1 epoch: got %v, want no p-value below 0.5", raw)
			}
		}
	}
}

func TestClipped(t *testing.T) {
	for _, tt := range []struct{ x, want []float64 }{
		{[]float64{1, -2, 3, -90}, []float64{1, -2, 3, -5}}, {[]float64{0, 0, 0, 7}, []float64{0, 0, 0, 7}}, {[]float64{-4}, []float64{-4}},
	} {
		if got := stats.Clipped(tt.x); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.x, got, tt.want)
		}
	}
}

// TestSignFlipSampled holds the p-values of sampled vectors to those of all of them, which Student's t is near enough to for normal figures,
// and to their seed.
func TestSignFlipSampled(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	x := make([][]float64, 2)
	for range 20 {
		x[0] = append(x[0], rng.NormFloat64()+.5)
		x[1] = append(x[1], rng.NormFloat64())
	}
	exact := 0
	for signs := range 1 << 20 {
		var sum, observed float64
		for i, v := range x[0] {
			observed += v
			sum += v * float64(1-2*(signs>>i&1))
		}
		if sum >= observed-1e-9 {
			exact++
		}
	}
	want := float64(exact) / (1 << 20)
	raw, adjusted := stats.FlipTest(x, 1)
	if !near(raw[0], want, 4*math.Sqrt(want/65536)) {
		t.Errorf("got %v by a sample, want %v by all", raw[0], want)
	}
	if adjusted[0] < raw[0] || adjusted[1] < adjusted[0] || raw[1] > adjusted[1] {
		t.Errorf("got %v adjusted to %v", raw, adjusted)
	}
	if again, _ := stats.FlipTest(x, 1); !slices.Equal(again, raw) {
		t.Errorf("got %v and then %v of one seed", raw, again)
	}
	if other, _ := stats.FlipTest(x, 2); slices.Equal(other, raw) {
		t.Errorf("got %v of two seeds", raw)
	}
}

// TestSignFlipNothing is of rows that have nothing in them.
func TestSignFlipNothing(t *testing.T) {
	raw, adjusted := stats.SignFlip([][]float64{make([]float64, 8), {1, 1, 1, 1, 1, 1, 1, 1}}, 1)
	if !slices.Equal(raw, []float64{1, 1.0 / 256}) || !slices.Equal(adjusted, []float64{1, 1.0 / 256}) {
		t.Errorf("got %v and %v, want 1 and 1/256", raw, adjusted)
	}
}

// BenchmarkLook is a look at 32 epochs, of 3 and of 9 endpoints: the maxT test alone, and all of a decision that gets there.
func BenchmarkLook(b *testing.B) {
	for _, endpoints := range []int{3, 9} {
		m := noisy()
		m.quantiles = nil
		for range endpoints / 3 {
			m.quantiles = append(m.quantiles, someQuantiles()...)
		}
		d := m.on(1, 1).epochs(32, .02)
		b.Run("maxT/"+itoa(endpoints), func(b *testing.B) {
			for b.Loop() {
				stats.SignFlip(d, 1)
			}
		})
		b.Run("decision/"+itoa(endpoints), func(b *testing.B) {
			plan := planOf(m.quantiles)
			for i := range plan.Looks {
				plan.Looks[i].Alpha = 1e-4 // none but the last looks decide
			}
			plan.Looks, plan.Beta = plan.Looks[2:], 1e-9
			for b.Loop() {
				if _, err := stats.Judge(plan, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
