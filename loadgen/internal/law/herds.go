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
	alone  time.Duration // the shortest recompute of all
	parts  []part
}

// part is herds that are about the same.
type part struct {
	n         int64
	d, varies time.Duration // mean and standard deviation
	took      time.Duration // of the page that was replaced, on average
	age       time.Duration // of that page when the first recompute began; 0 is unknown
}

// maxParts is how many kinds of herds stand for all that were measured.
const maxParts = 256

// sumUp sums herds up. A herd is found by time alone: of many pages it is of several, each of which was missing for as long as its own recompute
// took, so that the herd stands for as many as there were recomputes.
func sumUp(all []result.Herd, alone time.Duration, many bool) herds {
	h := herds{alone: alone}
	if len(all) == 0 {
		return h
	}
	weigh := func(result.Herd) time.Duration { return 1 }
	if many {
		all = slices.Clone(all)
		for i := range all {
			all[i].First, all[i].Spread = cmp.Or(all[i].Mean, all[i].First), 0
		}
		weigh = func(x result.Herd) time.Duration { return time.Duration(x.Size) }
	}
	var took time.Duration
	for _, x := range all {
		h.n += int64(weigh(x))
		h.d += weigh(x) * x.First
		h.spread += weigh(x) * x.Spread
		took += weigh(x) * x.Last
	}
	n := time.Duration(h.n)
	h.d, h.spread, took = h.d/n, h.spread/n, took/n
	sorted := slices.SortedFunc(slices.Values(all), func(a, b result.Herd) int { return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.First, b.First)) })
	known := slices.IndexFunc(sorted, func(x result.Herd) bool { return x.Age > 0 })
	if known < 0 {
		known = len(sorted)
	}
	size := (len(sorted) + maxParts - 1) / maxParts
	for _, some := range [][]result.Herd{sorted[:known], sorted[known:]} {
		for some := range slices.Chunk(some, size) {
			h.parts = append(h.parts, partOf(some, took, weigh))
		}
	}
	return h
}

// partOf returns the means of some herds; took stands for what is unknown of the pages that they replaced.
func partOf(some []result.Herd, took time.Duration, weigh func(result.Herd) time.Duration) part {
	p := part{}
	var sum, squares float64
	for _, x := range some {
		w := weigh(x)
		p.n += int64(w)
		sum += float64(w) * x.First.Seconds()
		squares += float64(w) * x.First.Seconds() * x.First.Seconds()
		p.age += w * x.Age
		p.took += w * cmp.Or(x.Took, took)
	}
	mean := sum / float64(p.n)
	p.d = seconds(mean)
	p.varies = seconds(math.Sqrt(max(squares/float64(p.n)-mean*mean, 0)))
	p.age /= time.Duration(p.n)
	p.took /= time.Duration(p.n)
	return p
}

// mean is the part that stands for all in a text.
func (h herds) mean() part {
	p := part{n: h.n, d: h.d}
	for _, x := range h.parts {
		p.took += x.took * time.Duration(x.n) / time.Duration(h.n)
	}
	return p
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// slowed reports whether recomputes took clearly longer together than one alone.
func (h herds) slowed() bool { return h.alone > 0 && float64(h.d) > 1.05*float64(h.alone) }
