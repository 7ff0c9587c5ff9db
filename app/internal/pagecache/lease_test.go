package pagecache_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/testkit"
)

func (l *lab) rejected() int64 {
	return l.registry.Counters().Modes["test"].Counts[api.CountRejected]
}

// TestLeaseServesStaleMeanwhile has one request recompute a page in its time of grace: it gets the fresh page, and the others the old one
// before that is there.
func TestLeaseServesStaleMeanwhile(t *testing.T) {
	const n = 50
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "lease", page(1))
		l.pass(ttl + grace/2)
		release := make(chan struct{})
		answers := l.herd(t, n, "lease", func(ctx context.Context) (pagecache.Page, error) {
			<-release
			return page(2)(ctx)
		})
		for _, a := range collect(t, n-1, answers) {
			if a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheStale || a.out.TTL > -grace/2 || a.out.Age < ttl+grace/2 || a.out.Detail != "" {
				t.Errorf("got version %d, %+v, %v, want the stale page", a.page.Version, a.out, a.err)
			}
		}
		close(release)
		if a := collect(t, 1, answers)[0]; a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheMiss || !a.out.Stored {
			t.Errorf("the holder got version %d, %+v, %v, want the page that it stored", a.page.Version, a.out, a.err)
		}
	})
}

// TestLeaseFailedRecomputeServesStale: a failed recompute costs its request no more than it costs the others, and frees the lease.
func TestLeaseFailedRecomputeServesStale(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "lease", page(1))
		l.pass(ttl)
		for range 2 {
			a := l.get(t, "lease", failing)
			if a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheStale || a.out.Detail != pagecache.DetailRefreshFailed || l.locked(t) {
				t.Errorf("got version %d, %+v, %v, locked %t, want the stale page and no lease", a.page.Version, a.out, a.err, l.locked(t))
			}
		}
		l.pass(grace)
		if a := l.get(t, "lease", failing); !errors.Is(a.err, errDatabase) {
			t.Errorf("past its grace: got %+v, %v, want the error", a.out, a.err)
		}
	})
}

// TestLeaseOneRecomputeForAllReplicas has a herd over several caches on one Redis.
func TestLeaseOneRecomputeForAllReplicas(t *testing.T) {
	const replicas = 3
	onEachRedis(t, func(t *testing.T, l *lab) {
		caches := []*pagecache.Cache{l.cache}
		for len(caches) < replicas {
			caches = append(caches, pagecache.New(l.rdb, l.prefix, l.config))
		}
		for version, prepare := range []func(){
			func() {},                                     // cold
			func() { l.pass(ttl) },                        // in its time of grace
			func() { l.pass(ttl + grace) },                // gone
			func() { _ = l.cache.Expire(testContext(t)) }, // as a scenario has it
			func() { invalidateEach(t, caches, 5) },       // changed
			func() { _ = l.cache.Flush(testContext(t)) },  // flushed
		} {
			version++
			prepare()
			var computed count
			first := l.trips.first.value()
			var wg sync.WaitGroup
			for i := range herdSize {
				ctx := l.request(t)
				wg.Go(func() {
					p, out, err := get(ctx, caches[i%replicas], "lease", key, func(ctx context.Context) (pagecache.Page, error) {
						computed.add()
						l.trips.first.reach(t, first+herdSize)
						return page(int64(version))(ctx)
					})
					if err != nil || p.Version != int64(version) && out.Result != api.CacheStale {
						t.Errorf("herd %d: got version %d, %+v, %v", version, p.Version, out, err)
					}
				})
			}
			wg.Wait()
			if got := computed.value(); got != 1 {
				t.Errorf("herd %d: %d replicas made %d recomputes, want 1", version, replicas, got)
			}
		}
	})
}

func invalidateEach(t *testing.T, caches []*pagecache.Cache, version int64) {
	t.Helper()
	for _, c := range caches {
		if err := c.Invalidate(testContext(t), "lease", key, version); err != nil {
			t.Error(err)
		}
	}
}

