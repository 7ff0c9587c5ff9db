package pagecache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

func TestFlushLeavesOthersAlone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx := testContext(t)
		// The second prefix would match a pattern that is not escaped.
		own := pagecache.New(l.rdb, l.prefix+"[a]*", l.config)
		other := pagecache.New(l.rdb, l.prefix+"a-b", l.config)
		for i := range 1200 { // more than one batch of a scan
			_, _, err := get(l.request(t), own, "ttl", fmt.Sprint("page=", i), page(1))
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := get(l.request(t), other, "ttl", key, page(1)); err != nil {
			t.Fatal(err)
		}
		if keys, err := own.Keys(ctx); len(keys) != 1200 || err != nil {
			t.Errorf("got %d keys, %v, want 1200", len(keys), err)
		}
		if err := own.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if keys, err := own.Keys(ctx); len(keys) != 0 || err != nil {
			t.Errorf("after a flush: got %d keys, %v, want none", len(keys), err)
		}
		if _, out, err := get(l.request(t), other, "ttl", key, mustNotCompute(t)); out.Result != api.CacheHit || err != nil {
			t.Errorf("the other cache's page: got %+v, %v, want a hit", out, err)
		}
		if err := other.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlushFreesLocks(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx := testContext(t)
		if err := l.rdb.Set(ctx, pagecache.LockKey(l.prefix, "lock", key), "of a dead process", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if err := l.cache.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if a := l.get(t, "lock", page(1)); !a.out.Stored {
			t.Errorf("got %+v, want a stored miss", a.out)
		}
	})
}

func TestExpireKeepsTheGrace(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx := testContext(t)
		for _, s := range pagecache.Strategies() {
			l.get(t, s.Name, page(1))
		}
		if err := l.rdb.Set(ctx, pagecache.PageKey(l.prefix, "ttl", "junk"), "not an entry", 0).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time must not prolong what is in its grace already
			if err := l.cache.Expire(ctx); err != nil {
				t.Fatal(err)
			}
			keys, err := l.cache.Keys(ctx)
			var left []string
			for _, k := range keys {
				left = append(left, strings.TrimSuffix(k.Key, ":"+key))
			}
			if want := []string{"failsafe", "http", "l1", "lease", "swr"}; err != nil || !slices.Equal(left, want) {
				t.Fatalf("left: %v, %v, want the pages of %v only", left, err, want)
			}
			l.pass(grace / 4)
		}
		for _, strategy := range []string{"failsafe", "http", "l1", "lease", "swr"} {
			k, err := l.cache.Key(ctx, strategy+":"+key)
			if err != nil || k.TTL > (grace/2).Seconds() || k.Age < (ttl+grace/2).Seconds() {
				t.Errorf("got %+v, %v, want half of its grace to be over", k, err)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx := testContext(t)
		if keys, err := l.cache.Keys(ctx); keys == nil || len(keys) != 0 || err != nil {
			t.Errorf("of an empty cache: got %v, %v, want an empty list", keys, err)
		}
		l.get(t, "ttl", page(3))
		l.get(t, "swr", page(41))
		l.pass(4 * time.Second)
		want := []api.Key{
			{Key: "swr:" + key, Bytes: int64(len("page of version 41")), TTL: 10, Version: 41, Age: 4},
			{Key: "ttl:" + key, Bytes: int64(len("page of version 3")), TTL: 6, Version: 3, Age: 4},
		}
		near := cmpopts.EquateApprox(0, 1) // a real server's clock goes on
		got, err := l.cache.Keys(ctx)
		if diff := cmp.Diff(want, got, near); diff != "" || err != nil {
			t.Errorf("%v, (-want +got)\n%s", err, diff)
		}
		one, err := l.cache.Key(ctx, "ttl:"+key)
		if diff := cmp.Diff(want[1], one, near); diff != "" || err != nil {
			t.Errorf("%v, (-want +got)\n%s", err, diff)
		}
		if _, err := l.cache.Key(ctx, "ttl:nowhere"); !errors.Is(err, pagecache.ErrNoKey) {
			t.Errorf("got %v, want that there is no such key", err)
		}
	})
}

