// Package pagecache keeps finished pages in Redis, ready to send, and knows several strategies for what happens when a page is missing
// or too old. Strategies is the table of them; each is one file.
//
// Every strategy is written with the verbs of a request: read, recompute and store a page (request.go), take the page's lock, give it
// back, wait for it (pagelock.go), and refresh the page in the background (refresh.go). What is the same for all of them is kept there, and
// holds for a new strategy by itself:
//
//   - A read is one round trip, and a page that l1 keeps needs none. All time arithmetic comes from Redis' own clock (PTTL), never from
//     a client's: clocks that disagree change nothing. l1 counts the time that has passed since it read a page, and no time of day.
//   - Redis is an optimisation. Gone, slow, paused or answering errors, it costs a request one budget in all, and then the page is
//     computed; it never fails a request. After a few calls that failed in a row it costs nothing until it answers again (watch.go).
//     All strategies but ttl recompute a page once at a time in each process meanwhile.
//   - A failed recompute is never cached, and a panic in one is an error.
//
// A new strategy is one new file and one line in Strategies: the contract test and the API then have it.
//
// The package knows neither HTTP nor SQL: where a page comes from is a Source that the caller passes, and what has changed there, Changed is told.
package pagecache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// ErrUnknownStrategy is what Get returns for a strategy that is not in the table.
var ErrUnknownStrategy = errors.New("unknown caching strategy")

// ErrAbsent is what compute returns, wrapped or not, of a page that does not exist: an answer, and no failure. The strategy negative remembers it, and
// has Get return it without calling compute.
var ErrAbsent = errors.New("there is no such page")

// Page is a finished page: the body as it is sent, and its version (the greatest of any row in it).
type Page struct {
	Body    []byte // shared with other requests: not to be modified
	Version int64
	Rows    []Row // that the page shows, from who computes it; a page that was cached has none
	// Tag is a hash of Body, the same in every process: pages of one key with equal bodies have equal tags. It is 0 for a page that is not in Redis.
	Tag uint64

	buf *buffer // what Body is part of, if it was read from Redis
}

// Row is one row of the database as it was read. Versions are handed out in the order of the commits, over all rows.
type Row struct{ ID, Version int64 }

// Source is where a page comes from. Its functions may be called after Get has returned, by a refresh in the background: they must not use what
// ends with their request.
type Source struct {
	Page func(context.Context) (Page, error)
	// List and Objects are the same page in parts, for a strategy that caches those; nil for a page that has none.
	List    func(context.Context) (List, error)
	Objects func(ctx context.Context, ids []int64) ([]Object, error)
}

// Release gives Body's memory back for the next read. It may be called once, by whoever got the page from Get, when Body is no longer
// used; a page that is never released is left to the garbage collector.
func (p Page) Release() {
	if p.buf != nil {
		p.buf.pool.put(p.buf)
	}
}

// unchanged is the page for who has its body already.
func (p Page) unchanged() Page {
	p.Release()
	return Page{Version: p.Version, Tag: p.Tag}
}

// shared is the page without its buffer: no single request may release it.
func (p Page) shared() Page { return Page{Body: p.Body, Version: p.Version, Tag: p.Tag} }

// PanicError is a panic in a recompute.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("recompute panicked: %v", e.Value) }

// Cache is a cache of pages. Its methods are safe for concurrent use.
type Cache struct {
	rdb      redis.UniversalClient
	prefix   string
	config   atomic.Pointer[Config]
	policies map[string]policy
	scripts  scripts
	buffers  bufferPool
	slots    slots
	watch    *outage.Watch
	outages  flights // of requests without Redis, by the page's key there
	l1       *l1Pages

	mu         sync.Mutex // guards closed, and background.Add against Close's Wait
	closed     bool
	closing    chan struct{} // closed by Close, once
	background sync.WaitGroup
}

// New returns a cache whose keys in rdb all start with prefix. Its client should be made with Options. The zero fields of cfg take
// their defaults.
func New(rdb redis.UniversalClient, prefix string, cfg Config) *Cache {
	c := &Cache{rdb: rdb, prefix: prefix, policies: map[string]policy{}, scripts: newScripts(), closing: make(chan struct{})}
	cfg = cfg.withDefaults()
	c.config.Store(&cfg)
	c.watch = c.newWatch(cfg)
	c.l1 = newL1Pages(cfg.L1Bytes)
	for _, s := range Strategies() {
		c.policies[s.Name] = s.New()
	}
	return c
}

