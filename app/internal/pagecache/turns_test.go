package pagecache_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// Requests of one process take turns: who comes while a page is recomputed waits for the next recompute, and for no third.

// newTurns is a page that changes all the time: each recompute is of another version, and nothing of it may be stored.
func newTurns(t *testing.T, l *lab) *story {
	t.Helper()
	s := &story{l: l, strategy: "invalidate"}
	s.commit(1)
	return s
}

// TestTurnsUnderAStorm has 50 requests wait for a page that has changed again before it is recomputed. One more recompute serves them all.
func TestTurnsUnderAStorm(t *testing.T) {
	const waiters = 50
	onEachRedis(t, func(t *testing.T, l *lab) {
		s := newTurns(t, l)
		a := s.holdIn(t, "A", l.cache)
		var recomputes atomic.Int64
		waiting := s.ask(t, waiters, l.cache, func(version int64) {
			recomputes.Add(1)
			s.commit(version + 1)
			s.invalidate(t, version+1) // while it is recomputed
		})
		l.waiting(t, waiters)
		s.commit(2)
		s.invalidate(t, 2)
		if got := a.fill(t); got.out.Detail != pagecache.DetailRejected || got.out.Stored {
			t.Errorf("A: got %+v, want a rejected fill", got.out)
		}
		coalesced := 0
		for _, w := range collect(t, waiters, waiting) {
			if w.err != nil || w.page.Version != 2 {
				t.Errorf("a waiter got version %d, %v, want 2", w.page.Version, w.err)
			}
			if w.out.Result == api.CacheCoalesced {
				coalesced++
			}
		}
		if n := recomputes.Load(); n != 1 || coalesced != waiters-1 {
			t.Errorf("%d recomputes and %d coalesced requests, want 1 and %d", n, coalesced, waiters-1)
		}
		// The second was for a page that had changed before it was stored.
		if c := l.counters(); c.recomputes != 2 || c.cold != 1 || c.expirations != 1 {
			t.Errorf("counted %+v, want a cold page and an expired one", c)
		}
	})
}

// TestTurnsAfterCancelledWaiters has all who wait for a turn leave before it begins: whoever comes next has it.
func TestTurnsAfterCancelledWaiters(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		s := newTurns(t, l)
		a := s.holdIn(t, "A", l.cache)
		ctx, cancel := context.WithCancel(l.request(t))
		left := make(chan answer, 2)
		for range 2 {
			go func() {
				_, out, err := l.cache.Get(ctx, s.strategy, key, s.source(at))
				left <- answer{out: out, err: err}
			}()
		}
		l.waiting(t, 2)
		cancel()
		for _, w := range collect(t, 2, left) {
			if !errors.Is(w.err, context.Canceled) || w.out.Result != api.CacheError {
				t.Errorf("got %+v, %v, want its own cancellation", w.out, w.err)
			}
		}
		s.commit(2)
		s.invalidate(t, 2)
		reader := s.ask(t, 1, l.cache, at)
		l.waiting(t, 1)
		a.fill(t)
		s.got(t, "a reader", collect(t, 1, reader)[0], 2)
		s.read(t, 2)
		if s.violation != "" {
			t.Error(s.violation)
		}
	})
}

// TestTurnsThatFail has every recompute fail: each error is that of a recompute which began after its request came.
func TestTurnsThatFail(t *testing.T) {
	const waiters = 20
	onEachRedis(t, func(t *testing.T, l *lab) {
		var computed count
		release := make(chan struct{})
		answers := l.herd(t, 1, "invalidate", func(ctx context.Context) (pagecache.Page, error) {
			computed.add()
			<-release
			return failing(ctx)
		})
		computed.reach(t, 1)
		waiting := l.herd(t, waiters, "invalidate", func(context.Context) (pagecache.Page, error) {
			computed.add()
			panic("no such row")
		})
		l.waiting(t, waiters)
		close(release)
		if a := collect(t, 1, answers)[0]; !errors.Is(a.err, errDatabase) {
			t.Errorf("the first: got %v, want the error of its own recompute", a.err)
		}
		for _, a := range collect(t, waiters, waiting) {
			if !errors.As(a.err, new(*pagecache.PanicError)) {
				t.Errorf("a waiter: got %v, want the panic of the second recompute", a.err)
			}
		}
		if n := computed.value(); n != 2 {
			t.Errorf("%d recomputes, want 2", n)
		}
	})
}