// TestLeaseRoundTrips counts what a request waits for when Redis is far away.
func TestLeaseRoundTrips(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		// The server has to know the scripts: the first call of each is one round trip more.
		l.get(t, "lease", page(1))
		l.get(t, "lease", page(1))
		if err := l.cache.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name   string
			before func()
			want   int
			result api.CacheResult
		}{
			{"a miss: read, acquire, fill", func() {}, 3, api.CacheMiss},
			{"a hit: read", func() {}, 1, api.CacheHit},
			{"stale: read, acquire", func() { l.pass(ttl); l.lease(t) }, 2, api.CacheStale},
			{"stale, recomputed: read, acquire, fill", func() { l.revoke(t) }, 3, api.CacheMiss},
		} {
			step.before()
			before := l.trips.all.value()
			a := l.get(t, "lease", page(1))
			if got := l.trips.all.value() - before; got != step.want || a.out.Result != step.result || a.err != nil {
				t.Errorf("%s: got %d round trips, %+v, %v, want %d and %s", step.name, got, a.out, a.err, step.want, step.result)
			}
		}
	})
}

// lease leaves a lease behind that another process holds; revoke takes it away.
func (l *lab) lease(t *testing.T) {
	t.Helper()
	l.lock(t, "lease")
}

// lock leaves a page's lock behind that another process holds.
func (l *lab) lock(t *testing.T, strategy string) {
	t.Helper()
	if err := l.rdb.Set(testContext(t), pagecache.LockKey(l.prefix, strategy, key), "the token of another process", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) revoke(t *testing.T) {
	t.Helper()
	if err := l.rdb.Del(testContext(t), pagecache.LockKey(l.prefix, "lease", key)).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestLeaseIsExtended has a recompute that takes longer than its lease: it keeps it, and its page is stored.
func TestLeaseIsExtended(t *testing.T) {
	const short = 3 * time.Second // a third of it is the time from one extension to the next
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.LockTTL = short })
		lockKey := pagecache.LockKey(l.prefix, "lease", key)
		a := l.get(t, "lease", func(ctx context.Context) (pagecache.Page, error) {
			for range 2 {
				l.pass(short / 2)
				testkit.Eventually(t, "the lease is extended", func() bool { return l.left(t, lockKey) > short/2 })
			}
			return page(1)(ctx)
		})
		if a.err != nil || !a.out.Stored || l.rejected() != 0 {
			t.Errorf("got %+v, %v and %d rejected fills, want a stored miss", a.out, a.err, l.rejected())
		}
	})
}

// TestLeaseIsExtendedNoLonger: the extensions end with the recompute, which Close shows: it would wait for their own timeout, 30 s.
func TestLeaseIsExtendedNoLonger(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.LockTTL = 24 * time.Hour })
		l.get(t, "lease", page(1))
		l.pass(ttl + grace)
		l.get(t, "lease", failing)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := l.cache.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// left is how long a key lives; less than 0 if there is none.
func (l *lab) left(t *testing.T, key string) time.Duration {
	t.Helper()
	left, err := l.rdb.PTTL(testContext(t), key).Result()
	if err != nil {
		t.Error(err)
	}
	return left
}

// TestLeaseIsNotWaitedForForEver has a holder that lives on and never fills.
func TestLeaseIsNotWaitedForForEver(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.ComputeTimeout = 50 * time.Millisecond })
		l.lease(t)
		a := l.get(t, "lease", page(1))
		if a.err != nil || a.page.Version != 1 || string(a.out.Append(nil)) != "loadlab; fwd=miss; detail=wait-over" {
			t.Errorf("got version %d, %+v, %v, want a page of its own that is not stored", a.page.Version, a.out, a.err)
		}
		if keys, err := l.cache.Keys(testContext(t)); err != nil || len(keys) != 0 || l.rejected() != 0 || !l.locked(t) {
			t.Errorf("left: %v, %v, %d rejected fills, locked %t, want no page, and the other's lease", keys, err, l.rejected(), l.locked(t))
		}
	})
}

