package measure

import (
	"cmp"
	"slices"
	"time"

	"loadlab/loadgen/internal/result"
)

// Herds groups the recomputes that responses report into herds: those that ran at the same time, of one page. The zero value has none.
//
// What decides the size of a herd is how long it took until the first of it had stored the page, and that is longer than a recompute
// alone where they slow each other down. Any other measure of a recompute is wrong: the shortest one of a phase is too short, and the
// mean is that of late members too, whom nobody has to wait for.
type Herds struct {
	open   []herd // whose end may still be ahead: others may join
	closed []result.Herd
}

// herd is one under way. Its times are since the cell's start.
type herd struct {
	begun, first, end time.Duration
	last              time.Duration // how long the recompute took that ended last
	sum               time.Duration // over all, from when each found none until it had stored its own
	size              int64
}

const (
	// maxHerds bounds what is kept of a phase, however long it is.
	maxHerds = 1000
	// maxOpen bounds what is looked at for each recompute. Responses are recorded in about the order in which they end.
	maxOpen = 4
)

// Add enters a recompute from what its response reports: it was done at done, and total before that its server began to work on it.
// redis is the part of it spent on Redis: looking for the page before, and storing it after. Each takes half of that, and does what it
// does in the middle of its round trip. So the page was found missing a quarter of it after the begin, and was there for all a quarter
// before the end.
func (h *Herds) Add(done, total, redis time.Duration) {
	redis = min(redis, total)
	one := herd{begun: done - total + redis/4, first: done - redis/4, last: total - redis, size: 1}
	one.end, one.sum = one.first, max(one.first-one.begun, 0)
	for i := 0; i < len(h.open); i++ {
		if o := h.open[i]; one.begun <= o.end && o.begun <= one.end {
			one = o.join(one) // which may now touch one more
			h.open = slices.Delete(h.open, i, i+1)
			i = -1
		}
	}
	h.open = append(h.open, one)
	if len(h.open) > maxOpen {
		h.close()
	}
}

func (h herd) join(o herd) herd {
	j := herd{begun: min(h.begun, o.begun), first: min(h.first, o.first), end: h.end, last: h.last, sum: h.sum + o.sum, size: h.size + o.size}
	if o.end > j.end {
		j.end, j.last = o.end, o.last
	}
	return j
}

// close closes the oldest of the herds that are open.
func (h *Herds) close() {
	o := h.open[0]
	h.open = slices.Delete(h.open, 0, 1)
	if len(h.closed) < maxHerds {
		h.closed = append(h.closed, result.Herd{At: o.begun, First: max(o.first-o.begun, 0), Spread: o.end - o.first, Last: o.last,
			Mean: o.sum / time.Duration(o.size), Size: o.size})
	}
}

// Finish returns all herds, in the order in which they began.
func (h *Herds) Finish() []result.Herd {
	for len(h.open) > 0 {
		h.close()
	}
	slices.SortStableFunc(h.closed, func(a, b result.Herd) int { return cmp.Compare(a.At, b.At) })
	for i := 1; i < len(h.closed); i++ {
		last, this := h.closed[i-1], &h.closed[i]
		this.Age, this.Took = this.At-(last.At+last.First+last.Spread), last.Last
	}
	return h.closed
}
