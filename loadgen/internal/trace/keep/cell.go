package keep

import (
	"cmp"
	"slices"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/trace"
)

// maxRounds is how many rounds put a request up for the median.
const maxRounds = 16

// cell chooses among the requests of a mode in a phase. What it holds is pinned in the store, once for each place that it holds it in.
type cell struct {
	keeper  *Keeper
	slowest []trace.Sample // the slowest first
	// reservoir is a uniform sample of the requests of this round (Vitter's algorithm R), of which seen have been offered.
	reservoir []trace.Sample
	seen      int64
	medians   []median // one a round
	befallen  []befallen
}

// median is the request of a round that is nearest to the round's median.
type median struct {
	sample trace.Sample
	p50    time.Duration
}

// befallen is the request that shows best what a fault did: the slowest that failed, or else the slowest.
type befallen struct {
	fault  string
	sample trace.Sample
}

func (c *cell) offer(s trace.Sample) {
	store := c.keeper.cfg.Store
	if n := len(c.slowest); n < c.keeper.cfg.Slowest || s.Response > c.slowest[n-1].Response {
		at, _ := slices.BinarySearchFunc(c.slowest, s, func(a, b trace.Sample) int {
			if a.Response >= b.Response {
				return -1
			}
			return 1
		})
		c.slowest = slices.Insert(c.slowest, at, s)
		store.Pin(s.TraceID)
		if n == c.keeper.cfg.Slowest {
			store.Unpin(c.slowest[n].TraceID)
			c.slowest = c.slowest[:n]
		}
	}
	c.seen++
	if len(c.reservoir) < c.keeper.cfg.Reservoir {
		c.reservoir = append(c.reservoir, s)
		store.Pin(s.TraceID)
		return
	}
	if i := c.keeper.rng.Int64N(c.seen); i < int64(len(c.reservoir)) {
		store.Unpin(c.reservoir[i].TraceID)
		c.reservoir[i] = s
		store.Pin(s.TraceID)
	}
}

// befall offers the cell a request that met a fault.
func (c *cell) befall(fault string, s trace.Sample) {
	store := c.keeper.cfg.Store
	i := slices.IndexFunc(c.befallen, func(b befallen) bool { return b.fault == fault })
	switch {
	case i < 0:
		c.befallen = append(c.befallen, befallen{fault, s})
	case showsMore(s, c.befallen[i].sample):
		store.Unpin(c.befallen[i].sample.TraceID)
		c.befallen[i].sample = s
	default:
		return
	}
	store.Pin(s.TraceID)
}

func showsMore(a, b trace.Sample) bool {
	if failed := a.Failed != ""; failed != (b.Failed != "") {
		return failed
	}
	return a.Response > b.Response
}

// end chooses the request that stands for the round's median, and lets the others go.
func (c *cell) end(p50 time.Duration) {
	if len(c.reservoir) == 0 {
		return
	}
	if p50 == 0 {
		p50 = middle(c.reservoir, func(s trace.Sample) time.Duration { return s.Response })
	}
	best := slices.MinFunc(c.reservoir, func(a, b trace.Sample) int { return c.nearer(a, b, p50) })
	store := c.keeper.cfg.Store
	if len(c.medians) < maxRounds {
		c.medians = append(c.medians, median{best, p50})
		store.Pin(best.TraceID)
	}
	for _, s := range c.reservoir {
		store.Unpin(s.TraceID)
	}
	c.reservoir, c.seen = nil, 0
}

// nearer compares two requests by how near they are to p50. One that is kept as one of the slowest comes last: the reader has it already.
func (c *cell) nearer(a, b trace.Sample, p50 time.Duration) int {
	if x, y := c.isSlowest(a), c.isSlowest(b); x != y {
		if x {
			return 1
		}
		return -1
	}
	return cmp.Compare((a.Response - p50).Abs(), (b.Response - p50).Abs())
}

func (c *cell) isSlowest(s trace.Sample) bool {
	return slices.ContainsFunc(c.slowest, func(o trace.Sample) bool { return o.TraceID == s.TraceID })
}

// picks returns the requests that are kept.
func (c *cell) picks() []pick {
	var picks []pick
	for _, s := range c.slowest {
		picks = append(picks, pick{sample: s, why: result.Slowest})
	}
	if best, ok := c.median(); ok && !c.isSlowest(best) {
		picks = append(picks, pick{sample: best, why: result.Median})
	}
	for _, b := range c.befallen {
		i := slices.IndexFunc(picks, func(p pick) bool { return p.sample.TraceID == b.sample.TraceID })
		if i < 0 {
			i = len(picks)
			picks = append(picks, pick{sample: b.sample, why: result.Befell})
		}
		picks[i].faults = append(picks[i].faults, b.fault)
	}
	return picks
}

// median returns the request that stands for the median of all rounds, and whether there is one.
func (c *cell) median() (trace.Sample, bool) {
	if len(c.medians) == 0 {
		return trace.Sample{}, false
	}
	p50 := middle(c.medians, func(m median) time.Duration { return m.p50 })
	best := slices.MinFunc(c.medians, func(a, b median) int { return c.nearer(a.sample, b.sample, p50) })
	return best.sample, true
}

// middle is the lower median of one figure of each element.
func middle[T any](all []T, of func(T) time.Duration) time.Duration {
	var values []time.Duration
	for _, v := range all {
		values = append(values, of(v))
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