// TestLeaseLostIsCountedAndServed: the page of a fill that is rejected is good enough for the request that computed it.
func TestLeaseLostIsCountedAndServed(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		a := l.get(t, "lease", func(ctx context.Context) (pagecache.Page, error) {
			if err := l.cache.Invalidate(ctx, "lease", key, 2); err != nil {
				t.Error(err)
			}
			return page(1)(ctx)
		})
		if a.err != nil || a.page.Version != 1 || string(a.out.Append(nil)) != "loadlab; fwd=miss; detail=fill-rejected" || l.rejected() != 1 {
			t.Errorf("got version %d, %q, %v, %d rejected fills, want the page, not stored", a.page.Version, a.out.Append(nil), a.err, l.rejected())
		}
		// A lagging replica: the lease is held, and the version is below what the tombstone accepts.
		if a := l.get(t, "lease", page(1)); a.err != nil || a.out.Stored || a.out.Detail != pagecache.DetailRejected || l.rejected() != 2 || l.locked(t) {
			t.Errorf("got %+v, %v, %d rejected fills, locked %t, want a second one and no lease", a.out, a.err, l.rejected(), l.locked(t))
		}
		if a := l.get(t, "lease", page(2)); !a.out.Stored || l.rejected() != 2 {
			t.Errorf("the version of the change: got %+v, want it to be stored", a.out)
		}
		// Expire takes the page, and not the tombstone.
		if err := l.cache.Expire(testContext(t)); err != nil {
			t.Fatal(err)
		}
		l.pass(grace)
		if a := l.get(t, "lease", page(1)); a.out.Stored {
			t.Errorf("got %+v, want that the tombstone outlives the page", a.out)
		}
		l.pass(l.cache.Config().ComputeTimeout)
		if a := l.get(t, "lease", page(1)); !a.out.Stored {
			t.Errorf("got %+v, want that the tombstone is gone", a.out)
		}
	})
}

// TestVersionsAreCompared takes versions of all sizes and signs, which no number of Lua holds.
func TestVersionsAreCompared(t *testing.T) {
	versions := []int64{math.MinInt64, -1 << 53, -256, -255, -1, 0, 1, 127, 128, 256, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
	onEachRedis(t, func(t *testing.T, l *lab) {
		for i, least := range versions {
			for j, version := range versions {
				if err := l.cache.Flush(testContext(t)); err != nil {
					t.Fatal(err)
				}
				if err := l.cache.Invalidate(testContext(t), "lease", key, least); err != nil {
					t.Fatal(err)
				}
				if a := l.get(t, "lease", page(version)); a.err != nil || a.out.Stored != (j >= i) {
					t.Errorf("version %d where %d is the least: got %+v, %v", version, least, a.out, a.err)
				}
			}
		}
	})
}

// TestLuaReadsEntriesAsGoDoes has values under a page's key that are an entry for both, or for neither: one that only the script took
// for a page would be waited for in vain.
func TestLuaReadsEntriesAsGoDoes(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		pageKey := pagecache.PageKey(l.prefix, "lease", key)
		e := pagecache.Encode(pagecache.Entry{Page: pagecache.Page{Body: []byte("x"), Version: 1}, Generation: 1, TTL: ttl, Grace: grace, Took: 1})
		for at := range e {
			for _, to := range []byte{0, 1, 0x7f, 0x80, 0xff} {
				value := append([]byte(nil), e...)
				value[at] = to
				if err := l.rdb.Set(testContext(t), pageKey, value, time.Hour).Err(); err != nil {
					t.Fatal(err)
				}
				decoded, err := pagecache.Decode(value)
				l.configure(t, func(c *pagecache.Config) { c.ComputeTimeout = 10 * time.Second })
				a := l.get(t, "lease", page(math.MaxInt64))
				switch isPage, fresh := err == nil && decoded.Flags == 0, decoded.Grace < time.Hour; {
				case isPage && fresh && a.out.Result != api.CacheHit, (!isPage || !fresh) && !a.out.Stored:
					t.Errorf("byte %d is %#x: Go has %+v, %v, and the request got %+v, %v", at, to, decoded, err, a.out, a.err)
				}
			}
		}
	})
}

func TestInvalidate(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		for _, s := range pagecache.Strategies() {
			l.get(t, s.Name, page(1))
			if err := l.cache.Invalidate(testContext(t), s.Name, key, 2); err != nil {
				t.Error(err)
			}
			if a := l.get(t, s.Name, page(2)); a.page.Version != 2 || a.out.Result != api.CacheMiss || !a.out.Stored {
				t.Errorf("%s: got version %d, %+v, want a stored miss of the changed page", s.Name, a.page.Version, a.out)
			}
		}
		if err := l.cache.Invalidate(testContext(t), "clairvoyant", key, 2); !errors.Is(err, pagecache.ErrUnknownStrategy) {
			t.Errorf("got %v, want that there is no such strategy", err)
		}
	})
	l := newLab(t, "127.0.0.1:1")
	if err := l.cache.Invalidate(testContext(t), "lease", key, 2); err == nil {
		t.Error("got no error from a Redis that is gone")
	}
}
