package api

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Counter names a total that the app keeps of each mode. It is also its name in the JSON of /lab/counters and, if it has no metric of its
// own, in that of signal.CacheEvents. A new one is a line here, and a call of probe's Count where it happens.
type Counter string

// Counters.
const (
	CountRequests    Counter = "requests"
	CountSQL         Counter = "sql_queries"
	CountRows        Counter = "sql_rows" // that queries returned or changed
	CountRedis       Counter = "redis_commands"
	CountRecomputes  Counter = "recomputes"
	CountExpirations Counter = "expirations"    // cached pages that were found expired (or about to be) and replaced
	CountRejected    Counter = "rejected_fills" // recomputed pages that were not stored: outdated, or their lease was gone
	CountLocksLost   Counter = "locks_lost"     // locks and leases that had run out, or were revoked, when their holder was to give them back
	CountCold        Counter = "cold"           // times a page was wanted that was never cached, or flushed

	CountFailsafe Counter = "failsafe_pages" // old pages that were served because a recompute failed, or takes long

	CountRedisFailures Counter = "redis_failures" // calls to Redis that it did not answer, or not in time
	CountRedisSkipped  Counter = "redis_skipped"  // calls to Redis that were not made, because it was known not to answer
	CountL1Checks      Counter = "l1_checks"      // pages that l1 had, and asked Redis about: its stream of invalidations was not up
	CountDBFailures    Counter = "db_failures"    // loads and price changes that the database did not answer, or not in time
)

// Counts are totals by counter. One that is missing is 0.
type Counts map[Counter]int64

// Add returns c + o.
func (c Counts) Add(o Counts) Counts { return c.combine(o, 1) }

// Sub returns c - o: what was counted since o.
func (c Counts) Sub(o Counts) Counts { return c.combine(o, -1) }

func (c Counts) combine(o Counts, sign int64) Counts {
	sum := maps.Clone(c)
	if sum == nil {
		sum = Counts{}
	}
	for counter, n := range o {
		sum[counter] += sign * n
	}
	return sum
}

// ModeCounters are the totals of one mode. In JSON the counts are fields beside "cache":
//
//	{"requests": 2, "sql_queries": 62, ..., "cache": {"hit": 1, "miss": 1}}
type ModeCounters struct {
	Counts Counts
	Cache  map[string]int64 // by the name of a CacheResult
}

// Add returns the totals of c and o together.
func (m ModeCounters) Add(o ModeCounters) ModeCounters {
	sum := ModeCounters{Counts: m.Counts.Add(o.Counts), Cache: maps.Clone(m.Cache)}
	if sum.Cache == nil {
		sum.Cache = map[string]int64{}
	}
	for result, n := range o.Cache {
		sum.Cache[result] += n
	}
	return sum
}

// Add returns the totals of c and o, two processes of one app, together.
func (c Counters) Add(o Counters) Counters {
	sum := Counters{Running: c.Running + o.Running, SpansDropped: c.SpansDropped + o.SpansDropped, Modes: maps.Clone(c.Modes)}
	if sum.Modes == nil {
		sum.Modes = map[string]ModeCounters{}
	}
	for mode, m := range o.Modes {
		sum.Modes[mode] = sum.Modes[mode].Add(m)
	}
	return sum
}

// fieldCache is the field of ModeCounters that is no counter.
const fieldCache = "cache"

// MarshalJSON implements json.Marshaler.
func (m ModeCounters) MarshalJSON() ([]byte, error) {
	fields := map[string]any{fieldCache: m.Cache}
	for counter, n := range m.Counts {
		fields[string(counter)] = n
	}
	return json.Marshal(fields)
}

// UnmarshalJSON implements json.Unmarshaler. It keeps counters that are not in this package: those of a newer app.
func (m *ModeCounters) UnmarshalJSON(b []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	*m = ModeCounters{Counts: Counts{}}
	for name, value := range fields {
		if name == fieldCache {
			if err := json.Unmarshal(value, &m.Cache); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		var n int64
		if err := json.Unmarshal(value, &n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m.Counts[Counter(name)] = n
	}
	return nil
}
