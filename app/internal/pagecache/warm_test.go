package pagecache_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// dueAfter is how long after it was stored a page of warm is due.
const dueAfter = ttl - ttl/5

// both lets time pass in Redis and in the process.
func (l *lab) both(d time.Duration) {
	l.pass(d)
	l.advance(d)
}

// read expects a hit of that version, whose page would be recomputed by compute from then on.
func (l *lab) read(t *testing.T, version int64, compute func(context.Context) (pagecache.Page, error)) {
	t.Helper()
	if a := l.get(t, "warm", compute); a.err != nil || a.page.Version != version || a.out.Result != api.CacheHit || a.out.Detail != "" {
		t.Errorf("got version %d, %+v, %v, want a hit of version %d", a.page.Version, a.out, a.err, version)
	}
}

// look has warm look at what is due, and waits for the refreshes.
func (l *lab) look(t *testing.T) {
	t.Helper()
	l.cache.WarmPass()
	l.settle(t)
}

// version is the version of the page in Redis, or 0.
func (l *lab) version(t *testing.T) int64 {
	t.Helper()
	k, err := l.cache.Key(testContext(t), "warm:"+key)
	if err != nil {
		return 0
	}
	return k.Version
}

// TestWarmRefreshesWhatIsRead: a page that is read is refreshed ahead of each expiry, once, and nobody waits.
func TestWarmRefreshesWhatIsRead(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "warm", page(1))
		const cycles = 4
		for v := int64(1); v <= cycles; v++ {
			l.read(t, v, page(v+1))
			l.both(dueAfter - ttl/20)
			l.look(t)
			l.read(t, v, page(v+1))
			l.both(ttl / 20)
			l.look(t)
			if got := l.version(t); got != v+1 {
				t.Fatalf("got version %d after %s, want %d", got, dueAfter, v+1)
			}
		}
		if c := l.counters(); c.cold != 1 || c.expirations != cycles || c.recomputes != 1+cycles {
			t.Errorf("counted %+v, want 1 cold page, %d expirations, and a recompute each", c, cycles)
		}
	})
}

// TestWarmForgetsWhatNobodyReads: a page that was stored and not read is not refreshed. It expires, and its next read starts over.
func TestWarmForgetsWhatNobodyReads(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "warm", page(1)) // which is no read of what was stored
		l.both(dueAfter)
		l.look(t)
		if got := l.version(t); got != 1 {
			t.Errorf("a page that nobody has read is at version %d", got)
		}
		l.read(t, 1, page(2)) // in its last fifth
		l.look(t)
		if got := l.version(t); got != 2 {
			t.Errorf("a page that is read shortly before it expires is at version %d, want 2", got)
		}
		l.both(dueAfter) // nobody reads it
		l.look(t)
		if got := l.cache.Watched(); got != 0 || l.version(t) != 2 {
			t.Errorf("%d pages are kept in mind, want none that is not read", got)
		}
		l.both(ttl - dueAfter)
		if a := l.get(t, "warm", page(3)); a.page.Version != 3 || a.out.Result != api.CacheMiss {
			t.Errorf("once it has expired: got version %d, %+v, want a miss", a.page.Version, a.out)
		}
		l.read(t, 3, page(4))
		l.both(dueAfter)
		l.look(t)
		if got := l.version(t); got != 4 {
			t.Errorf("read again, it is at version %d, want 4", got)
		}
		if c := l.counters(); c.recomputes != 4 || c.cold != 1 || c.expirations != 3 {
			t.Errorf("counted %+v, want 4 recomputes of 1 cold page and 3 expirations", c)
		}
	})
}

// replica is another process: a cache on the lab's Redis, with a clock of its own.
func (l *lab) replica(t *testing.T) (c *pagecache.Cache, advance func(time.Duration)) {
	t.Helper()
	var passed atomic.Int64
	cfg := l.config
	cfg.Now = func() time.Time { return time.Unix(1_000_000_000, passed.Load()) }
	c = pagecache.New(l.rdb, l.prefix, cfg)
	t.Cleanup(func() {
		if err := c.Close(testContext(t)); err != nil {
			t.Error(err)
		}
	})
	return c, func(d time.Duration) { passed.Add(int64(d)) }
}

