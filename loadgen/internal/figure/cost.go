package figure

import (
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/result"
)

// cost is what cells cost the processes of the lab. A part of it is known of the sum if it is of every cell: a sum with a gap would pass for one
// without.
type cost struct {
	app, database, redis known
	bytes                int64 // from Redis; known where Redis' time is
	pages, pageBytes     int64 // cached pages, and the memory of all of them
	evicted              int64 // keys; known where Redis' time is, and of interest if Redis is limited
	limited              bool  // Redis' memory is, in some cell
	inApp                bool  // the database runs inside the app
}

// known is a sum of CPU times, and whether none of them is missing.
type known struct {
	sum  time.Duration
	gaps bool
}

func (k *known) add(sum time.Duration, gaps bool) {
	k.sum += sum
	k.gaps = k.gaps || gaps
}

func (c *cost) addCell(cell *result.Cell) {
	c.app.add(cell.Server.CPU, cell.Server.CPU <= 0)
	c.database.add(cell.Server.DatabaseCPU, cell.Server.DatabaseCPU <= 0)
	r := cell.Redis
	if r == nil {
		r = &result.Redis{}
	}
	c.redis.add(r.CPU, r.CPU <= 0)
	c.bytes += r.BytesOut
	c.pages += r.Pages
	c.pageBytes += r.Pages * r.PageBytes
	c.evicted += r.Evicted
	c.limited = c.limited || r.MaxMemory > 0
}

func (c *cost) add(o cost) {
	c.app.add(o.app.sum, o.app.gaps)
	c.database.add(o.database.sum, o.database.gaps)
	c.redis.add(o.redis.sum, o.redis.gaps)
	c.bytes += o.bytes
	c.pages += o.pages
	c.pageBytes += o.pageBytes
	c.evicted += o.evicted
	c.limited = c.limited || o.limited
}

// all returns the CPU time of all processes of the lab, if it is known of each.
func (c *cost) all() (time.Duration, bool) {
	if c.app.gaps || c.redis.gaps || c.database.gaps && !c.inApp {
		return 0, false
	}
	return c.app.sum + c.database.sum + c.redis.sum, true
}

// reached is how many requests reached the app.
func (t *Total) reached() int64 {
	if c := t.Counters(); c != nil {
		return c[api.CountRequests]
	}
	return t.Ledger.Completed
}

// perRequest is a CPU time per request in milliseconds, of the requests that reached the app.
func (t *Total) perRequest(k known) (float64, bool) {
	n := t.reached()
	if k.gaps || n <= 0 {
		return 0, false
	}
	return Millis(k.sum) / float64(n), true
}

func (t *Total) appCPU() (float64, bool)      { return t.perRequest(t.cost.app) }
func (t *Total) databaseCPU() (float64, bool) { return t.perRequest(t.cost.database) }
func (t *Total) redisCPU() (float64, bool)    { return t.perRequest(t.cost.redis) }

// redisBytes is how many bytes Redis sent per request.
func (t *Total) redisBytes() (float64, bool) {
	if t.cost.redis.gaps {
		return 0, false
	}
	return Ratio(t.cost.bytes, t.reached())
}

// pageMemory is the memory in Redis that a cached page takes, in bytes: the mean over the pages at the ends of the cells.
func (t *Total) pageMemory() (float64, bool) { return Ratio(t.cost.pageBytes, t.cost.pages) }

// evictions is how many keys Redis evicted in a round, where its memory is limited.
func (t *Total) evictions() (float64, bool) {
	if t.cost.redis.gaps || !t.cost.limited {
		return 0, false
	}
	return Ratio(t.cost.evicted, int64(t.Rounds()))
}

// cores is how many processors the processes of the lab used.
func (t *Total) cores() (float64, bool) {
	used, ok := t.cost.all()
	if !ok || t.Took <= 0 {
		return 0, false
	}
	return used.Seconds() / t.Took.Seconds(), true
}

// perCore is completed requests a second for each processor that the processes of the lab used.
func (t *Total) perCore() (float64, bool) {
	used, ok := t.cost.all()
	if !ok || used <= 0 {
		return 0, false
	}
	return float64(t.Ledger.Completed) / used.Seconds(), true
}
