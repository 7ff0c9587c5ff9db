package measure

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/hist"
)

// encoder turns the histograms of closed seconds into text, in a goroutine of its own: that takes a tenth of a millisecond for each,
// for which neither who releases requests nor who makes them should wait.
type encoder struct {
	maxSeconds int
	recycle    func(*clocks)

	mu   sync.Mutex // guards jobs and last
	jobs []job
	last bool // no more will come
	kick chan struct{}
	done chan struct{}

	// The goroutine's own; to be read after done.
	hist    hist.Encoder
	encoded []encoded // by mode
	err     error     // the first
}

// job is a second to encode.
type job struct {
	mode, at int
	clocks   *clocks
}

// encoded is what was encoded of a mode.
type encoded struct {
	seconds []result.Second
	join    int // the next of seconds to be joined with its neighbour
}

func startEncoder(modes, maxSeconds int, recycle func(*clocks)) *encoder {
	e := &encoder{
		maxSeconds: maxSeconds, recycle: recycle,
		kick: make(chan struct{}, 1), done: make(chan struct{}),
		encoded: make([]encoded, modes),
	}
	go e.run()
	return e
}

// put queues a second; it never blocks.
func (e *encoder) put(j job) {
	e.mu.Lock()
	e.jobs = append(e.jobs, j)
	e.mu.Unlock()
	e.wake()
}

// finish encodes what is queued and ends the goroutine.
func (e *encoder) finish() ([]encoded, error) {
	e.mu.Lock()
	e.last = true
	e.mu.Unlock()
	e.wake()
	<-e.done
	return e.encoded, e.err
}

func (e *encoder) wake() {
	select {
	case e.kick <- struct{}{}:
	default: // it will look anyway
	}
}

func (e *encoder) run() {
	defer close(e.done)
	for range e.kick {
		for {
			e.mu.Lock()
			if len(e.jobs) == 0 {
				last := e.last
				e.mu.Unlock()
				if last {
					return
				}
				break
			}
			j := e.jobs[0]
			e.jobs = slices.Delete(e.jobs, 0, 1)
			e.mu.Unlock()
			e.fail(e.encode(j))
			e.recycle(j.clocks)
		}
	}
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// encode appends a second to its mode.
func (e *encoder) encode(j job) error {
	s, err := j.clocks.encode(&e.hist, j.at)
	if err == nil {
		err = e.encoded[j.mode].add(&e.hist, s, e.maxSeconds)
	}
	if err != nil {
		return fmt.Errorf("mode %d, second %d: %w", j.mode, j.at, err)
	}
	return nil
}

// add adds a second. Of more than so many, the older ones are joined with their neighbours.
func (m *encoded) add(e *hist.Encoder, s result.Second, maxSeconds int) error {
	m.seconds = append(m.seconds, s)
	if len(m.seconds) <= maxSeconds {
		return nil
	}
	// One join for each second more: the work is spread evenly, and what is joined lies in the older half.
	if m.join >= len(m.seconds)/2 {
		m.join = 0
	}
	joined, err := join(e, m.seconds[m.join], m.seconds[m.join+1])
	if err != nil {
		return err
	}
	m.seconds = slices.Replace(m.seconds, m.join, m.join+2, joined)
	m.join++
	return nil
}

// encode yields between histograms: on one core, the next request may be due meanwhile.
func (c *clocks) encode(e *hist.Encoder, at int) (s result.Second, err error) {
	s.At = at
	for _, h := range []struct {
		from *hist.Histogram
		to   *string
	}{{c.response, &s.Response}, {c.service, &s.Service}, {c.lag, &s.Lag}} {
		if *h.to, err = e.Encode(h.from); err != nil {
			return s, err
		}
		runtime.Gosched()
	}
	return s, nil
}

// join makes one second of two; it keeps the earlier beginning.
func join(e *hist.Encoder, a, b result.Second) (result.Second, error) {
	var c clocks
	for _, h := range []struct {
		a, b string
		to   **hist.Histogram
	}{{a.Response, b.Response, &c.response}, {a.Service, b.Service, &c.service}, {a.Lag, b.Lag, &c.lag}} {
		sum, err := hist.Merge([]string{h.a, h.b})
		if err != nil {
			return result.Second{}, err
		}
		*h.to = sum
		runtime.Gosched()
	}
	return c.encode(e, min(a.At, b.At))
}
