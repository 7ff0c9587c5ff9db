package pagecache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// waiting is a context that reports when somebody waits for its end, or else for something.
type waiting struct {
	context.Context
	once  *sync.Once
	begun chan struct{}
}

func newWaiting(ctx context.Context) waiting {
	return waiting{ctx, new(sync.Once), make(chan struct{})}
}

func (w waiting) Done() <-chan struct{} {
	w.once.Do(func() { close(w.begun) })
	return w.Context.Done()
}

// inFlight starts a request whose lookup has been answered, and which does not know it yet: until release is closed.
func (l *lab) inFlight(t *testing.T, tag uint64) (first <-chan answer, release chan struct{}) {
	t.Helper()
	answered, release := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	armed.Store(true)
	l.trips.after = func(context.Context) {
		if armed.CompareAndSwap(true, false) {
			close(answered)
			<-release
		}
	}
	first = l.asks(l.request(t), tag, mustNotCompute(t))
	<-answered
	return first, release
}

// asks starts a request by a caller whose copy has that tag.
func (l *lab) asks(ctx context.Context, tag uint64, compute func(context.Context) (pagecache.Page, error)) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		var a answer
		a.page, a.out, a.err = l.cache.GetUnless(ctx, pagecache.HTTP, key, has(tag), pagecache.Source{Page: compute})
		got <- a
	}()
	return got
}

// TestNobodyIsAnsweredFromBefore: requests that come while a lookup is under way share the next one, and what that finds is not older than they are.
func TestNobodyIsAnsweredFromBefore(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		old := l.getUnless(t, bodyOf("old", 1))
		first, release := l.inFlight(t, old.page.Tag)
		if err := l.cache.Invalidate(testContext(t), pagecache.HTTP, key, 2); err != nil {
			t.Fatal(err)
		}
		other := pagecache.New(l.rdb, l.prefix, l.config)
		if _, _, err := get(l.request(t), other, pagecache.HTTP, key, bodyOf("new", 2)); err != nil {
			t.Fatal(err)
		}
		before := l.trips.all.value()
		b, c := newWaiting(l.request(t)), newWaiting(l.request(t))
		answers := []<-chan answer{l.asks(b, old.page.Tag, mustNotCompute(t)), l.asks(c, old.page.Tag, mustNotCompute(t))}
		select { // one leads, and the other waits for it
		case <-b.begun:
		case <-c.begun:
		}
		close(release)
		if a := collect(t, 1, first)[0]; !a.out.Current {
			t.Errorf("the first: got %+v, want that its copy was current", a.out)
		}
		for _, got := range answers {
			if a := collect(t, 1, got)[0]; a.err != nil || a.out.Current || string(a.page.Body) != "new" || a.out.Result != api.CacheHit {
				t.Errorf("one that came after the change: got %q, %+v, %v, want the new page", a.page.Body, a.out, a.err)
			}
		}
		if got := l.trips.all.value() - before; got != 3 { // one for both, and a body for each
			t.Errorf("got %d round trips, want 3", got)
		}
	})
}

// TestLeaderOfALookupLeaves: who shares its lookup gets an answer all the same.
func TestLeaderOfALookupLeaves(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		page := l.getUnless(t, bodyOf("x", 1)).page
		first, release := l.inFlight(t, page.Tag)
		var stop [2]context.CancelFunc
		var ctxs [2]waiting
		var answers [2]<-chan answer
		for i := range ctxs {
			ctx, cancel := context.WithCancel(l.request(t))
			ctxs[i], stop[i] = newWaiting(ctx), cancel
			answers[i] = l.asks(ctxs[i], page.Tag, mustNotCompute(t))
			defer cancel()
		}
		follower := 0
		select {
		case <-ctxs[0].begun:
		case <-ctxs[1].begun:
			follower = 1
		}
		stop[1-follower]()
		close(release)
		collect(t, 1, first)
		if a := collect(t, 1, answers[follower])[0]; a.err != nil || !a.out.Current {
			t.Errorf("got %+v, %v, want that its copy is current", a.out, a.err)
		}
		collect(t, 1, answers[1-follower])
	})
}

// TestWhoWaitsForALookupLeaves: nobody waits longer than its client.
func TestWhoWaitsForALookupLeaves(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		page := l.getUnless(t, bodyOf("x", 1)).page
		first, release := l.inFlight(t, page.Tag)
		leader := newWaiting(l.request(t))
		ctx, cancel := context.WithCancel(l.request(t))
		defer cancel()
		other := newWaiting(ctx)
		a, b := l.asks(leader, page.Tag, mustNotCompute(t)), l.asks(other, page.Tag, mustNotCompute(t))
		select {
		case <-leader.begun: // then it is the other that leads, and stays for its lookup's sake
		case <-other.begun:
			cancel()
			if got := collect(t, 1, b)[0]; got.err == nil {
				t.Errorf("got %+v, want its cancellation", got.out)
			}
			b = nil
		}
		close(release)
		collect(t, 1, first)
		if got := collect(t, 1, a)[0]; got.err != nil || !got.out.Current {
			t.Errorf("got %+v, %v, want that its copy is current", got.out, got.err)
		}
		if b != nil {
			collect(t, 1, b)
		}
	})
}

// TestLookupsShareAnOutage: those who shared a lookup that failed share a recompute.
func TestLookupsShareAnOutage(t *testing.T) {
	const n = 50
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	tag := l.getUnless(t, bodyOf("x", 1)).page.Tag
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	m.Close()
	var answers []<-chan answer
	for range n {
		answers = append(answers, l.asks(l.request(t), tag, bodyOf("x", 1)))
	}
	for _, got := range answers {
		a := collect(t, 1, got)[0]
		if a.err != nil || a.out.Current || string(a.page.Body) != "x" || a.out.Result == api.CacheHit {
			t.Errorf("got %q, %+v, %v, want the page", a.page.Body, a.out, a.err)
		}
	}
}
