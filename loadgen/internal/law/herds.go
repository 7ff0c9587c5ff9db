package law

import (
	"cmp"
	"math"
	"slices"
	"time"

	"loadlab/loadgen/internal/result"
)

// herds is how long recomputes took while they ran.
type herds struct {
	n      int64
	d      time.Duration // mean until the first of a herd had stored the page: what laws call D
	spread time.Duration // mean from then until the last had
	took   time.Duration // mean of the recompute whose page stayed
	alone  time.Duration // the shortest recompute of all
	parts  []part
}

// part is herds of about the same D.
type part struct {
	n      int64
	d      time.Duration // mean
	spread time.Duration // standard deviation
}

// maxParts is how many values of D stand for all that were measured.
const maxParts = 16

// sumUp sums herds up.
func sumUp(all []result.Herd, alone time.Duration) herds {
	h := herds{n: int64(len(all)), alone: alone}
	if h.n == 0 {
		return h
	}
	for _, x := range all {
		h.d += x.First
		h.spread += x.Spread
		h.took += x.Last
	}
	n := time.Duration(h.n)
	h.d, h.spread, h.took = h.d/n, h.spread/n, h.took/n
	sorted := slices.SortedFunc(slices.Values(all), func(a, b result.Herd) int { return cmp.Compare(a.First, b.First) })
	for some := range slices.Chunk(sorted, (len(sorted)+maxParts-1)/maxParts) {
		h.parts = append(h.parts, partOf(some))
	}
	return h
}

func partOf(some []result.Herd) part {
	p := part{n: int64(len(some))}
	var sum, squares float64
	for _, x := range some {
		sum += x.First.Seconds()
		squares += x.First.Seconds() * x.First.Seconds()
	}
	mean := sum / float64(p.n)
	p.d = seconds(mean)
	p.spread = seconds(math.Sqrt(max(squares/float64(p.n)-mean*mean, 0)))
	return p
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// slowed reports whether recomputes took clearly longer together than one alone.
func (h herds) slowed() bool { return h.alone > 0 && float64(h.d) > 1.2*float64(h.alone) }
