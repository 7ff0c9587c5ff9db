package law

import (
	"math"
	"slices"

	"loadlab/loadgen/internal/result"
)

// cached returns the pages that the mode asks for by class, and how many of them there is room for; 0 is for all. The error says that one of
// the two is not known.
func (x subject) cached() ([]class, float64, error) {
	classes, err := popularity(x.m.Keys)
	if err != nil {
		return nil, 0, err
	}
	room, err := x.room()
	return classes, room, err
}

// room is how many pages there was room for, on average over the cells: as many as were cached where some were evicted. 0 is enough for all.
//
// It is counted, and not derived from maxmemory: what Redis needs beside the pages, its buffers for answers above all, changes with the load.
func (x subject) room() (float64, error) {
	if !x.manyKeys() {
		return 0, nil
	}
	var pages float64
	var evicted int64
	cells := x.redis()
	for _, c := range cells {
		if c.MaxMemory > 0 && x.p.Mix {
			return 0, refusal("the modes that share the phase share Redis' memory")
		}
		pages += float64(c.Pages)
		evicted += c.Evicted
	}
	if evicted == 0 {
		return 0, nil
	}
	return pages / float64(len(cells)), nil
}

// redis returns what the mode's cells of the phase cost Redis, where it is known.
func (x subject) redis() []*result.Redis {
	var all []*result.Redis
	for i := range x.f.Run.Cells {
		if c := &x.f.Run.Cells[i]; c.Mode == x.m.Name && c.Phase == x.p.Name && c.Redis != nil {
			all = append(all, c.Redis)
		}
	}
	return all
}

// evicted reports whether pages ended because there was no room for them.
func (x subject) evicted() bool {
	return slices.ContainsFunc(x.redis(), func(r *result.Redis) bool { return r.Evicted > 0 })
}

// lived is for how many seconds a page that nobody asks for any more stays: the TTL, or less if it is evicted or changes. 0 is unknown.
func (x subject) lived() float64 {
	ttl := x.ttl().Seconds()
	classes, room, err := x.cached()
	if err != nil || ttl <= 0 || x.lambda() <= 0 {
		return ttl
	}
	if w, err := x.changes(); err == nil && w > 0 {
		ttl = min(ttl, 1/w)
	}
	return min(ttl, x.evictedAfter(classes, room, false))
}

// evictedAfter is after how many seconds a page is evicted: see the function of that name.
func (x subject) evictedAfter(classes []class, room float64, random bool) float64 {
	const forever = 1e9
	longest := x.ttl().Seconds()
	if law, err := parse(x.s.Hits); err == nil && law.over("grace") {
		longest = forever // it is refreshed while it is cached
	}
	return evictedAfter(classes, x.lambda(), longest, room, random)
}

// ceiling is the share of requests that is for the most popular pages, if they are as many as there is room for: no cache of that size that
// does not know the future has more hits.
func ceiling(classes []class, room float64) float64 {
	var sum float64
	for _, k := range classes {
		n := min(k.n, room)
		sum, room = sum+n*k.share, room-n
	}
	return math.Min(sum, 1)
}
