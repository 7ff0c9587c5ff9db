package live

import (
	"math"
	"sync"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// Point is what a mode did in one second of a phase: names and units are those of the page's data (package page).
type Point struct {
	Mode  int    `json:"mode"`
	Phase string `json:"phase"`
	Round int    `json:"round"`
	At    int    `json:"at"`
	Seen  int    `json:"seen"` // rounds in which requests were due in it, which are in all figures below

	N          int64   `json:"n"`
	P50        int64   `json:"p50"`
	P95        int64   `json:"p95"`
	P99        int64   `json:"p99"`
	Max        int64   `json:"max"`
	LagN       int64   `json:"lagN"`
	Lag        int64   `json:"lag"`
	Scheduled  int64   `json:"scheduled"`
	Failed     int64   `json:"failed"`
	Done       int64   `json:"done"`
	Recomputes int64   `json:"recomputes"`
	Waited     int64   `json:"waited"`
	Wait       int64   `json:"wait"`
	Heat       []int64 `json:"heat"`
}

// Total is what a mode did in a phase so far, in all rounds.
type Total struct {
	Mode      int          `json:"mode"`
	Phase     string       `json:"phase"`
	Round     int          `json:"round"`
	Rounds    int          `json:"rounds"`
	Took      int64        `json:"took"` // in all rounds, if each were as long as the longest
	Quantiles [][2]float64 `json:"quantiles"`
}

const (
	perHeat   = 10 // buckets for each of the heat map
	perDecade = perHeat * hist.HeatDecade
	buckets   = 8 * perDecade // 1 us to 100 s
	kept      = 62            // seconds that may still change: no response is waited for longer
)

// distribution counts times in buckets that are 2% wide.
type distribution struct {
	n     int64
	max   time.Duration
	count [buckets]uint32
}

func (d *distribution) record(t time.Duration, n int64) {
	i := int(perDecade * math.Log10(max(float64(t)/float64(time.Microsecond), 1)))
	d.count[min(i, buckets-1)] += uint32(n) //nolint:gosec // of a second of a phase, or of its rounds
	d.n += n
	d.max = max(d.max, t)
}

// merge records every duration of a histogram. One that cannot be read has failed the run already.
func (d *distribution) merge(plain []byte) { _ = hist.Each(plain, d.record) }

// quantiles are times that these shares, in ascending order, do not exceed; the upper ends of their buckets, and no more than the greatest time.
func (d *distribution) quantiles(shares ...float64) []int64 {
	all := make([]int64, 0, len(shares))
	var below int64
	i := 0
	for _, q := range shares {
		rank := int64(math.Ceil(q * float64(d.n)))
		for i < buckets && below+int64(d.count[i]) < rank {
			below += int64(d.count[i])
			i++
		}
		all = append(all, min(int64(math.Pow(10, float64(i+1)/perDecade)), d.max.Microseconds()))
	}
	return all
}

// heat is a row of the heat map: the first bucket, and the numbers from there on.
func (d *distribution) heat() []int64 {
	var row hist.HeatRow
	for i, n := range d.count {
		if n > 0 {
			row.Add(int64(i/perHeat), int64(n))
		}
	}
	return row
}

// second is one second of a mode, over the rounds so far.
type second struct {
	at, rounds    int
	dirty         bool
	counts        result.SecondCounts
	response, lag distribution
}

// mode is what a mode of a phase has come to.
type mode struct {
	mu      sync.Mutex // guards all below
	seconds [kept]*second
	past    map[int]packed // seconds of the rounds before; nil of a run of one round
	all     distribution
	rounds  int
	longest time.Duration // of a round
	dirty   bool
}

// begin begins a round, of which more may follow: what its seconds come to is added to what they were.
func (m *mode) begin(more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rounds++
	if more && m.past == nil {
		m.past = map[int]packed{}
	}
	for i, s := range m.seconds {
		if s != nil {
			m.keep(s)
			m.seconds[i] = nil
		}
	}
}

// keep packs a second for the rounds to come. The caller holds mu.
func (m *mode) keep(s *second) {
	if m.past != nil {
		m.past[s.at] = s.pack()
	}
}

// at returns a second; nil of one that is too old to change. The caller holds mu.
func (m *mode) at(t time.Duration) *second {
	at := int(max(t, 0) / time.Second)
	s := m.seconds[at%kept]
	switch {
	case s != nil && s.at > at:
		return nil
	case s != nil && s.at < at:
		m.keep(s)
		s.unpack(at, m.past[at])
	case s == nil:
		s = &second{}
		m.seconds[at%kept] = s
		s.unpack(at, m.past[at])
	}
	s.dirty = true
	return s
}

// record enters an outcome: what enters which clock is the rule of package measure.
func (m *mode) record(due time.Duration, start time.Time, o *measure.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty = true
	if o.Kind == measure.OK {
		if s := m.at(o.Done.Sub(start)); s != nil {
			s.counts.Done++
		}
	}
	s := m.at(due)
	if s == nil {
		return
	}
	s.counts.Scheduled++
	o.CountIn(&s.counts)
	if o.Kind != measure.OK && o.Kind != measure.Timeout && o.Kind != measure.Unsent {
		return
	}
	response := o.Done.Sub(start) - due
	s.response.record(response, 1)
	m.all.record(response, 1)
	if o.Sent.IsZero() {
		s.lag.record(response, 1)
	} else {
		s.lag.record(o.Sent.Sub(start)-due, 1)
	}
}

// merge enters what a worker has recorded since it did so before.
func (m *mode) merge(d *measure.ModeDelta) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty = true
	for _, n := range d.News {
		if s := m.at(time.Duration(n.At) * time.Second); s != nil {
			s.counts.Add(n.SecondCounts)
		}
	}
	for _, of := range d.Seconds {
		if s := m.at(time.Duration(of.At) * time.Second); s != nil {
			s.response.merge(of.Response)
			s.lag.merge(of.Lag)
		}
		m.all.merge(of.Response)
	}
}

// changed returns the seconds that have changed since the last time.
func (m *mode) changed() []Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Point
	for _, s := range m.seconds {
		if s == nil || !s.dirty {
			continue
		}
		s.dirty = false
		n := s.counts
		p := Point{
			At: s.at, Seen: s.rounds, N: s.response.n, LagN: s.lag.n, Max: s.response.max.Microseconds(),
			Scheduled: n.Scheduled, Failed: n.Failed, Done: n.Done, Recomputes: n.Recomputes, Waited: n.Waited, Wait: n.Wait.Microseconds(),
		}
		q := s.response.quantiles(0.50, 0.95, 0.99)
		p.P50, p.P95, p.P99, p.Lag, p.Heat = q[0], q[1], q[2], s.lag.quantiles(0.99)[0], s.response.heat()
		all = append(all, p)
	}
	return all
}

// total returns what all seconds together have come to, if that has changed, when the round is so old.
func (m *mode) total(age time.Duration) (Total, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirty || m.all.n == 0 {
		return Total{}, false
	}
	m.dirty, m.longest = false, max(m.longest, age)
	t := Total{Rounds: m.rounds, Took: int64(m.rounds) * m.longest.Microseconds()}
	var shares []float64
	for _, q := range []float64{0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999} {
		if hist.Samples(q) <= m.all.n {
			shares = append(shares, q)
		}
	}
	for i, us := range m.all.quantiles(shares...) {
		t.Quantiles = append(t.Quantiles, [2]float64{shares[i], float64(us)})
	}
	return t, true
}
