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
	open   []Herd // whose end may still be ahead: others may join
	closed []Herd
}

// Herd is recomputes that ran at the same time. Its times are since the cell's start.
type Herd struct {
	Begun, First, End time.Duration
	Last              time.Duration // how long the recompute took that ended last
	Sum               time.Duration // over all, from when each found none until it had stored its own
	Size              int64
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
	one := Herd{Begun: done - total + redis/4, First: done - redis/4, Last: total - redis, Size: 1}
	one.End, one.Sum = one.First, max(one.First-one.Begun, 0)
	for i := 0; i < len(h.open); i++ {
		if o := h.open[i]; one.meets(o) {
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

func (h Herd) meets(o Herd) bool { return h.Begun <= o.End && o.Begun <= h.End }

func (h Herd) join(o Herd) Herd {
	j := Herd{Begun: min(h.Begun, o.Begun), First: min(h.First, o.First), End: h.End, Last: h.Last, Sum: h.Sum + o.Sum, Size: h.Size + o.Size}
	if o.End > j.End {
		j.End, j.Last = o.End, o.Last
	}
	return j
}

// close closes the oldest of the herds that are open.
func (h *Herds) close() {
	o := h.open[0]
	h.open = slices.Delete(h.open, 0, 1)
	if len(h.closed) < maxHerds {
		h.closed = append(h.closed, o)
	}
}

// all closes all herds and returns them in the order in which they began.
func (h *Herds) all() []Herd {
	for len(h.open) > 0 {
		h.close()
	}
	slices.SortStableFunc(h.closed, func(a, b Herd) int { return cmp.Compare(a.Begun, b.Begun) })
	return h.closed
}

// merge joins the herds that several workers saw of the same recomputes' herds. It is called once.
func (h *Herds) merge(parts []Herd) {
	slices.SortStableFunc(parts, func(a, b Herd) int { return cmp.Compare(a.Begun, b.Begun) })
	for _, part := range parts {
		if n := len(h.open); n > 0 && h.open[n-1].meets(part) {
			h.open[n-1] = h.open[n-1].join(part)
			continue
		}
		h.open = append(h.open, part)
	}
}

// Finish returns all herds, in the order in which they began.
func (h *Herds) Finish() []result.Herd {
	var all []result.Herd
	for _, o := range h.all() {
		all = append(all, result.Herd{At: o.Begun, First: max(o.First-o.Begun, 0), Spread: o.End - o.First, Last: o.Last,
			Mean: o.Sum / time.Duration(o.Size), Size: o.Size})
	}
	for i := 1; i < len(all); i++ {
		last, this := all[i-1], &all[i]
		this.Age, this.Took = this.At-(last.At+last.First+last.Spread), last.Last
	}
	return all
}
