package pagecache

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/probe"
)

// headerLookups are the lookups of one page's header by this process. The zero value has none.
//
// A lookup is so small that what it costs is its round trip, so that requests share them: those that come while one is under way wait for it to end, and have the
// next one in common. Nobody is answered by a lookup that was sent before it came: what it shows may be what an invalidation has replaced since.
type headerLookups struct {
	mu   sync.Mutex    // guards all below
	next *headerLookup // not sent yet
	sent *headerLookup // the last that was
}

// headerLookup is one lookup, and who waits for it.
type headerLookup struct {
	before  *headerLookup // that must have ended before it is sent; nil if there is none
	done    chan struct{} // closed when the rest is set for good
	e       *entry
	err     error
	trouble string
}

// join returns the lookup that is sent next. The caller leads it if it is the first to want it.
func (s *headerLookups) join() (l *headerLookup, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return s.next, false
	}
	s.next = &headerLookup{before: s.sent, done: make(chan struct{}), err: errAborted}
	return s.next, true
}

// depart closes a lookup to those who come from now on.
func (s *headerLookups) depart(l *headerLookup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.sent = nil, l
	l.before = nil // or each would keep all before it from being collected
}

// header looks the page's header up, by itself or with others, within the budget that is left: who leads is the first of those who wait, so that the others have
// at least as much left.
func (r *request) header(ctx context.Context) (*entry, error) {
	start := time.Now()
	l, leads := r.slot.headers.join()
	if leads {
		r.leadHeader(ctx, l, start)
		return l.e, l.err
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.budget -= time.Since(start)
	if l.trouble != "" {
		r.trouble = l.trouble
	}
	return l.e, l.err
}

// leadHeader makes a lookup for all who wait for it: a leader whose client has left fails nobody. It waits for no longer than the one before it has a budget.
func (r *request) leadHeader(ctx context.Context, l *headerLookup, start time.Time) {
	defer close(l.done)
	if l.before != nil {
		<-l.before.done
	}
	r.slot.headers.depart(l)
	r.budget -= time.Since(start)
	l.err = r.redis(probe.Detach(ctx), func(ctx context.Context) (err error) {
		l.e, err = r.c.lookupHeader(ctx, r.slot.pageKey)
		return err
	})
	l.trouble = r.trouble
}

// lookupHeader is lookup without the body.
func (c *Cache) lookupHeader(ctx context.Context, key string) (*entry, error) {
	pipe := c.rdb.Pipeline()
	left := pipe.PTTL(ctx, key)
	head := pipe.GetRange(ctx, key, 0, headerSize-1)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	b, err := head.Bytes()
	if err != nil {
		return nil, err
	}
	if e, ok := decodeLive(b, left.Val()); ok {
		return e, nil
	}
	return nil, redis.Nil
}
