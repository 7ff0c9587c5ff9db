package pagecache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// noGrace is for pages that are gone when they expire.
const noGrace = 0

// errSpent is that the request has spent its budget for Redis.
var errSpent = errors.New("the request has spent its budget for Redis")

// request is one request for one page: the verbs that strategies are written with, and what is left of its budget for Redis. It belongs
// to one goroutine.
type request struct {
	c             *Cache
	cfg           *Config
	strategy, key string
	source        Source
	current       func(tag uint64) bool // whether the caller has a copy with that tag; nil if it has none
	slot          *slot
	cause         probe.Cause   // why the page has to be recomputed
	before        uint64        // the generation that this process had last seen when the request came
	asked         bool          // whether a read has answered: only the first miss shows that the page was cold or expired
	freshOnly     bool          // whether a page that is in its time of grace counts as missing
	found         *entry        // what the last read has found, for l1
	budget        time.Duration // that Redis may still cost
	trouble       string        // that Redis made, as a detail of the outcome; empty for none
	rows          *rows         // nil: the page is not dropped when a row of it changes
	waits         time.Time     // since when it has been waiting for the holder of the page's lock; zero if it is not
	busy          bool          // the lock was found to be somebody else's
}

func (c *Cache) newRequest(strategy, key string, source Source) *request {
	cfg := c.config.Load()
	s := c.slots.get(c.prefix, strategy, key)
	return &request{
		c: c, cfg: cfg, strategy: strategy, key: key, source: source, slot: s, before: s.last.Load(), budget: cfg.RedisBudget,
	}
}

// again is the same request with a budget of its own, for work in the background. It counts nothing as missed: r has done so.
func (r *request) again() *request {
	return &request{
		c: r.c, cfg: r.cfg, strategy: r.strategy, key: r.key, source: r.source, slot: r.slot, cause: r.cause, asked: true, budget: r.cfg.RedisBudget,
	}
}

// detach takes the request's cancellation away from a recompute that others may wait for, and gives it a timeout instead.
func (r *request) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(probe.Detach(ctx), r.cfg.ComputeTimeout)
}

// read looks the page up, in one round trip with what else is to be asked. A page that cannot be read is not there.
func (r *request) read(ctx context.Context, also ...func(redis.Pipeliner)) (*entry, bool) {
	var e *entry
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		e, err = r.c.lookup(ctx, r.slot.pageKey, also...)
		return err
	})
	return e, r.answered(ctx, e, err)
}

// answered reports whether a lookup has found e, and counts what it shows of the page.
func (r *request) answered(ctx context.Context, e *entry, err error) bool {
	if err == nil && r.freshOnly && e.fresh <= 0 {
		e.page.Release()
		err = redis.Nil
	}
	switch {
	case err == nil:
		r.asked, r.found = true, e
		r.slot.seen(e.generation)
		return true
	case errors.Is(err, redis.Nil) && !r.asked:
		r.asked = true
		r.cause = r.slot.missed(ctx, r.before)
	}
	return false
}

// head looks the page up without its body, in one round trip; nil if it is not there or cannot be read.
func (r *request) head(ctx context.Context) *entry {
	var e *entry
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		e, err = r.c.lookupHeader(ctx, r.slot.pageKey)
		return err
	})
	if err != nil {
		return nil
	}
	return e
}

// replacing counts that e, which is still cached, is being replaced for its age.
func (r *request) replacing(ctx context.Context, e *entry) {
	r.cause = probe.Expired
	r.slot.expired(ctx, e.generation)
}

// fill recomputes the page and stores it for the TTL and that much grace. When Redis is in trouble, nothing that a strategy does there keeps
// requests from recomputing the page all at once, and the database would have all the load of a site without a cache. Then one request of
// this process recomputes it for the others.
func (r *request) fill(ctx context.Context, grace time.Duration) (Page, Outcome, error) {
	if r.trouble != "" {
		return r.fillTogether(ctx, grace)
	}
	return r.fillAlone(ctx, grace)
}

// fillAlone is fill for a request that shares its recompute with nobody, or does so by itself.
func (r *request) fillAlone(ctx context.Context, grace time.Duration) (Page, Outcome, error) {
	page, took, err := r.recompute(ctx)
	if err != nil {
		return Page{}, failed(), err
	}
	e := r.entry(ctx, page, took, grace)
	stored := r.store(ctx, e)
	if stored {
		page = e.page
	}
	return page, missed(stored, e.ttl), nil
}

func (r *request) recompute(ctx context.Context) (page Page, took time.Duration, err error) {
	defer probe.From(ctx).Recompute(r.cause)()
	within, span := startSpan(ctx, signal.SpanCacheRecompute)
	page, took, err = safely(within, r.source.Page)
	noteWaiters(ctx, int(r.slot.waiters.Load()))
	endWork(span, err)
	return page, took, err
}

// entry makes an entry of a page that was recomputed.
func (r *request) entry(ctx context.Context, page Page, took, grace time.Duration) *entry {
	page.Tag = tagOf(page.Body)
	e := &entry{page: page, generation: newGeneration(), ttl: r.cfg.drawTTL(), grace: grace, took: took}
	if maker := trace.SpanContextFromContext(ctx); maker.IsSampled() {
		e.maker = maker
	}
	return e
}

func (r *request) store(ctx context.Context, e *entry) bool {
	err := r.redis(ctx, func(ctx context.Context) error {
		return r.c.rdb.Set(ctx, r.slot.pageKey, e.encode(), e.ttl+e.grace).Err()
	})
	if err != nil {
		fillFailed(ctx, err)
		return false
	}
	event(ctx, signal.EventFillStored, "", e.ttl)
	r.slot.seen(e.generation)
	return true
}
