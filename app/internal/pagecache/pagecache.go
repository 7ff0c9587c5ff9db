// Package pagecache keeps finished pages in Redis, ready to send, and knows several strategies for what happens when a page is missing
// or too old. Strategies is the table of them; each is one file.
//
// Every strategy is written with the verbs of a request: read, recompute and store a page (request.go), take the page's lock, give it
// back, wait for it (pagelock.go), and refresh the page in the background (refresh.go). What is the same for all of them is kept there, and
// holds for a new strategy by itself:
//
//   - A read is one round trip. All time arithmetic comes from Redis' own clock (PTTL), never from a client's: clocks that disagree
//     change nothing.
//   - Redis is an optimisation. Gone, slow, paused or answering errors, it costs a request one budget in all, and then the page is
//     computed; it never fails a request. After a few calls that failed in a row it costs nothing until it answers again (watch.go).
//     All strategies but ttl recompute a page once at a time in each process meanwhile.
//   - A failed recompute is never cached, and a panic in one is an error.
//
// A new strategy is one new file and one line in Strategies: the contract test and the API then have it.
//
// The package knows neither HTTP nor SQL: how a page is computed is a function that the caller passes.
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

	buf *buffer // what Body is part of, if it was read from Redis
}

// Release gives Body's memory back for the next read. It may be called once, by whoever got the page from Get, when Body is no longer
// used; a page that is never released is left to the garbage collector.
func (p Page) Release() {
	if p.buf != nil {
		p.buf.pool.put(p.buf)
	}
}

// shared is the page without its buffer: no single request may release it.
func (p Page) shared() Page { return Page{Body: p.Body, Version: p.Version} }

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
	return nil
}

// Get returns the page of that key as the strategy has it: from Redis, from another request's recompute, or by calling compute. Errors
// are ErrUnknownStrategy, those of compute (a *PanicError among them, and ErrAbsent), and ctx's own while waiting for another's recompute. Redis
// causes none. A background refresh may call compute after Get has returned: it must not use what ends with its request.
func (c *Cache) Get(ctx context.Context, strategy, key string, compute func(context.Context) (Page, error)) (Page, Outcome, error) {
	p, ok := c.policies[strategy]
	if !ok {
		return Page{}, Outcome{}, fmt.Errorf("%w: %q", ErrUnknownStrategy, strategy)
	}
	r := c.newRequest(strategy, key, compute)
	ctx, span := startSpan(ctx, "cache get")
	page, out, err := p.get(ctx, r)
	if errors.Is(err, ErrAbsent) {
		c.slots.drop(strategy, key)
		out = out.absent(r.trouble)
	}
	out = out.with(r.trouble)
	endSpan(span, strategy, key, out, err)
	return page, out, err
}

// Close lets no more background work start and waits for what is under way, until ctx ends. An outage of Redis is not looked after any more.
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

// whileOpen runs work in a goroutine that ends when closing is closed, and that Close waits for; not once the cache is closed.
func (c *Cache) whileOpen(work func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.background.Go(work)
	}
}

// safely calls compute and measures it; a panic becomes an error.
func safely(ctx context.Context, compute func(context.Context) (Page, error)) (page Page, took time.Duration, err error) {
	start := time.Now()
	defer func() {
		took = time.Since(start)
		if v := recover(); v != nil {
			page, err = Page{}, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	page, err = compute(ctx)
	return page, took, err
}