func TestControlsTellThatRedisIsGone(t *testing.T) {
	l := newLab(t, "127.0.0.1:1")
	ctx := testContext(t)
	_, keysErr := l.cache.Keys(ctx)
	_, keyErr := l.cache.Key(ctx, "ttl:"+key)
	for name, err := range map[string]error{"flush": l.cache.Flush(ctx), "expire": l.cache.Expire(ctx), "keys": keysErr, "key": keyErr} {
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestForeignValues finds values under a page's key that the cache did not write: they are misses, and are replaced.
func TestForeignValues(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		ctx := testContext(t)
		flagged := func(flags byte) []byte {
			return pagecache.Encode(pagecache.Entry{Flags: flags, Page: pagecache.Page{Body: []byte("x"), Version: 1}, Generation: 1, TTL: ttl})
		}
		for name, put := range map[string]func(k string) error{
			"junk":                 func(k string) error { return l.rdb.Set(ctx, k, "junk", ttl).Err() },
			"no expiry":            func(k string) error { return l.rdb.Set(ctx, k, flagged(0), 0).Err() },
			"of the old layout":    func(k string) error { return l.rdb.Set(ctx, k, entryOfLLP1(), ttl).Err() },
			"of the layout before": func(k string) error { return l.rdb.Set(ctx, k, entryOfLLP2(), ttl).Err() },
			"of a newer app":       func(k string) error { return l.rdb.Set(ctx, k, flagged(0x80), ttl).Err() },
			"no page":              func(k string) error { return l.rdb.Set(ctx, k, flagged(pagecache.Tombstone), ttl).Err() },
			"empty":                func(k string) error { return l.rdb.Set(ctx, k, "", ttl).Err() },
		} {
			if err := put(pagecache.PageKey(l.prefix, "ttl", key)); err != nil {
				t.Fatal(err)
			}
			if a := l.get(t, "ttl", page(2)); a.page.Version != 2 || !a.out.Stored {
				t.Errorf("%s: got version %d, %+v, want a stored miss", name, a.page.Version, a.out)
			}
			if a := l.get(t, "ttl", mustNotCompute(t)); a.out.Result != api.CacheHit {
				t.Errorf("%s: then got %+v, want a hit", name, a.out)
			}
		}
	})
}

func TestConfigAtRunTime(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.TTL = 1500 * time.Millisecond })
		start := time.Now()
		l.get(t, "ttl", page(1))
		left, err := l.rdb.PTTL(testContext(t), pagecache.PageKey(l.prefix, "ttl", key)).Result()
		took := time.Since(start) + time.Millisecond
		if err != nil || left > 1500*time.Millisecond || left < 1500*time.Millisecond-took {
			t.Errorf("got a TTL of %s, %v, want 1.5 s and at most %s less", left, err, took)
		}
		if err := l.cache.SetConfig(pagecache.Config{TTL: -time.Second}); err == nil || err.Error() != "ttl must be from 1ms to 24h, got -1s" {
			t.Errorf("got %v", err)
		}
		if got := l.cache.Config().TTL; got != 1500*time.Millisecond {
			t.Errorf("after a refused change the TTL is %s", got)
		}
	})
}

func TestComputeTimeout(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.ComputeTimeout = 10 * time.Millisecond })
		for _, strategy := range []string{"singleflight", "lock", "lease", "swr", "failsafe", "warm"} {
			a := l.get(t, strategy, func(ctx context.Context) (pagecache.Page, error) {
				<-ctx.Done()
				return pagecache.Page{}, ctx.Err()
			})
			if !errors.Is(a.err, context.DeadlineExceeded) || l.locked(t) {
				t.Errorf("%s: got %v, locked %t, want its timeout and no lock", strategy, a.err, l.locked(t))
			}
		}
	})
}