// Config returns the configuration in force.
func (c *Cache) Config() Config { return *c.config.Load() }

// SetConfig changes the configuration for requests that start from now on; pages that are cached keep the TTL they were stored with.
// The zero fields of cfg take their defaults.
func (c *Cache) SetConfig(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg = cfg.withDefaults()
	c.config.Store(&cfg)
	c.watch.SetFailures(cfg.BreakerFailures)
	c.l1.pages.SetMaximum(uint64(cfg.L1Bytes))
	return nil
}

// Get returns the page of that key as the strategy has it: from Redis, from another request's recompute, or from its source. Errors are
// ErrUnknownStrategy, those of the source (a *PanicError among them, and ErrAbsent), and ctx's own while waiting for another's recompute. Redis causes none.
func (c *Cache) Get(ctx context.Context, strategy, key string, source Source) (Page, Outcome, error) {
	return c.GetUnless(ctx, strategy, key, nil, source)
}

// GetUnless is Get for a caller who has a copy of the page already, or several: current reports whether one of them has that tag. Then the page comes
// without its body, its outcome is Current, and a strategy that knows the tag before the body, which is http, does not move the body out of Redis. A nil
// current is no copy.
func (c *Cache) GetUnless(ctx context.Context, strategy, key string, current func(tag uint64) bool, source Source) (Page, Outcome, error) {
	p, ok := c.policies[strategy]
	if !ok {
		return Page{}, Outcome{}, fmt.Errorf("%w: %q", ErrUnknownStrategy, strategy)
	}
	r := c.newRequest(strategy, key, source)
	r.current = current
	ctx, span := startSpan(ctx, signal.SpanCacheGet)
	page, out, err := p.get(ctx, r)
	switch {
	case errors.Is(err, ErrAbsent):
		c.slots.drop(strategy, key)
		out = out.absent(r.trouble)
	case err == nil && r.has(page.Tag):
		page, out = page.unchanged(), out.unchanged()
	}
	out = out.with(r.trouble)
	endSpan(span, strategy, key, out, err)
	return page, out, err
}

// Close lets no more background work start and waits for what is under way, until ctx ends. An outage of Redis is not looked after any more,
// and hits of l1 are checked.
func (c *Cache) Close(ctx context.Context) error {
	c.watch.Close()
	c.mu.Lock()
	if !c.closed {
		close(c.closing)
	}
	c.closed = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.background.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for background refreshes: %w", ctx.Err())
	}
}

// inBackground runs work in a goroutine that Close waits for, with a context that outlives the request; not once the cache is closed.
func (c *Cache) inBackground(ctx context.Context, work func(context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	ctx, cancel := context.WithTimeout(probe.Background(ctx), c.config.Load().ComputeTimeout)
	c.background.Go(func() {
		defer cancel()
		work(ctx)
	})
	return true
}

// refreshInBackground is inBackground for what replaces a page. It runs, as counters have it, until the page is stored and its lock given back: what it spends would be missing in the
// totals of a phase that is over when the recompute is.
func (c *Cache) refreshInBackground(ctx context.Context, work func(context.Context)) bool {
	done := probe.From(ctx).Running()
	started := c.inBackground(ctx, func(ctx context.Context) {
		defer done()
		work(ctx)
	})
	if !started {
		done()
	}
	return started
}

// whileOpen runs work in a goroutine that ends when closing is closed, and that Close waits for; not once the cache is closed.
func (c *Cache) whileOpen(work func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.background.Go(work)
	}
}

// safely calls compute and measures it; a panic becomes an error.
func safely[T any](ctx context.Context, compute func(context.Context) (T, error)) (result T, took time.Duration, err error) {
	start := time.Now()
	defer func() {
		took = time.Since(start)
		if v := recover(); v != nil {
			var none T
			result, err = none, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	result, err = compute(ctx)
	return result, took, err
}
