package measure

import (
	"maps"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Delta is what a worker has recorded of a phase: its counts so far, and the histograms of what came since the delta before it.
type Delta struct {
	Settled int         `json:"settled"` // no more will come of the seconds before it, but for modes that have another
	Modes   []ModeDelta `json:"modes,omitempty"`
}

// ModeDelta is one mode's part of a delta.
type ModeDelta struct {
	Mode    int `json:"mode"`
	Settled int `json:"settled"`
	Counts
	Seconds []SecondDelta `json:"seconds,omitempty"` // new
	Connect []byte        `json:"connect,omitempty"` // likewise, of requests that made a connection: a histogram, as those of seconds
	TLS     []byte        `json:"tls,omitempty"`
	News    []SecondNews  `json:"news,omitempty"` // for who looks on: the last delta has all counts by second, in Sums
	Sums    *Sums         `json:"sums,omitempty"` // in the last delta alone
}

// SecondNews is what was added to the counts of a second since the delta before.
type SecondNews struct {
	At int `json:"at"`
	result.SecondCounts
}

// Counts are those of a phase so far.
type Counts struct {
	Scheduled int64        `json:"scheduled"`
	Ended     [Kinds]int64 `json:"ended"`
	Bytes     int64        `json:"bytes"`
	Wrote     int64        `json:"wrote,omitempty"`
	Clamped   int64        `json:"clamped,omitempty"`
}

func (c *Counts) add(o Counts) {
	c.Scheduled += o.Scheduled
	for kind, n := range o.Ended {
		c.Ended[kind] += n
	}
	c.Bytes += o.Bytes
	c.Wrote += o.Wrote
	c.Clamped += o.Clamped
}

// Sub returns what has come since o.
func (c Counts) Sub(o Counts) Counts {
	c.Scheduled -= o.Scheduled
	for kind, n := range o.Ended {
		c.Ended[kind] -= n
	}
	c.Bytes -= o.Bytes
	c.Wrote -= o.Wrote
	c.Clamped -= o.Clamped
	return c
}

// ended is how many have ended, whichever way.
func (c *Counts) ended() (n int64) {
	for _, of := range c.Ended {
		n += of
	}
	return n
}

// SecondDelta is histograms of requests that were due in one second, in the encoding that hist.Sum adds.
type SecondDelta struct {
	At       int    `json:"at"`
	Response []byte `json:"response,omitempty"`
	Service  []byte `json:"service,omitempty"`
	Lag      []byte `json:"lag,omitempty"`
}

// Sums are what the end of a phase alone shows.
type Sums struct {
	Statuses map[int]int64        `json:"statuses,omitempty"`
	Server   result.Server        `json:"server"`
	Spent    []result.Bucket      `json:"spent,omitempty"`
	Asked    *result.Revalidation `json:"asked,omitempty"`
	Herds    []Herd               `json:"herds,omitempty"`
	Tenths   []int32              `json:"tenths,omitempty"` // recomputes in each tenth of a second
	Failures []result.Failure     `json:"failures,omitempty"`
	BySecond counts               `json:"by_second,omitempty"`
	Replicas []ReplicaDelta       `json:"replicas,omitempty"`
}

// ReplicaDelta is what a mode's requests came to at one replica.
type ReplicaDelta struct {
	Ended    int64  `json:"ended"`
	Failed   int64  `json:"failed,omitempty"`
	Response []byte `json:"response,omitempty"`
}

// flushed is a second whose histograms were taken out.
type flushed struct {
	mode, at int
	clocks   *clocks
}

// Flush returns what came since the call before it. last is whether the phase is over: all requests have ended, and nothing is recorded any
// more.
func (r *Recorder) Flush(now time.Time, last bool) Delta {
	r.mu.Lock()
	elapsed := int(max(0, now.Sub(r.start)) / time.Second)
	if r.start.IsZero() {
		elapsed = 0
	}
	d := Delta{Settled: elapsed - settled}
	var taken []flushed
	made := make([]connected, len(r.modes))
	for i := range r.modes {
		m := &r.modes[i]
		if m.scheduled == 0 {
			continue
		}
		of := ModeDelta{Mode: i, Settled: d.Settled, Counts: m.counts(), News: m.news()}
		for j := range m.seconds {
			s := &m.seconds[j]
			if s.clocks != nil {
				taken = append(taken, flushed{i, s.at, s.clocks})
				s.clocks = nil
			}
			if s.outstanding > 0 {
				of.Settled = min(of.Settled, s.at)
			}
		}
		made[i], m.connected = m.connected, connected{}
		r.settle(i)
		if last {
			of.Sums = m.sumUp()
		}
		d.Modes = append(d.Modes, of)
	}
	r.mu.Unlock()

	for i := range d.Modes {
		of := &d.Modes[i]
		of.Connect, of.TLS = plain(made[of.Mode].connect), plain(made[of.Mode].shake)
		for len(taken) > 0 && taken[0].mode == of.Mode {
			c := taken[0].clocks
			of.Seconds = append(of.Seconds, SecondDelta{At: taken[0].at, Response: plain(c.response), Service: plain(c.service), Lag: plain(c.lag)})
			r.recycle(c)
			taken = taken[1:]
		}
	}
	return d
}

// plain encodes a histogram; an empty one is nothing.
func plain(h *hist.Histogram) []byte {
	if h == nil || h.Count() == 0 {
		return nil
	}
	return hist.AppendPlain(nil, h)
}

func (m *mode) counts() Counts {
	return Counts{
		Scheduled: m.scheduled, Ended: m.ended, Bytes: m.bytes, Wrote: m.wrote,
		Clamped: m.total.response.Clamped() + m.total.service.Clamped() + m.total.lag.Clamped(),
	}
}

// news returns what was added to the counts of each second since the call before.
func (m *mode) news() (news []SecondNews) {
	for i, now := range m.bySecond {
		if i == len(m.reported) {
			m.reported = append(m.reported, result.SecondCounts{})
		}
		if was := m.reported[i]; now != was {
			news = append(news, SecondNews{At: i, SecondCounts: now.Sub(was)})
			m.reported[i] = now
		}
	}
	return news
}

func (m *mode) sumUp() *Sums {
	s := &Sums{Statuses: m.byStatus(), Server: m.sums(), Spent: m.spent.buckets(), Herds: m.herds.all(), Tenths: m.peak.tenths, BySecond: m.bySecond, Failures: m.failures.list()}
	s.Asked = m.revalidation()
	for _, r := range m.replicas {
		s.Replicas = append(s.Replicas, ReplicaDelta{Ended: r.ended, Failed: r.failed, Response: plain(r.response)})
	}
	return s
}

// merge adds the sums of another worker. Herds are left to be joined when all are there.
func (s *Sums) merge(o *Sums) {
	if s.Statuses == nil {
		s.Statuses = map[int]int64{}
	}
	for status, n := range o.Statuses {
		s.Statuses[status] += n
	}
	if s.Server.Cache == nil {
		s.Server.Cache = make(map[string]int64, api.CacheResults)
	}
	s.Server.Add(o.Server)
	s.Spent = mergeSpent(s.Spent, o.Spent)
	if o.Asked != nil {
		if s.Asked == nil {
			s.Asked = &result.Revalidation{}
		}
		s.Asked.Add(*o.Asked)
	}
	s.Herds = append(s.Herds, o.Herds...)
	p := peak{s.Tenths}
	p.merge(o.Tenths)
	s.Tenths = p.tenths
	s.BySecond.merge(o.BySecond)
	s.Failures = result.AddFailures(s.Failures, o.Failures, 0)
}

// mergeSpent adds up two lists of sizes, both shortest first.
func mergeSpent(a, b []result.Bucket) (sum []result.Bucket) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Over < b[0].Over:
			sum, a = append(sum, a[0]), a[1:]
		case len(a) == 0 || b[0].Over < a[0].Over:
			sum, b = append(sum, b[0]), b[1:]
		default:
			both := a[0]
			both.Add(b[0])
			sum, a, b = append(sum, both), a[1:], b[1:]
		}
	}
	return sum
}

// orNil returns nil for an empty map, as a mode without any has it.
func orNil[K comparable, V any](m map[K]V) map[K]V {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}
