package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Sign vectors are enumerated up to 2^exactFlips of them; of more epochs, draws of them are taken at random.
const (
	exactFlips = 16
	draws      = 1<<16 - 1
	flipStream = 0xf11b
)

// maxEpochs is how many signs a vector has at most.
const maxEpochs = 64

// leastP is the least p-value that flipping signs of n epochs can have.
func leastP(n int) float64 {
	if n <= exactFlips {
		return math.Exp2(-float64(n))
	}
	return 1.0 / (draws + 1)
}

// clipAt is the greatest figure that is taken as it is, in medians of |x|. A spike of the machine in one epoch would drown what all others
// show: without a bound, 82% of builds that are 10% slower are found on a busy machine, with it 87%, and none are lost on a quiet one. The
// bound does not depend on signs, so the test is as exact with it as without.
const clipAt = 2

// flipper holds, for each endpoint, the sum of its epochs under any vector of signs, divided by the root of its sum of squares. That is a
// monotone function of Student's t, the same for all endpoints, as flipping signs does not change the squares. Sums of eight epochs are
// looked up under each of their 256 vectors.
type flipper struct {
	epochs, endpoints int
	sums              [][]float64 // by group of eight epochs; [vector*endpoints + endpoint]
}

func newFlipper(x [][]float64) *flipper {
	f := &flipper{epochs: len(x[0]), endpoints: len(x)}
	for first := 0; first < f.epochs; first += 8 {
		f.sums = append(f.sums, make([]float64, 256*f.endpoints))
	}
	for m, row := range x {
		var squares float64
		for _, v := range row {
			squares += v * v
		}
		if squares == 0 {
			continue
		}
		scale := 1 / math.Sqrt(squares)
		for g, sums := range f.sums {
			group := row[8*g : min(8*g+8, f.epochs)]
			for vector := range 256 {
				var sum float64
				for i, v := range group {
					if vector>>i&1 == 1 {
						v = -v
					}
					sum += v
				}
				sums[vector*f.endpoints+m] = sum * scale
			}
		}
	}
	return f
}

// clipped returns row with nothing further from 0 than clipAt medians of its absolute values. Where most of them are 0 there is no bound.
func clipped(row []float64) []float64 {
	c := make([]float64, len(row))
	for i, v := range row {
		c[i] = math.Abs(v)
	}
	slices.Sort(c)
	bound := clipAt * median(c)
	if bound == 0 {
		return row
	}
	for i, v := range row {
		c[i] = max(-bound, min(bound, v))
	}
	return c
}

// flip writes the endpoints' statistics under signs, of which a set bit is a minus, to t.
func (f *flipper) flip(signs uint64, t []float64) {
	clear(t)
	for g, sums := range f.sums {
		at := int(signs>>(8*g)&255) * f.endpoints
		for m, v := range sums[at : at+f.endpoints] {
			t[m] += v
		}
	}
}

// each calls do with the statistics under every vector of signs, or under a random sample of them and the one that was observed, which
// makes the p-value of a sample exact (Phipson and Smyth 2010). It returns how many there were.
func (f *flipper) each(seed uint64, do func(t []float64)) float64 {
	t := make([]float64, f.endpoints)
	if f.epochs <= exactFlips {
		all := uint64(1) << f.epochs
		for signs := range all {
			f.flip(signs, t)
			do(t)
		}
		return float64(all)
	}
	rng := rand.New(rand.NewPCG(seed, flipStream+uint64(f.epochs)))
	mask := ^uint64(0) >> (maxEpochs - f.epochs)
	f.flip(0, t)
	do(t)
	for range draws {
		f.flip(rng.Uint64()&mask, t)
		do(t)
	}
	return draws + 1
}

// signFlip tests for each row of x whether its centre is at most 0, given that the rows' columns are independent and symmetric. raw are
// the p-values of each row alone; adjusted are those of the step-down maxT procedure, one of which is below alpha for a true hypothesis with
// a probability of at most alpha (Westfall and Young 1993, algorithm 4.1). One vector of signs is shared by all rows, so that their
// dependence is that of the data.
func signFlip(x [][]float64, seed uint64) (raw, adjusted []float64) {
	rows := make([][]float64, len(x))
	for m, row := range x {
		rows[m] = clipped(row)
	}
	return flipTest(rows, seed)
}

func flipTest(x [][]float64, seed uint64) (raw, adjusted []float64) {
	const rounding = 1e-9 // two vectors with the same sum may differ by as much
	f := newFlipper(x)
	observed := make([]float64, f.endpoints)
	f.flip(0, observed)
	order := make([]int, f.endpoints)
	for m := range order {
		order[m] = m
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(observed[b], observed[a]) })

	raw, adjusted = make([]float64, f.endpoints), make([]float64, f.endpoints)
	n := f.each(seed, func(t []float64) {
		greatest := math.Inf(-1) // of this row and all that are below it in the order
		for i := len(order) - 1; i >= 0; i-- {
			m := order[i]
			if t[m] >= observed[m]-rounding {
				raw[m]++
			}
			if greatest = max(greatest, t[m]); greatest >= observed[m]-rounding {
				adjusted[m]++
			}
		}
	})
	var least float64
	for _, m := range order {
		raw[m] /= n
		least = max(least, adjusted[m]/n)
		adjusted[m] = least
	}
	return raw, adjusted
}
