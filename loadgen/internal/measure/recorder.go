// Package measure keeps what requests came to: three clocks in histograms, a ledger in which every scheduled request is accounted for,
// what the server reported that each cost, and how stale the pages were. It neither makes requests nor knows when they are due.
//
// # Three clocks
//
// Response time runs from the moment a request was due to its end, service time from the send to the end, and lag from the moment it
// was due to the send. What enters them, by how the request ended:
//
//	ok                 all three
//	timeout            all three, the first two as lower bounds: the time it had waited when it was given up
//	unsent             response and lag, both as lower bounds; there is no service time
//	any other failure  none: the time in which a connection is refused is not the time that a page takes
//
// Without the lower bounds, a server that stops answering would improve every percentile.
package measure

import (
	"sync"
	"time"

	"loadlab/loadgen/internal/hist"
)

// Config of a Recorder. The zero value records one mode.
type Config struct {
	Modes   int       // how many; 0 is 1
	Oracles []*Oracle // by mode; nil, or too short, is no interest in staleness
	// Sessions are the modes whose entries are sessions, and not requests: what their requests came to is in modes of their own. They are in
	// no sum over modes, and not observed. nil, or too short, is none.
	Sessions []bool
	// Replicas is how many replicas the requests are spread over, each of which is recorded apart; fewer than 2 is none.
	Replicas int
	// MaxSeconds is how many seconds of a mode are kept apart; 0 is 1800. Of a longer phase, the older seconds are joined with their
	// neighbours, so that memory stays bounded however long it runs.
	MaxSeconds int
	// Deltas is for a worker, whose coordinator merges what several have recorded: it takes Flush again and again, and never Finish.
	Deltas bool
	// Observer, if not nil, gets everything that is recorded, after it was.
	Observer Observer
}

// Observer gets every request twice: when it comes due, and when it has ended. Its methods are called concurrently, during the load, and keep
// nothing of o.
type Observer interface {
	Scheduled(mode int)
	Record(mode int, due time.Duration, start time.Time, o *Outcome)
}

// Recorder records one phase. Its methods may be called concurrently; Finish must be called, once, and last.
type Recorder struct {
	oracles []*Oracle
	encoder *encoder // nil of a worker
	observe Observer
	began   chan struct{} // closed by Start

	mu    sync.Mutex // guards all below
	start time.Time
	modes []mode
	all   *hist.Histogram // response times of all modes, for Snapshot
	free  []*clocks
}

// clocks are the three histograms of a stretch of time.
type clocks struct{ response, service, lag *hist.Histogram }

func newClocks() *clocks { return &clocks{response: hist.New(), service: hist.New(), lag: hist.New()} }

// record enters an outcome of a request that was due at due: see the package comment.
func (c *clocks) record(due time.Time, o *Outcome) {
	response := o.Done.Sub(due)
	c.response.Record(response)
	if o.Sent.IsZero() {
		c.lag.Record(response)
		return
	}
	c.lag.Record(o.Sent.Sub(due))
	if o.Kind != Unsent {
		c.service.Record(o.Done.Sub(o.Sent))
	}
}

// NewRecorder returns a recorder for a phase, and starts the goroutine that encodes what can no longer change.
func NewRecorder(c Config) *Recorder {
	r := &Recorder{oracles: c.Oracles, observe: c.Observer, began: make(chan struct{}), modes: make([]mode, max(c.Modes, 1)), all: hist.New()}
	for i := range r.modes {
		r.modes[i].total = newClocks()
		r.modes[i].session = i < len(c.Sessions) && c.Sessions[i]
		if c.Replicas > 1 && !r.modes[i].session {
			r.modes[i].replicas = newReplicas(c.Replicas)
		}
	}
	if !c.Deltas {
		r.encoder = startEncoder(len(r.modes), c.maxSeconds(), r.recycle)
	}
	return r
}

func (c *Config) maxSeconds() int {
	if c.MaxSeconds <= 0 {
		return defaultMaxSeconds
	}
	return c.MaxSeconds
}

const defaultMaxSeconds = 1800

// Start sets when the phase began: what due times are measured from. It is called once, before the first Record.
func (r *Recorder) Start(at time.Time) {
	r.mu.Lock()
	r.start = at
	r.mu.Unlock()
	close(r.began)
}

// Began is closed when the phase has begun.
func (r *Recorder) Began() <-chan struct{} { return r.began }

// Scheduled enters a request into the ledger when its time has come, before anything is known of it. Record closes the entry.
func (r *Recorder) Scheduled(mode int, due time.Duration) {
	r.mu.Lock()
	m := &r.modes[mode]
	m.scheduled++
	m.bySecond.at(due).Scheduled++
	m.second(due).outstanding++
	r.settle(mode)
	r.mu.Unlock()
	if r.observe != nil && !m.session {
		r.observe.Scheduled(mode)
	}
}

