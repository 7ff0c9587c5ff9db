package drive

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

// OpenConfig is an open phase.
type OpenConfig struct {
	Common
	// Stream makes the phase's arrivals. It is called twice, and must return equal streams.
	Stream func() arrival.Stream
	Mode   func(k int64) int // of the k-th arrival, from 0; nil is mode 0 for all. It is called twice for each.
	For    time.Duration     // the phase's length; 0 is until the last request has ended, which suits a burst
	// Connections bounds the connections, and MaxInFlight, if it is not 0, the requests in flight. As a connection carries one request
	// at a time, the lesser of them holds. 0 is DefaultConnections.
	Connections, MaxInFlight int
}

var errNoStream = errors.New("drive: an open loop needs a Stream")

// Open drives an open phase. It returns when every request that came due has ended; an error means that it did not begin.
func Open(ctx context.Context, c OpenConfig) (Result, error) {
	s, release, err := newPhase(ctx, c.Common)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if c.Stream == nil {
		return Result{}, errNoStream
	}
	o := newOpen(ctx, s, c)
	alarm, err := s.NewAlarm(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("open loop: %w", err)
	}
	defer alarm.Close()

	watch := newSelfWatch()
	s.await(ctx)
	s.begin(c.For)
	watch.begin()
	o.pace(ctx, alarm)
	loadEnded := time.Now()
	// Callers return by their deadlines. Should one forget, the end of its context reminds it.
	s.stopAfter(s.patience())
	o.close()
	o.workers.Wait()

	r := s.result(ctx, loadEnded)
	r.Connections, r.Limit = o.started, o.limit
	r.Self = watch.end()
	r.Self.Release = measure.Summarize(o.late)
	return r, nil
}

// open is the state of an open phase.
type open struct {
	*phase
	limit    int
	mode     func(k int64) int
	newMaker func() *maker
	ahead    arrival.Stream  // the pacer's
	late     *hist.Histogram // how late arrivals were released; the pacer's
	workers  sync.WaitGroup

	mu              sync.Mutex     // guards all below
	behind          arrival.Stream // the workers'
	released, taken int64
	closed          bool      // no more will be released
	idle            []*worker // the last one to become idle is the first to be woken: its caches are warm, and surplus connections rest
	started         int
}

// worker is a goroutine with a connection.
type worker struct{ wake chan struct{} }

func newOpen(ctx context.Context, s *phase, c OpenConfig) *open {
	o := &open{
		phase: s, limit: c.Connections, mode: c.Mode, ahead: c.Share.Stream(c.Stream()), behind: c.Share.Stream(c.Stream()), late: hist.New(),
	}
	o.newMaker = func() *maker { return s.newMaker(ctx, s.thinking()) }
	if c.Rows > 0 {
		o.ahead = &rationed{Stream: o.ahead, left: c.Share.Count(c.Rows), ranOut: &s.ranOut}
	}
	if o.limit <= 0 {
		o.limit = DefaultConnections
	}
	if c.MaxInFlight > 0 {
		o.limit = min(o.limit, c.MaxInFlight)
	}
	if o.mode == nil {
		o.mode = func(int64) int { return 0 }
	}
	return o
}

// batch is how many arrivals are released at once at most, so that the first of a great burst are on their way before the last have
// been counted.
const batch = 64

// pace releases arrivals when they are due, and returns when the phase's length is over or ctx has ended.
func (o *open) pace(ctx context.Context, alarm Alarm) {
	k, step := o.Share.Arrival(0), o.Share.Step()
	due, more := o.ahead.Next()
	for more && ctx.Err() == nil {
		now := time.Since(o.start)
		if due > now {
			if !alarm.Wait(o.start.Add(due)) {
				return
			}
			continue
		}
		n := 0
		for more && due <= now && n < batch {
			o.offer(o.mode(k), due)
			o.late.Record(now - due)
			k += step
			n++
			due, more = o.ahead.Next()
		}
		o.release(n)
		if n == batch {
			runtime.Gosched() // on one core the workers would have to wait for the pacer to be preempted
		}
	}
	if !o.end.IsZero() && ctx.Err() == nil && !o.ranOut.Load() {
		alarm.Wait(o.end)
	}
}

// release lets workers take n more arrivals.
func (o *open) release(n int) {
	o.mu.Lock()
	o.released += int64(n)
	o.mu.Unlock()
	for range n {
		if !o.rouse() {
			return
		}
	}
}

// rouse wakes an idle worker or starts another; it reports false if all there may be are busy. It does so outside of the lock, which
// is the first thing the worker will want.
func (o *open) rouse() bool {
	o.mu.Lock()
	if n := len(o.idle); n > 0 {
		w := o.idle[n-1]
		o.idle = o.idle[:n-1]
		o.mu.Unlock()
		w.wake <- struct{}{}
		return true
	}
	if o.started == o.limit {
		o.mu.Unlock()
		return false
	}
	o.started++
	o.mu.Unlock()
	o.workers.Go(o.work)
	return true
}

// close makes the workers end when they have taken what has been released.
func (o *open) close() {
	o.mu.Lock()
	o.closed = true
	idle := o.idle
	o.idle = nil
	o.mu.Unlock()
	for _, w := range idle {
		w.wake <- struct{}{}
	}
}

// work serves arrivals until there are no more.
func (o *open) work() {
	w := &worker{wake: make(chan struct{}, 1)}
	m := o.newMaker()
	defer m.close()
	for {
		k, due, ok := o.take(w)
		if !ok {
			return
		}
		m.serve(o.mode(k), k, k, due, due)
	}
}

// take waits for the next released arrival. A worker that has just become free may take the one that another was woken for; that one
// then finds nothing, and rests again.
func (o *open) take(w *worker) (k int64, due time.Duration, ok bool) {
	for {
		o.mu.Lock()
		if o.taken < o.released {
			k = o.Share.Arrival(o.taken)
			o.taken++
			due, _ = o.behind.Next()
			o.mu.Unlock()
			return k, due, true
		}
		if o.closed {
			o.mu.Unlock()
			return 0, 0, false
		}
		o.idle = append(o.idle, w)
		o.mu.Unlock()
		<-w.wake
	}
}
