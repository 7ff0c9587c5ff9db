// Package outage keeps account of the outages of what the app depends on, and keeps requests from paying for them. A Watch sees how the
// calls to one dependency end, and is their breaker; a Book has the outages of all watches: as a list, as metrics, and as two lines in the
// log, one when an outage begins and one when it ends.
//
// It knows nothing of Redis or of SQL: which error of a call is a failure is for the caller to say.
package outage

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
)

// Error is an error of a call that its dependency did not answer, or not in time.
type Error struct {
	Dependency string
	Err        error
}

// Error returns the text of the error that it wraps.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the call's own error.
func (e *Error) Unwrap() error { return e.Err }

// GaveUp reports whether ctx, that of a caller, has ended: whatever came of its call shows nothing of the dependency. A dial has the deadline
// from its context and a timer of its own, which may be the first to run out.
func GaveUp(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// record is an outage, or the suspicion of one.
type record struct {
	dependency              string
	began                   time.Time
	first                   error // of the call that made it one
	cancel                  context.CancelFunc
	failed, skipped, probes atomic.Int64

	announced bool      // guarded by its watch's mu
	ended     time.Time // guarded by its book's mu
}

// most is how many outages a book lists.
const most = 256

// Book has the outages of one program. Its methods are safe for concurrent use.
type Book struct {
	mu      sync.Mutex // guards all below
	watches []*Watch   // at most one of each dependency
	list    []*record
	dropped int64
	past    map[string]*totals // of the outages that have ended, by dependency
}

// totals are sums over outages.
type totals struct {
	outages, failed, skipped, probes int64
	lasted                           time.Duration
}

// NewBook returns a book without outages, whose metrics are registered with reg if that is not nil.
func NewBook(reg prometheus.Registerer) *Book {
	b := &Book{past: map[string]*totals{}}
	if reg != nil {
		reg.MustRegister(collector{b})
	}
	return b
}

// Watch returns a watch of one dependency, whose breaker is off. It must be closed. There is one of each dependency in a book.
func (b *Book) Watch(cfg Config) *Watch {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	w := &Watch{Config: cfg, book: b}
	w.SetFailures(0)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watches = append(b.watches, w)
	b.past[cfg.Dependency] = &totals{}
	return w
}

// Down reports whether there is an outage of the dependency. It asks nobody.
func (b *Book) Down(dependency string) bool {
	b.mu.Lock()
	watches := slices.Clone(b.watches)
	b.mu.Unlock()
	return slices.ContainsFunc(watches, func(w *Watch) bool { return w.Dependency == dependency && w.Down() })
}

// Outages returns the outages since the program started, the oldest first.
func (b *Book) Outages() api.Outages {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := api.Outages{Outages: make([]api.Outage, 0, len(b.list)), Dropped: b.dropped}
	for _, r := range b.list {
		failed, probes := r.failed.Load(), r.probes.Load()
		out.Outages = append(out.Outages, api.Outage{
			Dependency: r.dependency, Began: r.began.UTC(), Ended: r.ended.UTC(),
			Failed: failed, Skipped: r.skipped.Load(), Probes: probes, Attempts: failed + probes,
		})
	}
	return out
}

func (b *Book) add(r *record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == most {
		// Those that have ended go first: one that lasts must not be forgotten.
		at := max(slices.IndexFunc(b.list, func(r *record) bool { return !r.ended.IsZero() }), 0)
		b.list = slices.Delete(b.list, at, at+1)
		b.dropped++
	}
	b.list = append(b.list, r)
}

func (b *Book) end(r *record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.ended = time.Now()
	b.past[r.dependency].add(r, r.ended)
}

func (t *totals) add(r *record, until time.Time) {
	t.outages++
	t.failed += r.failed.Load()
	t.skipped += r.skipped.Load()
	t.probes += r.probes.Load()
	t.lasted += until.Sub(r.began)
}
