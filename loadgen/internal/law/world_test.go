package law_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// world simulates one page behind a cache on a clock of its own, in seconds: a Poisson process of requests, and a strategy.
type world struct {
	rng      *rand.Rand
	does     string  // what the strategy does
	lambda   float64 // requests a second
	even     bool    // they come evenly instead
	ttl      float64
	beta     float64
	replicas int
	d        cost
	every    float64 // seconds from one change to the next, each of which drops the page; 0 is none
	reads    float64 // the share of a recompute after which it reads what changes

	now     float64
	expires float64 // of the page that is cached
	took    float64 // how long it took
	page    int     // counts pages that were stored
	noticed [8]int  // by replica: the last page that was found expired; 0 is the cold one
	running []*recompute

	counts api.Counts
	cache  map[string]int64
	herds  measure.Herds
	least  float64 // the shortest recompute

	changed float64 // when the page last changed
	changes []time.Duration
	queue   int // requests that wait for the next recompute
}

// cost is how long a recompute takes: its work, more or less by chance, and slower for each other one that runs meanwhile.
type cost struct {
	work   float64 // seconds
	spread float64 // 0 is the same each time, 1 is an exponential distribution beyond none
	drag   float64 // 0 is none, 1 is one processor for all
}

type recompute struct {
	outdated    bool // it has read what has changed since
	begun, left float64
	replica     int
	background  bool
}

// draw is the work of one recompute.
func (c cost) draw(rng *rand.Rand) float64 {
	return c.work * (1 - c.spread + c.spread*rng.ExpFloat64())
}

// round simulates a phase of that length and returns its cell. The page is fresh when it begins, for a time by chance.
func (w *world) round(seconds float64) result.Cell {
	w.counts, w.cache, w.herds, w.least = api.Counts{}, map[string]int64{}, measure.Herds{}, math.Inf(1)
	w.now, w.running = 0, nil
	w.page, w.expires, w.took = w.page+1, w.rng.Float64()*w.ttl, w.d.work
	requests := int64(0)
	for next := w.gap(); ; {
		done := w.soonest()
		switch change := w.nextChange(); {
		case change < seconds && change < min(done, next):
			w.advance(change)
			w.change()
			continue
		case done < next:
			w.advance(done)
			w.finish()
			continue
		case next >= seconds && math.IsInf(done, 1):
			return w.close(requests, seconds)
		case next >= seconds:
			next = math.Inf(1)
			continue
		}
		w.advance(next)
		w.request()
		requests++
		next = w.now + w.gap()
	}
}

func (w *world) gap() float64 {
	if w.even {
		return 1 / w.lambda
	}
	return w.rng.ExpFloat64() / w.lambda
}

// pace is how fast the running recomputes go on.
func (w *world) pace() float64 { return 1 / (1 + w.d.drag*float64(len(w.running)-1)) }

func (w *world) soonest() float64 {
	least := math.Inf(1)
	for _, r := range w.running {
		least = min(least, r.left)
	}
	if math.IsInf(least, 1) {
		return least
	}
	return w.now + least/w.pace()
}

func (w *world) advance(to float64) {
	for _, r := range w.running {
		r.left -= (to - w.now) * w.pace()
	}
	w.now = to
}

// finish ends the recompute that has nothing left, and stores its page.
func (w *world) finish() {
	i := 0
	for j, r := range w.running {
		if r.left < w.running[i].left {
			i = j
		}
	}
	r := w.running[i]
	w.running = append(w.running[:i], w.running[i+1:]...)
	took := w.now - r.begun
	w.least = min(w.least, took)
	if !r.background {
		w.herds.Add(span(w.now), span(took), 0)
	}
	waiting := w.queue
	w.queue = 0
	if w.does == "invalidate" && r.outdated {
		if waiting > 0 {
			w.cache["coalesced"]--
			w.start(r.replica, false)
		}
		return
	}
	w.page, w.expires, w.took = w.page+1, w.now+w.ttl, took
}

// nextChange is when the page next changes.
func (w *world) nextChange() float64 {
	if w.every == 0 {
		return math.Inf(1)
	}
	return w.changed + w.every
}

// change changes the page: it is dropped, and recomputes that have read it already are outdated.
func (w *world) change() {
	w.changed = w.now
	w.changes = append(w.changes, span(w.now))
	if !strings.HasPrefix(w.does, "invalidate") || w.does != "invalidate" && len(w.changes)%3 == 0 {
		return
	}
	w.expires = min(w.expires, w.now)
	for _, r := range w.running {
		r.outdated = w.now >= r.begun+w.reads*w.d.work
	}
}

func (w *world) start(replica int, background bool) {
	w.counts[api.CountRecomputes]++
	w.running = append(w.running, &recompute{begun: w.now, left: w.d.draw(w.rng), replica: replica, background: background})
	if !background {
		w.cache["miss"]++
	}
}

// request is one request, as the strategy serves it.
func (w *world) request() {
	replica := w.rng.IntN(max(w.replicas, 1))
	fresh := w.now < w.expires
	refresh := w.does == "early" && w.rng.ExpFloat64()*w.beta*w.took >= w.expires-w.now
	if fresh && !refresh {
		w.cache["hit"]++
		return
	}
	if w.noticed[replica] != w.page {
		w.noticed[replica] = w.page
		w.counts[api.CountExpirations]++
	}
	mine := 0
	for _, r := range w.running {
		if r.replica == replica {
			mine++
		}
	}
	switch all := len(w.running); w.does {
	case "ttl", "early":
		w.start(replica, false)
	case "singleflight":
		w.joinOr(mine > 0, replica)
	case "lock":
		w.joinOr(all > 0, replica)
	case "invalidate", "invalidate that misses every third change":
		if all > 0 {
			w.queue++
		}
		w.joinOr(all > 0, replica)
	case "lock that lets two in":
		w.joinOr(all > 1, replica)
	case "singleflight that forgets one in ten":
		w.joinOr(mine > 0 && w.rng.IntN(10) > 0, replica)
	case "swr":
		w.cache["stale"]++
		if all == 0 {
			w.start(replica, true)
		}
	}
}

// joinOr waits for a recompute that runs, or starts one.
func (w *world) joinOr(join bool, replica int) {
	if join {
		w.cache["coalesced"]++
		return
	}
	w.start(replica, false)
}

func (w *world) close(requests int64, seconds float64) result.Cell {
	c := result.Cell{Took: span(seconds), Ledger: result.Ledger{Scheduled: requests, Completed: requests}, Herds: w.herds.Finish()}
	c.Server = result.Server{Timed: requests, Cache: w.cache, Counters: w.counts}
	if w.every > 0 {
		c.Stale = &result.Stale{Writes: int64(len(w.changes)), Reads: requests, Changes: w.changes}
	}
	if len(c.Herds) > 0 {
		c.Server.MinMiss = span(w.least)
	}
	return c
}

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