// TestWarmOneRefreshesForAllReplicas: all processes have served the page, and one refreshes it.
func TestWarmOneRefreshesForAllReplicas(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		other, advance := l.replica(t)
		l.get(t, "warm", page(1))
		var computed count
		compute := func(ctx context.Context) (pagecache.Page, error) { return page(int64(1 + computed.add()))(ctx) }
		for v := int64(1); v < 4; v++ {
			l.read(t, v, compute)
			if p, out, err := get(l.request(t), other, "warm", key, compute); err != nil || p.Version != v || out.Result != api.CacheHit {
				t.Errorf("the other: got version %d, %+v, %v, want a hit of version %d", p.Version, out, err, v)
			}
			l.both(dueAfter)
			advance(dueAfter)
			first, second := l.cache, other
			if v%2 == 0 {
				first, second = second, first
			}
			first.WarmPass() // they may have looked by themselves
			second.WarmPass()
			l.settle(t)
			if got := computed.value(); got != int(v) || l.version(t) != v+1 {
				t.Errorf("cycle %d: %d recomputes and version %d, want %d and %d", v, got, l.version(t), v, v+1)
			}
		}
	})
}

// TestWarmSurvivesItsLeader has a process die while it refreshes the page: another one takes over when its lock has run out, before the page expires.
func TestWarmSurvivesItsLeader(t *testing.T) {
	const short = time.Second
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.LockTTL = short })
		leader, advance := l.replica(t)
		l.get(t, "warm", page(1))
		computing, dead := make(chan struct{}), make(chan struct{})
		t.Cleanup(func() { close(dead) })
		if _, out, err := get(l.request(t), leader, "warm", key, func(context.Context) (pagecache.Page, error) {
			close(computing)
			<-dead
			return pagecache.Page{}, errDatabase
		}); err != nil || out.Result != api.CacheHit {
			t.Fatalf("got %+v, %v, want a hit", out, err)
		}
		l.read(t, 1, page(2))
		l.pass(dueAfter)
		advance(dueAfter)
		leader.WarmPass()
		<-computing
		l.advance(dueAfter) // not before: the cache also looks by itself
		l.cache.WarmPass()
		if got := l.version(t); got != 1 {
			t.Fatalf("got version %d while the leader holds the lock", got)
		}
		l.read(t, 1, page(2)) // readers have hits meanwhile
		l.both(short + short/4)
		l.cache.WarmPass()
		testkit.Eventually(t, "another has refreshed the page", func() bool { return l.version(t) == 2 })
		l.read(t, 2, page(3))
		if c := l.counters(); c.cold != 1 || c.recomputes != 3 {
			t.Errorf("counted %+v, want 1 cold page and 3 recomputes, of which one never ended", c)
		}
	})
}

// TestWarmRefreshFails: it is tried again while the page lives, readers have hits, and then a miss with the error.
func TestWarmRefreshFails(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "warm", page(1))
		l.read(t, 1, failing)
		l.both(dueAfter)
		for i := range 4 {
			l.look(t)
			l.read(t, 1, failing)
			if c := l.counters(); c.recomputes != int64(2+i) || c.expirations != 1 {
				t.Errorf("look %d: counted %+v, want %d recomputes and 1 expiration", i+1, c, 2+i)
			}
			l.look(t) // it is not due again yet
			l.both(ttl / 20)
		}
		l.look(t)
		if got := l.cache.Watched(); got != 0 || l.locked(t) {
			t.Errorf("%d pages are kept in mind once they have expired, locked %t", got, l.locked(t))
		}
		if a := l.get(t, "warm", page(2)); a.err != nil || a.out.Result != api.CacheMiss {
			t.Errorf("got %+v, %v, want a miss", a.out, a.err)
		}
	})
}

// TestWarmSlowRefresh: a process does not begin another refresh while one runs, also if that takes longer than its lock lives.
func TestWarmSlowRefresh(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "warm", page(1))
		release := make(chan struct{})
		l.read(t, 1, func(ctx context.Context) (pagecache.Page, error) {
			<-release
			return page(2)(ctx)
		})
		l.both(dueAfter)
		l.cache.WarmPass()
		if err := l.rdb.Del(testContext(t), pagecache.LockKey(l.prefix, "warm", key)).Err(); err != nil {
			t.Fatal(err)
		}
		l.read(t, 1, mustNotCompute(t))
		l.both(ttl / 20)
		l.cache.WarmPass()
		close(release)
		testkit.Eventually(t, "the page is refreshed", func() bool { return l.version(t) == 2 })
		l.settle(t)
	})
}

