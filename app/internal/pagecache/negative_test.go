package pagecache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

const negativeTTL = 3 * time.Second

// flood is how many ids that do not exist are asked for by TestNegativeFlood.
var flood = flag.Int("flood", 20_000, "ids that do not exist, for TestNegativeFlood")

// absent is a compute function for what does not exist.
func absent(context.Context) (pagecache.Page, error) {
	return pagecache.Page{}, fmt.Errorf("%w: number 7", pagecache.ErrAbsent)
}

// checkAbsent expects that there is no such page, with the outcome.
func checkAbsent(t *testing.T, what string, a answer, want string) {
	t.Helper()
	if got := string(a.out.Append(nil)); !errors.Is(a.err, pagecache.ErrAbsent) || a.page.Body != nil || got != want {
		t.Errorf("%s: got %q, %q, %v, want %q and that it does not exist", what, a.page.Body, got, a.err, want)
	}
}

func TestNegativeRemembersAbsence(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.NegativeTTL = negativeTTL })
		checkAbsent(t, "the first", l.get(t, "negative", absent), "loadlab; fwd=miss; stored; detail=absent")
		before := l.trips.all.value()
		a := l.get(t, "negative", mustNotCompute(t))
		left := a.out.TTL
		a.out.TTL = negativeTTL
		checkAbsent(t, "the second", a, "loadlab; hit; ttl=3; detail=absent")
		if trips := l.trips.all.value() - before; trips != 1 || left <= 0 || left > negativeTTL || a.out.Age > time.Second {
			t.Errorf("got %d round trips, %s left and an age of %s, want 1, at most %s, and none", trips, left, a.out.Age, negativeTTL)
		}
		// It comes into existence, and is seen when the time is over.
		l.pass(negativeTTL)
		if a := l.get(t, "negative", page(2)); a.err != nil || a.page.Version != 2 || !a.out.Stored {
			t.Errorf("got version %d, %+v, %v, want what exists by now", a.page.Version, a.out, a.err)
		}
		if a := l.get(t, "negative", mustNotCompute(t)); a.err != nil || a.out.Result != api.CacheHit {
			t.Errorf("then got %+v, %v, want a hit", a.out, a.err)
		}
		// It is gone again when its page has expired.
		l.pass(ttl)
		checkAbsent(t, "gone", l.get(t, "negative", absent), "loadlab; fwd=miss; stored; detail=absent")
		if c := l.counters(); c.recomputes != 3 || c.cold+c.expirations != 3 {
			t.Errorf("counted %+v, want each recompute to be of a cold page or an expiry", c)
		}
	})
}

func TestControlsDropAbsences(t *testing.T) {
	for name, drop := range map[string]func(*pagecache.Cache, context.Context) error{
		"flush": (*pagecache.Cache).Flush, "expire": (*pagecache.Cache).Expire,
	} {
		t.Run(name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				l.get(t, "negative", absent)
				if err := drop(l.cache, testContext(t)); err != nil {
					t.Fatal(err)
				}
				if a := l.get(t, "negative", page(2)); a.err != nil || a.page.Version != 2 {
					t.Errorf("got version %d, %+v, %v, want what exists", a.page.Version, a.out, a.err)
				}
			})
		})
	}
}

// TestNegativeAPageCountsForMore: what one process found absent, and another found and stored, exists.
func TestNegativeAPageCountsForMore(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "negative", absent)
		sentinel := pagecache.AbsentKey(l.prefix, key)
		value, err := l.rdb.Get(testContext(t), sentinel).Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := l.cache.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		l.get(t, "negative", page(1))
		if err := l.rdb.Set(testContext(t), sentinel, value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if a := l.get(t, "negative", mustNotCompute(t)); a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheHit {
			t.Errorf("got version %d, %+v, %v, want the page", a.page.Version, a.out, a.err)
		}
	})
}

// TestNegativeHashCollision has two keys that share their place in the table: neither is taken for the other.
func TestNegativeHashCollision(t *testing.T) {
	of := map[string]string{}
	var one, other string
	for i := 0; other == ""; i++ {
		k := fmt.Sprint("property:", i)
		at := pagecache.AbsentKey("", k)
		if first, taken := of[at]; taken {
			one, other = first, k
		}
		of[at] = k
	}
	onEachRedis(t, func(t *testing.T, l *lab) {
		ask := func(k string, compute func(context.Context) (pagecache.Page, error)) answer {
			var a answer
			a.page, a.out, a.err = get(l.request(t), l.cache, "negative", k, compute)
			return a
		}
		checkAbsent(t, one, ask(one, absent), "loadlab; fwd=miss; stored; detail=absent")
		if a := ask(other, page(2)); a.err != nil || a.page.Version != 2 {
			t.Errorf("%s: got version %d, %+v, %v, want its page", other, a.page.Version, a.out, a.err)
		}
		if a := ask(one, mustNotCompute(t)); !errors.Is(a.err, pagecache.ErrAbsent) {
			t.Errorf("%s: got %v, want that it does not exist", one, a.err)
		}
	})
}

