package outage

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what is watched, and how.
type Config struct {
	Dependency string                      // its name: api.DependencyRedis
	Ping       func(context.Context) error // asks it whether it answers; called by one goroutine at a time, and only during an outage
	Timeout    func() time.Duration        // how long it has for that
	// Confirm is for a dependency that may fail a call and be well, as a database is whose rows are locked. Then one call that fails is
	// enough for a suspicion, and a ping that fails too makes it an outage. Without it, failures in a row make the outage.
	Confirm bool
	Log     *slog.Logger
}

// Result is what came of a call.
type Result uint8

// Results of a call.
const (
	Answered Result = iota // the dependency answered, be it with an error
	Failed                 // it did not answer, or not in time
	Unknown                // the caller gave up, or never asked
)

// Call is a call that Begin allowed.
type Call struct {
	epoch uint64
	began time.Time
	met   *record // the outage that was known when the call began
}

// Watch watches one dependency, and is the breaker of those who call it. They call Begin before and End after each call.
//
//	closed -> open: Failures in a row (SetFailures), of calls that began since it was closed last
//	open -> closed: the first ping that is answered
//
// No call pays for finding out whether the dependency is back: while an outage lasts, one goroutine asks it, every 100 to 200 ms. There is no
// goroutine otherwise. A watch whose breaker is off counts its outages all the same, and then a call that is answered ends one, too.
type Watch struct {
	Config
	book *Book

	epoch   atomic.Uint64          // how many outages and suspicions have ended
	current atomic.Pointer[record] // nil if there is no outage; changed under mu
	row     atomic.Int64           // calls that failed in a row
	limit   atomic.Int64           // how many of them make an outage
	breaker atomic.Bool            // whether calls are spared meanwhile

	mu     sync.Mutex // guards all below
	since  time.Time  // when the first call of the row began
	blips  int64      // calls that failed since the last note, without an outage
	noted  time.Time
	closed bool
	probes sync.WaitGroup
}

const (
	// defaultFailures is how many calls that fail in a row are an outage to a watch whose breaker is off.
	defaultFailures = 3

	firstWait, lastWait = 100 * time.Millisecond, 200 * time.Millisecond

	// noteEvery is how often failures that are no outage are logged at most.
	noteEvery = time.Second
)

// SetFailures sets how many calls must fail in a row for the breaker to open; 0 turns it off.
func (w *Watch) SetFailures(n int) {
	w.breaker.Store(n > 0)
	switch {
	case w.Confirm:
		w.limit.Store(1)
	case n > 0:
		w.limit.Store(int64(n))
	default:
		w.limit.Store(defaultFailures)
	}
}

// Begin reports whether a call may be made. If it may, the caller calls End after it; now is when it begins.
func (w *Watch) Begin(now time.Time) (Call, bool) {
	// The epoch is read first: if an outage ends in between, its calls are of an epoch that is over, and cannot begin the next one.
	c := Call{epoch: w.epoch.Load(), began: now, met: w.current.Load()}
	if c.met != nil && w.breaker.Load() {
		c.met.skipped.Add(1)
		return Call{}, false
	}
	return c, true
}

// End takes what came of a call. err is why it failed.
func (w *Watch) End(c Call, result Result, err error) {
	switch result {
	case Answered:
		if w.row.Load() != 0 {
			w.row.Store(0)
		}
		if c.met != nil {
			w.end(c.met)
		}
	case Failed:
		w.failed(c, err)
	case Unknown:
	}
}

func (w *Watch) failed(c Call, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.current.Load(); r != nil {
		r.failed.Add(1)
		return
	}
	if c.epoch != w.epoch.Load() || w.closed {
		return // it was under way when the last outage ended
	}
	n := w.row.Add(1)
	if n == 1 || c.began.Before(w.since) {
		w.since = c.began
	}
	if n < w.limit.Load() {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &record{dependency: w.Dependency, began: w.since, cancel: cancel, first: err}
	r.failed.Store(n)
	if !w.Confirm {
		w.announce(r)
	}
	w.current.Store(r)
	w.probes.Go(func() { w.probe(ctx, r) })
}

// announce makes the record an outage. The caller holds mu.
func (w *Watch) announce(r *record) {
	r.announced = true
	w.book.add(r)
}

// probe asks the dependency, one question at a time, until it answers or ctx ends.
func (w *Watch) probe(ctx context.Context, r *record) {
	defer r.cancel()
	if !w.Confirm {
		w.logBegin(ctx, r)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for wait := firstWait; ; wait = min(wait*3/2, lastWait) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		asking, cancel := context.WithTimeout(ctx, w.Timeout())
		err := w.Ping(asking)
		cancel()
		if err == nil {
			w.end(r)
			return
		}
		if ctx.Err() != nil {
			return
		}
		r.probes.Add(1)
		w.confirm(ctx, r)
		timer.Reset(wait)
	}
}

// confirm makes a suspicion an outage.
func (w *Watch) confirm(ctx context.Context, r *record) {
	w.mu.Lock()
	suspected := !r.announced && w.current.Load() == r
	if suspected {
		w.announce(r)
	}
	w.mu.Unlock()
	if suspected {
		w.logBegin(ctx, r)
	}
}

// end ends the outage, or the suspicion, if it has not ended yet.
func (w *Watch) end(r *record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current.Load() != r {
		return
	}
	w.row.Store(0)
	w.epoch.Add(1)
	w.current.Store(nil)
	r.cancel()
	if !r.announced {
		w.note(r)
		return
	}
	w.book.end(r)
	w.Log.Info("outage ended", "dependency", w.Dependency, "lasted", r.ended.Sub(r.began).Round(time.Millisecond).String(),
		"failed", r.failed.Load(), "skipped", r.skipped.Load(), "probes", r.probes.Load())
}

func (w *Watch) logBegin(ctx context.Context, r *record) {
	w.Log.WarnContext(ctx, "outage began", "dependency", w.Dependency, "failed", r.failed.Load(), "error", r.first)
}

// note logs calls that failed while the dependency answered others. The caller holds mu.
func (w *Watch) note(r *record) {
	w.blips += r.failed.Load()
	if now := time.Now(); now.Sub(w.noted) >= noteEvery {
		w.Log.Warn("calls failed, but it answers", "dependency", w.Dependency, "failed", w.blips, "error", r.first)
		w.blips, w.noted = 0, now
	}
}

// Down reports whether there is an outage. A suspicion is none.
func (w *Watch) Down() bool {
	if w.current.Load() == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.current.Load()
	return r != nil && r.announced
}

// Close ends the probing and waits for that. Calls may still be made; no outage begins any more.
func (w *Watch) Close() {
	w.mu.Lock()
	w.closed = true
	if r := w.current.Load(); r != nil {
		r.cancel()
	}
	w.mu.Unlock()
	w.probes.Wait()
}