// TestWarmLeavesAloneWhatIsGone: a page that was flushed or invalidated is not brought back by who has read it before.
func TestWarmLeavesAloneWhatIsGone(t *testing.T) {
	for name, drop := range map[string]func(c *pagecache.Cache, ctx context.Context) error{
		"flush": (*pagecache.Cache).Flush, "expire": (*pagecache.Cache).Expire,
		"invalidate": func(c *pagecache.Cache, ctx context.Context) error { return c.Invalidate(ctx, "warm", key, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				l.get(t, "warm", page(1))
				l.read(t, 1, mustNotCompute(t))
				if err := drop(l.cache, testContext(t)); err != nil {
					t.Fatal(err)
				}
				l.both(dueAfter)
				l.look(t)
				if got := l.cache.Watched(); got != 0 || l.version(t) != 0 {
					t.Errorf("%d pages are kept in mind, and one is at version %d", got, l.version(t))
				}
			})
		})
	}
}

// TestWarmManyPages has more pages due at once than refreshes may run, each in its own time: the earliest first.
func TestWarmManyPages(t *testing.T) {
	const pages = 40
	onEachRedis(t, func(t *testing.T, l *lab) {
		ask := func(i int, compute func(context.Context) (pagecache.Page, error)) pagecache.Outcome {
			_, out, err := get(l.request(t), l.cache, "warm", fmt.Sprint("page=", i), compute)
			if err != nil {
				t.Error(err)
			}
			return out
		}
		var running, most, refreshed atomic.Int64
		refresh := func(ctx context.Context) (pagecache.Page, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			refreshed.Add(1)
			return page(2)(ctx)
		}
		for i := range pages {
			ask(i, page(1))
			ask(i, refresh)
		}
		l.both(dueAfter)
		l.look(t)
		testkit.Eventually(t, "all are refreshed", func() bool { return refreshed.Load() == pages })
		l.settle(t)
		if n := most.Load(); n > 8 {
			t.Errorf("%d refreshes ran at a time", n)
		}
		for i := range pages {
			if out := ask(i, mustNotCompute(t)); out.Result != api.CacheHit || out.TTL <= ttl/2 {
				t.Errorf("page %d: got %+v, want a hit of the new page", i, out)
			}
		}
	})
}

// TestWarmRedisGone: the page cannot be looked at, and its reads are as with lock. Nothing is recomputed in the background meanwhile.
func TestWarmRedisGone(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	l.get(t, "warm", page(1))
	l.read(t, 1, mustNotCompute(t))
	m.Close()
	l.advance(dueAfter)
	l.cache.WarmPass()
	if a := l.get(t, "warm", page(2)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheDown {
		t.Errorf("got version %d, %+v, %v, want a page without the cache", a.page.Version, a.out, a.err)
	}
}

// TestWarmByItself is of the clock on the wall: nothing but time has the page refreshed, and Close ends that.
func TestWarmByItself(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.Now, c.TTL = time.Now, time.Second })
		var computed count
		compute := func(ctx context.Context) (pagecache.Page, error) { return page(int64(computed.add()))(ctx) }
		// miniredis' time stands still.
		testkit.Eventually(t, "the page is refreshed again and again", func() bool {
			l.get(t, "warm", compute)
			return computed.value() >= 3
		})
		l.settle(t)
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if l.locked(t) {
			t.Error("a lock was left behind")
		}
	})
}

// TestWarmTrace: a refresh is a trace of its own, linked to a request for which the page is kept warm, and has its error.
func TestWarmTrace(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "warm", page(1))
		ctx, server, recorder := l.traced(t, sdktrace.AlwaysSample())
		if _, _, err := get(ctx, l.cache, "warm", key, failing); err != nil {
			t.Fatal(err)
		}
		server.End()
		l.both(dueAfter)
		l.cache.WarmPass()
		testkit.Eventually(t, "the refresh has ended", func() bool { return len(recorder.Ended()) == 4 })
		spans := map[string]sdktrace.ReadOnlySpan{}
		for _, s := range recorder.Ended() {
			spans[s.Name()] = s
		}
		get, refresh := spans["cache get"], spans["cache refresh"]
		if get == nil || refresh == nil || refresh.Status().Code != codes.Error || refresh.SpanContext().TraceID() == get.SpanContext().TraceID() ||
			len(refresh.Links()) != 1 || refresh.Links()[0].SpanContext.SpanID() != get.SpanContext().SpanID() {
			t.Fatalf("got spans %v, want a refresh that failed, in a trace of its own that is linked to the reader", spans)
		}
		if of := attribute.NewSet(refresh.Attributes()...); !of.HasValue(signal.AttrCacheStrategy) || !of.HasValue(signal.AttrCacheKey) {
			t.Errorf("the refresh has %v, want the strategy and the page that it is searched by", of.ToSlice())
		}
	})
}
