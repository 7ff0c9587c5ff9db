package pagecache

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/probe"
)

// warm refreshes a page in the background before it expires, for as long as it is read: its readers have hits, and wait only for one that nobody has
// read for a TTL. Each process remembers which pages it has served. When a fifth of a page's TTL is left, it asks Redis whether the page has been
// replaced, without its body, and if not it takes the page's lock and recomputes it. Who does not get the lock looks again a little later, so that the
// lock of a process that died is survived while the page lives, if that has more than a lock TTL left. A page that was not read since it was stored is
// not refreshed, and expires; a read in its last fifth has it refreshed at once. What is missing is recomputed as lock does it.
//
// The cost is one recompute in four fifths of a TTL and page that is read, whatever the rate. Of Poisson reads, those that are no hits are the share
// e^(-lambda T) (1 + lambda D) / (e^(-0.8 lambda T) + 0.8 lambda T + lambda D), once the page has been stored.
type warm struct {
	wake chan struct{} // something is due earlier than what was; has room for one
	free chan struct{} // has room for the refreshes that may run

	passing sync.Mutex // held by a pass: when one has ended, all that was due before it began has been looked at

	mu      sync.Mutex // guards the rest
	pages   map[string]*watched
	queue   queue
	started bool
}

const (
	// warmShare is the share of its TTL that a page has left when it is refreshed: one in so many.
	warmShare = 5
	// warmLooks is how often a process looks at a page at most in its TTL, of which the last share has a few.
	warmLooks = 20
	// warmRefreshes is how many refreshes run at a time in a process: pages that were stored together are due together.
	warmRefreshes = 8
)

func newWarm() policy {
	return &warm{wake: make(chan struct{}, 1), free: make(chan struct{}, warmRefreshes), pages: map[string]*watched{}}
}

func (w *warm) get(ctx context.Context, r *request) (Page, Outcome, error) {
	e, ok := r.read(ctx)
	if !ok {
		return r.fillLocked(ctx, noGrace)
	}
	w.served(ctx, r, e)
	return e.page, e.hit(), nil
}

// watched is a page that this process has served.
type watched struct {
	key        string
	generation uint64
	ttl        time.Duration
	due        time.Time // when it is looked at
	place      int       // in the queue
	refreshing bool      // by this process

	// Of the last reader since the page was stored.
	read   bool
	source Source
	meter  *probe.Meter
	cause  trace.Span // if it was recorded; nil if none was
}

// served notes that the page was read, and when it is due.
func (w *warm) served(ctx context.Context, r *request, e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pages[r.key]
	if p == nil {
		if len(w.pages) >= maxSlots {
			return // it is as with lock
		}
		p = &watched{key: r.key}
		w.pages[r.key] = p
		heap.Push(&w.queue, p)
	}
	if p.generation != e.generation {
		w.stored(p, e, r.cfg.Now())
	}
	p.read, p.source, p.meter = true, r.source, probe.From(ctx)
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		p.cause = span
	}
	if !w.started {
		w.started = true
		r.c.whileOpen(func() { w.run(r.c) })
	}
	if p.place == 0 {
		select {
		case w.wake <- struct{}{}:
		default: // it is about to wake up
		}
	}
}

// stored notes another generation of the page, which nobody here has read yet.
func (w *warm) stored(p *watched, e *entry, now time.Time) {
	p.generation, p.ttl, p.read, p.cause = e.generation, e.ttl, false, nil
	w.postpone(p, now.Add(e.fresh-e.ttl/warmShare))
}

func (w *warm) postpone(p *watched, due time.Time) {
	p.due = due
	heap.Fix(&w.queue, p.place)
}

// run looks at pages when they are due, until the cache is closed.
func (w *warm) run(c *Cache) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		t.Reset(w.next(c))
		select {
		case <-t.C:
		case <-w.wake:
		case <-c.closing:
			return
		}
		w.pass(c)
	}
}

// next is how long it is until the first page is due.
func (w *warm) next(c *Cache) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return time.Hour
	}
	return max(w.queue[0].due.Sub(c.config.Load().Now()), time.Millisecond)
}

// pass looks at all pages that are due.
func (w *warm) pass(c *Cache) {
	w.passing.Lock()
	defer w.passing.Unlock()
	for {
		p, ok := w.take(c.config.Load())
		if !ok {
			return
		}
		w.look(c, p)
	}
}

// take returns a copy of the next page that is due, which is due again a little later, if nothing comes of the look at it. One that was not read is
// forgotten.
func (w *warm) take(cfg *Config) (watched, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := cfg.Now()
	for len(w.queue) > 0 && !w.queue[0].due.After(now) {
		p := w.queue[0]
		if !p.read && !p.refreshing {
			w.forget(p)
			continue
		}
		// A holder that died is followed after its lock TTL and a fraction of that.
		w.postpone(p, now.Add(max(min(cfg.LockTTL/4, p.ttl/warmLooks), time.Millisecond)))
		if !p.refreshing {
			return *p, true
		}
	}
	return watched{}, false
}

func (w *warm) forget(p *watched) {
	heap.Remove(&w.queue, p.place)
	delete(w.pages, p.key)
}

// look starts the refresh of a page, unless it has been replaced or somebody else refreshes it.
func (w *warm) look(c *Cache, p watched) {
	ctx := probe.Background(probe.With(context.Background(), p.meter))
	r := c.newRequest("warm", p.key, p.source).again()
	if !w.unchanged(ctx, r, p) {
		return
	}
	select {
	case w.free <- struct{}{}:
	case <-c.closing:
		return
	}
	token, err := r.tryLock(ctx)
	if err != nil {
		<-w.free
		return
	}
	w.refreshing(p.key, true)
	started := c.refreshInBackground(ctx, func(ctx context.Context) {
		defer func() { <-w.free }()
		w.refresh(ctx, r.again(), p, token)
	})
	if !started {
		w.refreshing(p.key, false)
		r.giveBack(ctx, token)
		<-w.free
	}
}

// unchanged reports whether the page is the one that was read. It notes what is there instead.
func (w *warm) unchanged(ctx context.Context, r *request, p watched) bool {
	head := r.head(ctx)
	if head == nil && r.trouble != "" {
		return false // it is looked at again
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.pages[p.key]
	switch {
	case now == nil:
	case head == nil:
		w.forget(now)
	case head.generation != now.generation:
		w.stored(now, head, r.cfg.Now())
	}
	return head != nil && head.generation == p.generation
}

func (w *warm) refreshing(key string, is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.pages[key]; p != nil {
		p.refreshing = is
	}
}

// refresh recomputes the page, whose lock the request holds, unless it was replaced before that. It has a trace of its own, linked to a reader for whom
// the page is kept.
func (w *warm) refresh(ctx context.Context, r *request, p watched, token string) {
	defer r.giveBack(ctx, token)
	defer w.refreshing(p.key, false) // first: who finds the lock free may find the page due
	if !w.unchanged(ctx, r, p) {
		return
	}
	r.cause = probe.Expired
	r.slot.expired(ctx, p.generation)
	var span trace.Span
	if p.cause != nil {
		ctx, span = r.startRefreshFor(ctx, p.cause)
	}
	_, _, err := r.fillAlone(ctx, noGrace)
	r.logRefresh(ctx, err)
	endWork(span, err)
	w.unchanged(ctx, r, p) // it is not
}

// queue is the pages by when they are due: a heap.Interface.
type queue []*watched

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	p := x.(*watched)
	p.place = len(*q)
	*q = append(*q, p)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return p
}
