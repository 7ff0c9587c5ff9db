package pagecache_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// getUnless makes a request of http by a caller whose copies have those tags.
func (l *lab) getUnless(t *testing.T, compute func(context.Context) (pagecache.Page, error), tags ...uint64) answer {
	t.Helper()
	var a answer
	a.page, a.out, a.err = l.cache.GetUnless(l.request(t), pagecache.HTTP, key, has(tags...), pagecache.Source{Page: compute})
	return a
}

func has(tags ...uint64) func(uint64) bool {
	return func(tag uint64) bool {
		for _, one := range tags {
			if one == tag {
				return true
			}
		}
		return false
	}
}

// bodyOf returns a compute function for a page of that version with that body.
func bodyOf(body string, version int64) func(context.Context) (pagecache.Page, error) {
	return func(context.Context) (pagecache.Page, error) {
		return pagecache.Page{Body: []byte(body), Version: version}, nil
	}
}

// TestTagFollowsFromTheBody: a tag is of the body alone, whichever process and recompute made it. One that a process seeds for itself has not these values.
func TestTagFollowsFromTheBody(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		for _, tc := range []struct {
			body    string
			version int64
			want    uint64
		}{
			{"", 1, 0xef46db3751d8e999}, // of no bytes: the published value of XXH64 with the seed 0
			{"a", 2, 0xd24ec4f1a98c6e5b},
			{"a", 3, 0xd24ec4f1a98c6e5b},
		} {
			if err := l.cache.Flush(testContext(t)); err != nil {
				t.Fatal(err)
			}
			filled := l.getUnless(t, bodyOf(tc.body, tc.version))
			if filled.err != nil || filled.page.Tag != tc.want || !filled.out.Stored {
				t.Errorf("%q: filled as %x, %+v, %v, want %x", tc.body, filled.page.Tag, filled.out, filled.err, tc.want)
			}
			other := pagecache.New(l.rdb, l.prefix, l.config)
			read, _, err := get(l.request(t), other, pagecache.HTTP, key, mustNotCompute(t))
			if err != nil || read.Tag != tc.want || read.Version != tc.version {
				t.Errorf("%q: read as %x of version %d, %v, want %x of version %d", tc.body, read.Tag, read.Version, err, tc.want, tc.version)
			}
		}
	})
}

// TestCurrentCopy has callers with copies that are current, and that are not.
func TestCurrentCopy(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		first := l.getUnless(t, bodyOf("old", 1))
		check := func(what string, a answer, trips int, wantCurrent bool, wantBody string, want api.CacheResult, wantDetail string) {
			t.Helper()
			if a.err != nil || a.out.Current != wantCurrent || string(a.page.Body) != wantBody {
				t.Errorf("%s: got %q, %+v, %v, want %q, current %t", what, a.page.Body, a.out, a.err, wantBody, wantCurrent)
			}
			if a.out.Result != want || a.out.Detail != wantDetail {
				t.Errorf("%s: got %+v, want %s with the detail %q", what, a.out, want, wantDetail)
			}
			if trips != 0 {
				t.Errorf("%s: %d round trips too many", what, trips)
			}
			a.page.Release() // a page without its body may be released as any other
		}
		trips := l.trips.all.value()
		asked := func(want int) int {
			n := l.trips.all.value() - trips - want
			trips = l.trips.all.value()
			return n
		}

		a := l.getUnless(t, mustNotCompute(t), first.page.Tag)
		check("current", a, asked(1), true, "", api.CacheHit, pagecache.DetailNotModified)
		if a.page.Version != 1 || a.page.Tag != first.page.Tag {
			t.Errorf("got version %d and tag %x, want those of the page", a.page.Version, a.page.Tag)
		}
		a = l.getUnless(t, mustNotCompute(t), 1, first.page.Tag, 2)
		check("one of several", a, asked(1), true, "", api.CacheHit, pagecache.DetailNotModified)
		a = l.getUnless(t, mustNotCompute(t), first.page.Tag+1)
		check("another", a, asked(2), false, "old", api.CacheHit, "")
		a = l.getUnless(t, mustNotCompute(t))
		check("none of them", a, asked(2), false, "old", api.CacheHit, "")

		l.pass(ttl + grace)
		a = l.getUnless(t, bodyOf("new", 2), first.page.Tag)
		check("the page changed", a, 0, false, "new", api.CacheMiss, "")
		a = l.getUnless(t, mustNotCompute(t), first.page.Tag)
		check("an old copy", a, 0, false, "new", api.CacheHit, "")
		l.pass(ttl + grace)
		a = l.getUnless(t, bodyOf("new", 3), a.page.Tag)
		check("recomputed to the same", a, 0, true, "", api.CacheMiss, pagecache.DetailNotModified)
		if a.page.Version != 3 {
			t.Errorf("got version %d, want that of the new recompute", a.page.Version)
		}
		if c := l.counters(); c.recomputes != 3 || c.expirations != 2 || c.cold != 1 {
			t.Errorf("counted %+v, want 3 recomputes, 2 expirations, 1 cold", c)
		}
	})
}

