package measure

import (
	"slices"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// mode is one mode of a phase under way.
type mode struct {
	session   bool // it does not change
	scheduled int64
	ended     [Kinds]int64
	bytes     int64
	wrote     int64
	asked     result.Revalidation
	statuses  [maxStatus + 1]int64 // responses by status code
	failures  failures
	server    result.Server // without Cache and Counters
	cache     [api.CacheResults]int64
	total     *clocks // of the whole phase
	spent     spent
	herds     Herds
	replicas  []replica // empty if there is but one
	peak      peak      // of recomputes
	bySecond  counts
	reported  counts // what bySecond was at the last delta
	connected connected

	seconds []second // that may still change, one after the other; the first is the oldest
	newest  int      // the latest second in which a request was due
}

// connected is how long it took to connect, and to shake hands, of requests that had to; nil before the first. A worker alone keeps it: its deltas take it.
type connected struct{ connect, shake *hist.Histogram }

func (c *connected) record(o *Outcome) {
	for _, x := range []struct {
		to   **hist.Histogram
		took time.Duration
	}{{&c.connect, o.Connect}, {&c.shake, o.TLS}} {
		if x.took <= 0 {
			continue
		}
		if *x.to == nil {
			*x.to = hist.New()
		}
		(*x.to).Record(x.took)
	}
}

// maxStatus is the greatest status code that is counted: HTTP's have three digits. Those from 600 on are of no class, but some services send them.
const maxStatus = 999

// second is the requests that were due in one second.
type second struct {
	at          int
	outstanding int64
	clocks      *clocks // nil until there is something to record
}

// second finds or makes the second of a due time.
func (m *mode) second(due time.Duration) *second {
	at := int(due / time.Second)
	m.newest = max(m.newest, at)
	if len(m.seconds) == 0 {
		m.seconds = append(m.seconds, second{at: at})
	}
	for m.seconds[0].at > at {
		m.seconds = slices.Insert(m.seconds, 0, second{at: m.seconds[0].at - 1})
	}
	for last := m.seconds[len(m.seconds)-1].at; last < at; last++ {
		m.seconds = append(m.seconds, second{at: last + 1})
	}
	return &m.seconds[at-m.seconds[0].at]
}

// drop forgets the n oldest seconds.
func (m *mode) drop(n int) { m.seconds = slices.Delete(m.seconds, 0, n) }

// count enters an outcome into the ledger and the sums.
func (m *mode) count(o *Outcome) {
	m.ended[o.Kind]++
	m.bytes += o.Bytes
	m.wrote += o.Wrote
	if o.Conditional {
		m.asked.Asked++
		m.asked.Saved += o.Saved
	}
	if o.NotModified {
		m.asked.NotModified++
	}
	if o.Status > 0 && o.Status <= maxStatus {
		m.statuses[o.Status]++
	}
	if o.Cache != api.CacheNone {
		m.cache[o.Cache]++
	}
	if !o.Timed {
		return
	}
	s := &m.server
	s.Timed++
	s.SQL += int64(o.Timing.SQL)
	s.SQLTime += o.Timing.SQLTime
	s.Redis += int64(o.Timing.Redis)
	s.RedisTime += o.Timing.RedisTime
	s.Wait += o.Timing.Wait
	s.Total += o.Timing.Total
	if o.Stored && (s.MinMiss == 0 || o.Timing.Total < s.MinMiss) {
		s.MinMiss = o.Timing.Total
	}
}

// tally returns what the mode has come to so far.
func (m *mode) tally() Tally {
	t := Tally{Scheduled: m.scheduled, Bytes: m.bytes}
	for kind, n := range m.ended {
		t.Ended += n
		if Kind(kind) != OK {
			t.Failed += n
		}
	}
	t.quantiles(m.total.response)
	if i := len(m.seconds) - 2; i >= 0 && m.seconds[i].clocks != nil {
		h := m.seconds[i].clocks.response
		t.Second, t.Latest, t.Few = m.seconds[i].at, h.Quantile(0.99), h.Count() < hist.Samples(0.99)
	}
	return t
}

// ledger returns the ledger in the form of a report.
func (m *mode) ledger() result.Ledger {
	l := result.Ledger{Scheduled: m.scheduled, Completed: m.ended[OK], Bytes: m.bytes, Wrote: m.wrote}
	for kind := OK + 1; kind < Kinds; kind++ {
		if n := m.ended[kind]; n > 0 {
			if l.Failed == nil {
				l.Failed = make(map[string]int64)
			}
			l.Failed[kind.String()] = n
		}
	}
	return l
}

// revalidation returns what conditional requests came to; nil if there were none.
func (m *mode) revalidation() *result.Revalidation {
	if m.asked.Asked == 0 {
		return nil
	}
	return &m.asked
}

// byStatus returns the responses by status code in the form of a report; nil if there were none.
func (m *mode) byStatus() map[int]int64 {
	var by map[int]int64
	for status, n := range m.statuses {
		if n > 0 {
			if by == nil {
				by = map[int]int64{}
			}
			by[status] = n
		}
	}
	return by
}

// sums returns the server's sums in the form of a report.
func (m *mode) sums() result.Server {
	s := m.server
	for result, n := range m.cache {
		if n > 0 {
			if s.Cache == nil {
				s.Cache = make(map[string]int64)
			}
			s.Cache[api.CacheResult(result).String()] = n
		}
	}
	return s
}
