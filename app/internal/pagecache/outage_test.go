package pagecache_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/localserver"
)

// budget is what Redis may cost a request in these tests; bound is what none may take even on a very busy machine. With go-redis'
// defaults the same requests take 5 s and more.
const (
	budget = 100 * time.Millisecond
	bound  = 3 * time.Second
)

// checkOutage sends a request by each strategy to a Redis that does not work, and expects nothing but the page.
func checkOutage(t *testing.T, l *lab, wantDetail string) {
	t.Helper()
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	before := l.counters()
	for _, s := range pagecache.Strategies() {
		start := time.Now()
		a := l.get(t, s.Name, page(1))
		took := time.Since(start)
		if a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheMiss || a.out.Stored || a.out.Detail != wantDetail {
			t.Errorf("%s: got version %d, %+v, %v, want a miss that says %s", s.Name, a.page.Version, a.out, a.err, wantDetail)
		}
		if got := string(a.out.Append(nil)); got != "loadlab; fwd=miss; detail="+wantDetail {
			t.Errorf("%s: Cache-Status %q", s.Name, got)
		}
		if took > bound {
			t.Errorf("%s: took %s, with a budget of %s", s.Name, took, budget)
		}
	}
	if c := l.counters(); c.cold != before.cold || c.expirations != 0 {
		t.Errorf("counted %d cold, %d expirations, with nobody to say whether the page was there", c.cold-before.cold, c.expirations)
	}
}

func TestRedisGone(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	m.Close()
	checkOutage(t, l, pagecache.DetailRedis)
}

func TestRedisAnswersErrors(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	m.SetError("LOADING Redis is loading the dataset in memory")
	checkOutage(t, l, pagecache.DetailRedis)
	m.SetError("")
	if a := l.get(t, "ttl", page(2)); !a.out.Stored || a.out.Detail != "" {
		t.Errorf("once it is back: got %+v, want a stored miss", a.out)
	}
}

// TestRedisBlackHole has a peer that accepts connections and never answers.
func TestRedisBlackHole(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	l := newLab(t, hole.Addr().String())
	checkOutage(t, l, pagecache.DetailRedis)
	// The first round trip of each request took the whole budget: there must have been no other.
	if got, want := l.trips.all.value(), len(pagecache.Strategies()); got != want {
		t.Errorf("%d requests made %d round trips, want one each", want, got)
	}
}

func TestRedisStopped(t *testing.T) {
	r, err := localserver.StartRedis(testContext(t), localserver.Options{})
	if err != nil {
		if realRedis != "" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: no redis-server")
	}
	defer r.Stop()
	l := newLab(t, r.Addr())
	if a := l.get(t, "ttl", page(1)); !a.out.Stored {
		t.Fatalf("got %+v", a.out)
	}
	if err := syscall.Kill(r.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	checkOutage(t, l, pagecache.DetailRedis)
	if err := syscall.Kill(r.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
	if a := l.get(t, "ttl", mustNotCompute(t)); a.out.Result != api.CacheHit {
		t.Errorf("once it goes on: got %+v, want a hit", a.out)
	}
}

// TestBudgetIsForAllRoundTrips has a Redis that is slow, but not so slow that a single call would use the budget up.
func TestBudgetIsForAllRoundTrips(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.trips.before = func(ctx context.Context, _ string) {
		select {
		case <-ctx.Done():
		case <-time.After(budget * 2 / 3):
		}
	}
	for _, s := range pagecache.Strategies() {
		l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
		before := l.trips.all.value()
		if a := l.get(t, s.Name, page(1)); a.err != nil || a.out.Detail != pagecache.DetailRedis || a.out.Stored {
			t.Errorf("%s: got %+v, %v", s.Name, a.out, a.err)
		}
		// The first call leaves a third of the budget, the second uses it up.
		if got := l.trips.all.value() - before; got != 2 {
			t.Errorf("%s: made %d round trips, want 2", s.Name, got)
		}
	}
}

// TestRedisGoneMidWay loses Redis while recomputes run and others wait: nobody fails, and nobody waits for the lock of a Redis
// that has gone.
func TestRedisGoneMidWay(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		t.Run(s.Name, func(t *testing.T) {
			m := miniredis.RunT(t)
			l := newLab(t, m.Addr())
			l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
			const n = 10
			var computed count
			answers := l.herd(t, n, s.Name, func(ctx context.Context) (pagecache.Page, error) {
				if computed.add() == 1 {
					l.trips.first.reach(t, n)
					m.Close()
				}
				return page(1)(ctx)
			})
			for _, a := range collect(t, n, answers) {
				if a.err != nil || a.page.Version != 1 {
					t.Errorf("got version %d, %+v, %v", a.page.Version, a.out, a.err)
				}
			}
		})
	}
}

func TestSingleflightShieldsTheDatabaseWhenRedisIsGone(t *testing.T) {
	const n = 50
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	m.Close()
	var computed count
	answers := l.herd(t, n, "singleflight", func(ctx context.Context) (pagecache.Page, error) {
		computed.add()
		l.waiting(t, n-1)
		return page(1)(ctx)
	})
	for _, a := range collect(t, n, answers) {
		if a.err != nil {
			t.Error(a.err)
		}
	}
	if got := computed.value(); got != 1 {
		t.Errorf("got %d recomputes, want 1", got)
	}
}
