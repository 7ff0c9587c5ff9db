package pagecache_test

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// TestContract holds every strategy of the table against every property below, on each Redis. A new strategy needs no line here, unless
// its law is of a mean: then it needs a simulation.
func TestContract(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		t.Run(s.Name, func(t *testing.T) { checkContract(t, s, func(*pagecache.Config) {}) })
	}
}

// checkContract holds a strategy against the contract, with a change to the configuration.
func checkContract(t *testing.T, s pagecache.Strategy, change func(*pagecache.Config)) {
	for _, p := range []struct {
		name  string
		check func(t *testing.T, l *lab, s pagecache.Strategy)
	}{
		{"cold misses recompute as the law predicts", coldLaw},
		{"an expiry recomputes as the law predicts", expiryLaw},
		{"Expire makes pages expire", expireLaw},
		{"an expiry lasts until the page is fresh", expiryLasts},
		{"a hit is one round trip, or none", hit},
		{"the page is carried unchanged", carried},
		{"Redis' clock decides", redisClock},
		{"a cancelled leader fails no waiter", cancelledLeader},
		{"a miss that comes late recomputes nothing", lateMiss},
		{"one failed recompute is one error", oneFailure},
		{"a failed recompute is not cached", failureNotCached},
		{"a panic is an error", panics},
		{"a dead holder's lock is waited out", deadHolder},
		{"a slow recompute leaves another's lock alone", slowRecompute},
	} {
		t.Run(p.name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				l.configure(t, change)
				p.check(t, l, s)
			})
		})
	}
}

// hit sends a request for a page that is cached, and others. Only l1 makes a difference between them: the first hit is one of the strategy below, and what the others
// cost depends on whether this Redis reports what has changed.
func hit(t *testing.T, l *lab, s pagecache.Strategy) {
	l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } })
	if a := l.get(t, s.Name, page(7)); a.out.Result != api.CacheMiss || !a.out.Stored || a.out.Collapsed || a.out.Detail != "" {
		t.Fatalf("the first request: got %+v, want a stored miss", a.out)
	}
	trips, detail, checks := 1, "", int64(0)
	for i := range 3 {
		if s.Name == "l1" {
			switch tracked := l.tracked(t); {
			case i == 0:
			case tracked:
				trips, detail = 0, pagecache.DetailL1
			default:
				detail = pagecache.DetailL1
				checks++
			}
		}
		before, commands := l.trips.all.value(), l.counters()
		a := l.get(t, s.Name, mustNotCompute(t))
		if got := l.trips.all.value() - before; got != trips {
			t.Errorf("hit %d: got %d round trips, want %d", i, got, trips)
		}
		if a.out.Result != api.CacheHit || a.out.Stored || a.out.Collapsed || a.out.Detail != detail || a.page.Version != 7 {
			t.Errorf("hit %d: got version %d, %+v, want a plain hit with the detail %q", i, a.page.Version, a.out, detail)
		}
		if c := l.counters(); c.recomputes != commands.recomputes || c.expirations != 0 || l.counted(api.CountL1Checks) != checks {
			t.Errorf("hit %d counted as %+v and %d checks, want %d", i, c, l.counted(api.CountL1Checks), checks)
		}
		a.page.Release()
	}
}

func carried(t *testing.T, l *lab, s pagecache.Strategy) {
	// The cache that reads is another one than the one that wrote: it has not met such a large page.
	for _, size := range []int{0, 1, 48 << 10, 64 << 10, 64<<10 + 1, 300 << 10, 1 << 20} {
		want := pagecache.Page{Body: bytes.Repeat([]byte("x\r\n\x00"), size/4+1)[:size], Version: math.MaxInt64 - int64(size)}
		writer, reader := pagecache.New(l.rdb, l.prefix, l.config), pagecache.New(l.rdb, l.prefix, l.config)
		if err := writer.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		_, out, err := get(l.request(t), writer, s.Name, key, func(context.Context) (pagecache.Page, error) { return want, nil })
		if err != nil || !out.Stored {
			t.Fatalf("%d bytes: got %+v, %v, want a stored miss", size, out, err)
		}
		for range 3 {
			got, out, err := get(l.request(t), reader, s.Name, key, mustNotCompute(t))
			if err != nil || out.Result != api.CacheHit || got.Version != want.Version || !bytes.Equal(got.Body, want.Body) {
				t.Errorf("%d bytes: got %d bytes of version %d, %+v, %v", size, len(got.Body), got.Version, out, err)
			}
			got.Release()
		}
	}
}

func redisClock(t *testing.T, l *lab, s pagecache.Strategy) {
	l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } })
	start := time.Now()
	if a := l.get(t, s.Name, page(1)); a.err != nil {
		t.Fatal(a.err)
	}
	l.pass(ttl / 2) // in Redis; here it is but a moment
	a := l.get(t, s.Name, mustNotCompute(t))
	took := time.Since(start) + time.Millisecond // a real server's clock goes on, in steps of a millisecond
	if age := a.out.Age; a.out.Result != api.CacheHit || age < ttl/2 || age > ttl/2+took {
		t.Errorf("got %s at age %s, want a hit at %s and at most %s more", a.out.Result, age, ttl/2, took)
	}
	if left := a.out.TTL; left > ttl/2 || left < ttl/2-took {
		t.Errorf("got a TTL of %s, want %s and at most %s less", left, ttl/2, took)
	}
	l.pass(ttl/2 + grace)
	if a := l.get(t, s.Name, page(2)); a.page.Version != 2 || a.out.Result != api.CacheMiss {
		t.Errorf("past its TTL: got version %d, %+v, want a miss", a.page.Version, a.out)
	}
}