// TestCurrentCopyMovesNoBody counts what Redis sends.
func TestCurrentCopyMovesNoBody(t *testing.T) {
	const size, most = 48_000, 500
	onEachRedis(t, func(t *testing.T, l *lab) {
		var received atomic.Int64
		o := *l.rdb.Options()
		dial := o.Dialer
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return counted{conn, &received}, err
		}
		rdb := redis.NewClient(&o)
		defer rdb.Close()
		cache := pagecache.New(rdb, l.prefix, l.config)
		get := func(tags ...uint64) (pagecache.Page, int64) {
			t.Helper()
			before := received.Load()
			page, _, err := cache.GetUnless(l.request(t), pagecache.HTTP, key, has(tags...), pagecache.Source{Page: bodyOf(string(make([]byte, size)), 1)})
			if err != nil {
				t.Fatal(err)
			}
			return page, received.Load() - before
		}
		get() // fills it
		page, moved := get()
		if len(page.Body) != size || moved < size {
			t.Fatalf("got %d bytes by %d of Redis: the count sees nothing", len(page.Body), moved)
		}
		if page, moved := get(page.Tag); page.Body != nil || moved == 0 || moved >= most {
			t.Errorf("got %d bytes by %d of Redis, want none by at most %d", len(page.Body), moved, most)
		}
	})
}

// counted is a connection that counts what is read from it.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// TestCurrentCopyInGrace: a copy of a page past its TTL is current while the page is refreshed, also if that fails again and again, and no longer once there is
// another.
func TestCurrentCopyInGrace(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		first := l.getUnless(t, bodyOf("old", 1))
		l.pass(ttl + grace/2)
		for range 2 {
			a := l.getUnless(t, failing, first.page.Tag)
			l.settle(t)
			if a.err != nil || !a.out.Current || a.out.Result != api.CacheStale || a.out.Detail != pagecache.DetailRefresh || a.out.Age < ttl+grace/2 {
				t.Errorf("got %+v, %v, want that the copy is current, and a refresh", a.out, a.err)
			}
		}
		release := make(chan struct{})
		slow := func(ctx context.Context) (pagecache.Page, error) {
			<-release
			return bodyOf("new", 2)(ctx)
		}
		if a := l.getUnless(t, slow, first.page.Tag); !a.out.Current || a.out.Detail != pagecache.DetailRefresh {
			t.Errorf("got %+v, want that the copy is current, and a refresh", a.out)
		}
		if a := l.getUnless(t, mustNotCompute(t), first.page.Tag); !a.out.Current || a.out.Result != api.CacheStale || a.out.Detail != pagecache.DetailNotModified {
			t.Errorf("while it is refreshed: got %+v, want that the copy is current", a.out)
		}
		if a := l.getUnless(t, mustNotCompute(t)); a.out.Current || string(a.page.Body) != "old" || a.out.Result != api.CacheStale {
			t.Errorf("without a copy: got %q, %+v, want the old page", a.page.Body, a.out)
		}
		close(release)
		l.settle(t)
		if a := l.getUnless(t, mustNotCompute(t), first.page.Tag); a.out.Current || string(a.page.Body) != "new" {
			t.Errorf("once it is refreshed: got %q, %+v, want the new page", a.page.Body, a.out)
		}
		l.pass(ttl + grace)
		if a := l.getUnless(t, failing, first.page.Tag); !errors.Is(a.err, errDatabase) || a.out.Current {
			t.Errorf("past its grace: got %+v, %v, want the error", a.out, a.err)
		}
	})
}

// TestPageGoneBetweenHeaderAndBody: the page of a caller with another copy expires after its header was read. It is one expiry.
func TestPageGoneBetweenHeaderAndBody(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.getUnless(t, bodyOf("old", 1))
		a := answer{}
		a.page, a.out, a.err = l.cache.GetUnless(l.request(t), pagecache.HTTP, key, func(uint64) bool {
			l.pass(ttl + grace)
			return false
		}, pagecache.Source{Page: bodyOf("new", 2)})
		if a.err != nil || string(a.page.Body) != "new" || a.out.Result != api.CacheMiss || !a.out.Stored {
			t.Errorf("got %q, %+v, %v, want a stored miss", a.page.Body, a.out, a.err)
		}
		if c := l.counters(); c.recomputes != 2 || c.expirations != 1 || c.cold != 1 {
			t.Errorf("counted %+v, want 2 recomputes, 1 expiration, 1 cold", c)
		}
	})
}

// TestNoCopyIsCurrentWithoutRedis: a page that is not in the cache has no tag, and comes whole.
func TestNoCopyIsCurrentWithoutRedis(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	first := l.getUnless(t, bodyOf("x", 1))
	m.Close()
	a := l.getUnless(t, bodyOf("x", 1), first.page.Tag)
	if a.err != nil || a.out.Current || !bytes.Equal(a.page.Body, []byte("x")) || a.page.Tag != 0 || a.out.Result != api.CacheDown {
		t.Errorf("got %q with tag %x, %+v, %v, want the page", a.page.Body, a.page.Tag, a.out, a.err)
	}
}

// TestOthersHeedCopies: a strategy that reads the whole page leaves the body out all the same.
func TestOthersHeedCopies(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		for _, s := range pagecache.Strategies() {
			l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } })
			l.get(t, s.Name, page(1))
			full := l.get(t, s.Name, mustNotCompute(t))
			if full.page.Tag == 0 {
				continue // it is put together from parts
			}
			p, out, err := l.cache.GetUnless(l.request(t), s.Name, key, has(full.page.Tag), pagecache.Source{Page: mustNotCompute(t)})
			if err != nil || !out.Current || p.Body != nil || p.Version != 1 {
				t.Errorf("%s: got %q of version %d, %+v, %v, want no body", s.Name, p.Body, p.Version, out, err)
			}
		}
	})
}
