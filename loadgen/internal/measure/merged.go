package measure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Merged is one phase that several workers have driven together, from their deltas. Its counts are sums and its histograms are those of one
// recorder that had recorded everything, exactly. Its methods may be called concurrently; Finish must be called, once, and last.
type Merged struct {
	maxSeconds int
	began      chan struct{}

	mu      sync.Mutex // guards all below
	modes   []mergedMode
	workers []mergedWorker
	all     *hist.Sum // response times of all modes, for Snapshot
	scratch *hist.Sum
	encoder hist.Encoder
	err     error // the first
}

// mergedWorker is what is known of a worker.
type mergedWorker struct {
	next int // second of the phase by its clock: what comes after the last delta
	gone bool
}

// mergedMode is one mode of the phase.
type mergedMode struct {
	session bool
	counts  []Counts // by worker
	settled []int    // by worker
	seconds map[int]*[clockKinds][][]byte
	newest  int      // of the seconds that there are figures of
	recent  [2]Tally // Second, Latest and Few of the last seconds that are encoded, the last first
	encoded encoded
	total   [clockKinds]*hist.Sum
	sums    Sums
	each    []mergedReplica
}

type mergedReplica struct {
	ended, failed int64
	response      *hist.Sum
}

// The three clocks, as the arrays of Merged have them.
const (
	responseClock = iota
	serviceClock
	lagClock
	clockKinds
)

// NewMerged returns a phase of which nothing is known yet. Of the config it takes Modes, Sessions, Replicas and MaxSeconds.
func NewMerged(c Config, workers int) *Merged {
	m := &Merged{
		maxSeconds: c.maxSeconds(), began: make(chan struct{}), modes: make([]mergedMode, max(c.Modes, 1)), workers: make([]mergedWorker, workers),
		all: hist.NewSum(), scratch: hist.NewSum(),
	}
	for i := range m.modes {
		of := &m.modes[i]
		of.session = i < len(c.Sessions) && c.Sessions[i]
		of.counts, of.settled, of.seconds = make([]Counts, workers), make([]int, workers), map[int]*[clockKinds][][]byte{}
		for clock := range of.total {
			of.total[clock] = hist.NewSum()
		}
		if c.Replicas > 1 && !of.session {
			of.each = make([]mergedReplica, c.Replicas)
			for r := range of.each {
				of.each[r].response = hist.NewSum()
			}
		}
	}
	return m
}

// Start notes that the phase has begun. It is called once.
func (m *Merged) Start() { close(m.began) }

// Began is closed when the phase has begun.
func (m *Merged) Began() <-chan struct{} { return m.began }

// Add adds the delta that a worker made in a second of the phase by its clock, from 0. One that was added before is passed over: a worker that is
// not sure whether a delta has arrived sends it again. One that is missing is an error, as one that cannot be read is.
func (m *Merged) Add(worker, second int, d *Delta) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &m.workers[worker]
	switch {
	case w.gone || second < w.next:
		return nil
	case second > w.next:
		return fmt.Errorf("the figures of second %d are missing", w.next)
	}
	w.next++
	for i := range m.modes {
		m.modes[i].settled[worker] = max(m.modes[i].settled[worker], d.Settled)
	}
	for i := range d.Modes {
		of := &d.Modes[i]
		if of.Mode < 0 || of.Mode >= len(m.modes) {
			return fmt.Errorf("figures of a mode %d, of %d modes", of.Mode, len(m.modes))
		}
		if err := m.add(worker, of); err != nil {
			return err
		}
	}
	m.settle()
	return nil
}

// add adds one mode's part. The caller holds mu.
func (m *Merged) add(worker int, d *ModeDelta) error {
	of := &m.modes[d.Mode]
	of.counts[worker] = d.Counts
	of.settled[worker] = d.Settled
	for _, s := range d.Seconds {
		to := of.seconds[s.At]
		if to == nil {
			to = new([clockKinds][][]byte)
			of.seconds[s.At] = to
			of.newest = max(of.newest, s.At)
		}
		for clock, plain := range [clockKinds][]byte{s.Response, s.Service, s.Lag} {
			if len(plain) == 0 {
				continue
			}
			to[clock] = append(to[clock], plain)
			if err := of.total[clock].Add(plain); err != nil {
				return err
			}
		}
		if !of.session {
			if err := m.all.Add(s.Response); err != nil {
				return err
			}
		}
	}
	if d.Sums == nil {
		return nil
	}
	of.settled[worker] = math.MaxInt
	of.sums.merge(d.Sums)
	for i, r := range d.Sums.Replicas {
		if i >= len(of.each) {
			return fmt.Errorf("figures of replica %d, of %d", i+1, len(of.each))
		}
		each := &of.each[i]
		each.ended += r.Ended
		each.failed += r.Failed
		if err := each.response.Add(r.Response); err != nil {
			return err
		}
	}
	return nil
}

// Lost notes that nothing more comes of a worker. What it had under way then is in no count: nobody knows what became of it.
func (m *Merged) Lost(worker int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.workers[worker].gone = true
	for i := range m.modes {
		of := &m.modes[i]
		of.settled[worker] = math.MaxInt
		of.counts[worker].Scheduled = of.counts[worker].ended()
	}
}