// TestNegativeHerd: of a herd for what does not exist one asks the database, and an absence is no failure that would be tried again.
func TestNegativeHerd(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		if s.Name != "negative" && s.Name != "singleflight" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				var computed count
				answers := l.herd(t, herdSize, s.Name, func(ctx context.Context) (pagecache.Page, error) {
					computed.add()
					l.waiting(t, herdSize-1)
					return absent(ctx)
				})
				results := map[api.CacheResult]int{}
				for _, a := range collect(t, herdSize, answers) {
					results[a.out.Result]++
					if !errors.Is(a.err, pagecache.ErrAbsent) || a.out.Detail != pagecache.DetailAbsent {
						t.Errorf("got %+v, %v, want that it does not exist", a.out, a.err)
					}
				}
				if computed.value() != 1 || results[api.CacheMiss] != 1 || results[api.CacheCoalesced] != herdSize-1 {
					t.Errorf("got %d recomputes and %v, want 1, a miss, and the others collapsed", computed.value(), results)
				}
			})
		})
	}
}

// TestAbsenceIsNoFailure: it is an error of no strategy.
func TestAbsenceIsNoFailure(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		for _, s := range pagecache.Strategies() {
			if a := l.get(t, s.Name, absent); !errors.Is(a.err, pagecache.ErrAbsent) || a.out.Result != api.CacheMiss || a.out.Detail != pagecache.DetailAbsent {
				t.Errorf("%s: got %+v, %v, want a miss of what does not exist", s.Name, a.out, a.err)
			}
		}
		if n := l.cache.Slots(); n != 0 || l.locked(t) {
			t.Errorf("%d pages that do not exist are remembered in the process, locked %t", n, l.locked(t))
		}
	})
}

// TestNegativeFlood asks for more ids that do not exist than there is room for, beside a page that does: neither Redis nor the process holds more for
// it than the table, and the page is as hot as it was.
func TestNegativeFlood(t *testing.T) {
	const clients = 16
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.TTL, c.NegativeTTL = time.Hour, time.Hour })
		l.get(t, "negative", page(1))
		ctx := l.request(t)
		var wg sync.WaitGroup
		for client := range clients {
			wg.Go(func() {
				for i := client; i < *flood; i += clients {
					if _, _, err := get(ctx, l.cache, "negative", fmt.Sprint("property:", i), absent); !errors.Is(err, pagecache.ErrAbsent) {
						t.Errorf("got %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		keys, err := l.rdb.Keys(testContext(t), l.prefix+":*").Result()
		if most := pagecache.AbsentSlots + 1; err != nil || len(keys) > most || len(keys) < most/2 {
			t.Errorf("%d keys in Redis, %v, want at most %d, and most of these", len(keys), err, most)
		}
		if n := l.cache.Slots(); n != 1 {
			t.Errorf("%d pages are remembered in the process, want the one that exists", n)
		}
		l.pass(time.Hour)
		l.get(t, "negative", page(2))
		if c := l.counters(); c.expirations != 1 || c.cold != 1+int64(*flood) {
			t.Errorf("counted %d expirations and %d cold, want 1 of the page, and the flood", c.expirations, c.cold)
		}
	})
}

func TestNegativeRedisGone(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	l.get(t, "negative", absent)
	m.Close()
	for range 2 {
		a := l.get(t, "negative", absent)
		if !errors.Is(a.err, pagecache.ErrAbsent) || a.out.Result != api.CacheDown || a.out.Detail != pagecache.DetailRedis {
			t.Errorf("got %+v, %v, want what the database says, without the cache", a.out, a.err)
		}
	}
}

func TestNegativeTrace(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "negative", absent)
		ctx, server, recorder := l.traced(t, sdktrace.AlwaysSample())
		if _, _, err := get(ctx, l.cache, "negative", key, mustNotCompute(t)); !errors.Is(err, pagecache.ErrAbsent) {
			t.Fatal(err)
		}
		server.End()
		if s := recorder.Ended()[0]; s.Name() != "cache get" || s.Status().Code == codes.Error {
			t.Errorf("got the span %s with %v, want a decision that is no error", s.Name(), s.Status())
		}
	})
}