// Record enters what a scheduled request came to. It keeps nothing of o.
func (r *Recorder) Record(mode int, due time.Duration, o *Outcome) {
	r.mu.Lock()
	m := &r.modes[mode]
	s := m.second(due)
	s.outstanding--
	m.count(o)
	if r.encoder == nil {
		m.connected.record(o)
	}
	m.bySecond.add(due, o.Done.Sub(r.start), o)
	if o.Kind != OK {
		m.failures.add(o, o.Done.Sub(r.start))
	}
	if o.Replica < len(m.replicas) {
		m.replicas[o.Replica].record(r.start.Add(due), o)
	}
	if o.Kind == OK && (o.Timed || o.FirstByte > 0) {
		m.spent.add(r.start.Add(due), o)
	}
	if o.Kind == OK && o.Timed && o.Stored {
		m.herds.Add(o.Done.Sub(r.start), o.Timing.Total, o.Timing.RedisTime)
		m.peak.add(due)
	}
	if o.Kind == OK || o.Kind == Timeout || o.Kind == Unsent {
		if s.clocks == nil {
			s.clocks = r.clocks()
		}
		at := r.start.Add(due)
		s.clocks.record(at, o)
		m.total.record(at, o)
		if !m.session {
			r.all.Record(o.Done.Sub(at))
		}
	}
	r.settle(mode)
	start := r.start
	r.mu.Unlock()

	if r.observe != nil && !m.session {
		r.observe.Record(mode, due, start, o)
	}
	if o.Kind == OK && o.Version != 0 && mode < len(r.oracles) && r.oracles[mode] != nil {
		r.oracles[mode].Read(o.Version, o.Sent)
	}
}

// clocks takes three empty histograms from the pool. The caller holds mu.
func (r *Recorder) clocks() *clocks {
	n := len(r.free)
	if n == 0 {
		return newClocks()
	}
	c := r.free[n-1]
	r.free = r.free[:n-1]
	return c
}

// recycle empties histograms and takes them back.
func (r *Recorder) recycle(c *clocks) {
	c.response.Reset()
	c.service.Reset()
	c.lag.Reset()
	r.mu.Lock()
	r.free = append(r.free, c)
	r.mu.Unlock()
}

// settle hands the seconds that can no longer change to the encoder. The caller holds mu.
func (r *Recorder) settle(mode int) {
	m := &r.modes[mode]
	n := 0
	for n < len(m.seconds) && m.seconds[n].outstanding == 0 && m.seconds[n].at+settled <= m.newest {
		if c := m.seconds[n].clocks; c != nil {
			if r.encoder == nil {
				break // until it is flushed
			}
			r.encoder.put(job{mode: mode, at: m.seconds[n].at, clocks: c})
		}
		n++
	}
	if n > 0 {
		m.drop(n)
	}
}

// settled is how many seconds after its own a request must have come due for a second without outstanding requests to be closed. Users
// of a closed loop come due in any order, though hardly by more than this; if one does, its second is opened again and joined later.
const settled = 2

// Tally is what a phase, or one mode of it, has come to so far.
type Tally struct {
	Scheduled, Ended, Failed int64
	Bytes                    int64
	P50, P95, P99            time.Duration // response time

	// Latest is the p99 of the requests of the last second that is over, Second, as far as they have ended. Of a Snapshot's modes alone; 0 if there is none.
	Second int
	Latest time.Duration
	Few    bool // they are too few for a p99
}

// Snapshot is what a phase has come to so far.
type Snapshot struct {
	All   Tally
	Modes []Tally
}

// Snapshot returns the figures so far. It takes some ten microseconds a mode, during which nothing can be recorded.
func (r *Recorder) Snapshot() Snapshot {
	s := Snapshot{Modes: make([]Tally, len(r.modes))}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.modes {
		s.Modes[i] = r.modes[i].tally()
		if !r.modes[i].session {
			s.All.add(s.Modes[i])
		}
	}
	s.All.quantiles(r.all)
	return s
}

func (t *Tally) add(o Tally) {
	t.Scheduled += o.Scheduled
	t.Ended += o.Ended
	t.Failed += o.Failed
	t.Bytes += o.Bytes
}

func (t *Tally) quantiles(h interface {
	Quantiles(qs ...float64) []time.Duration
}) {
	q := h.Quantiles(0.50, 0.95, 0.99)
	t.P50, t.P95, t.P99 = q[0], q[1], q[2]
}