// settle encodes the seconds of which no worker has anything more. The caller holds mu.
func (m *Merged) settle() {
	for i := range m.modes {
		of := &m.modes[i]
		upto := slices.Min(of.settled)
		for _, at := range slices.Sorted(maps.Keys(of.seconds)) {
			if at >= upto {
				break
			}
			m.encode(of, at)
		}
	}
}

// encode encodes a second. The caller holds mu.
func (m *Merged) encode(of *mergedMode, at int) {
	parts := of.seconds[at]
	delete(of.seconds, at)
	var err error
	s := result.Second{At: at}
	for clock, to := range [clockKinds]*string{&s.Response, &s.Service, &s.Lag} {
		err = cmp.Or(err, m.sum(parts[clock]))
		if clock == responseClock {
			of.recent = [2]Tally{m.latest(at), of.recent[0]}
		}
		text, eerr := m.encoder.EncodeSum(m.scratch)
		*to, err = text, cmp.Or(err, eerr)
	}
	if err = cmp.Or(err, of.encoded.add(&m.encoder, s, m.maxSeconds)); err != nil {
		m.err = cmp.Or(m.err, fmt.Errorf("second %d: %w", at, err))
	}
}

// sum makes scratch the sum of parts. The caller holds mu.
func (m *Merged) sum(parts [][]byte) (err error) {
	m.scratch.Reset()
	for _, plain := range parts {
		err = cmp.Or(err, m.scratch.Add(plain))
	}
	return err
}

// latest is what a tally has of the second whose response times are in scratch. The caller holds mu.
func (m *Merged) latest(at int) Tally {
	n := m.scratch.Count()
	if n == 0 {
		return Tally{}
	}
	return Tally{Second: at, Latest: m.scratch.Quantiles(0.99)[0], Few: n < hist.Samples(0.99)}
}

// over returns the tally of the last second that is over. The caller holds mu.
func (m *Merged) over(of *mergedMode) Tally {
	at := of.newest - 1
	if parts := of.seconds[at]; parts != nil && m.sum(parts[responseClock]) == nil {
		return m.latest(at)
	}
	for _, t := range of.recent {
		if t.Second == at {
			return t
		}
	}
	return Tally{}
}

// Snapshot returns the figures so far, as far as they have come.
func (m *Merged) Snapshot() Snapshot {
	s := Snapshot{Modes: make([]Tally, len(m.modes))}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.modes {
		of := &m.modes[i]
		counts := of.sum()
		s.Modes[i] = m.over(of)
		s.Modes[i].Scheduled, s.Modes[i].Ended, s.Modes[i].Bytes = counts.Scheduled, counts.ended(), counts.Bytes
		s.Modes[i].Failed = s.Modes[i].Ended - counts.Ended[OK]
		s.Modes[i].quantiles(of.total[responseClock])
		if !of.session {
			s.All.add(s.Modes[i])
		}
	}
	s.All.quantiles(m.all)
	return s
}

// sum is the counts of all workers.
func (of *mergedMode) sum() (sum Counts) {
	for _, c := range of.counts {
		sum.add(c)
	}
	return sum
}

// Finish returns a result a mode. An error means that histograms lost values: the run cannot be trusted.
func (m *Merged) Finish() ([]Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	results := make([]Result, len(m.modes))
	for i := range m.modes {
		of := &m.modes[i]
		for _, at := range slices.Sorted(maps.Keys(of.seconds)) {
			m.encode(of, at)
		}
		r, err := m.result(of)
		if err != nil {
			m.err = cmp.Or(m.err, err)
		}
		results[i] = r
	}
	return results, m.err
}

// result is what a mode came to.
func (m *Merged) result(of *mergedMode) (Result, error) {
	counts := of.sum()
	whole := mode{scheduled: counts.Scheduled, ended: counts.Ended, bytes: counts.Bytes, wrote: counts.Wrote}
	var herds Herds
	herds.merge(of.sums.Herds)
	p := peak{of.sums.Tenths}
	r := Result{
		Ledger: whole.ledger(), Server: of.sums.Server, Spent: of.sums.Spent, Herds: herds.Finish(), Peak: p.most(),
		Statuses: orNil(of.sums.Statuses), Clamped: counts.Clamped, Asked: of.sums.Asked,
		Failures: of.sums.Failures,
	}
	result.SortFailures(r.Failures)
	r.Server.Cache, r.Server.Counters = orNil(of.sums.Server.Cache), nil // which only the server knows
	var err, serr error
	r.Seconds, err = inOrder(of.encoded.seconds)
	r.Seconds = of.sums.BySecond.into(r.Seconds)
	for clock, to := range [clockKinds]*result.Summary{&r.Response, &r.Service, &r.Lag} {
		h, herr := of.total[clock].Histogram()
		if herr != nil {
			return r, herr
		}
		*to = Summarize(h)
	}
	for _, each := range of.each {
		replica := result.Replica{Requests: each.ended, Failed: each.failed}
		replica.Response, serr = m.encoder.EncodeSum(each.response)
		err = cmp.Or(err, serr)
		r.Replicas = append(r.Replicas, replica)
	}
	return r, err
}
