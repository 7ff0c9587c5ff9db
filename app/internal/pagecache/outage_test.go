package pagecache_test

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// budget is what Redis may cost a request in these tests. Nothing else ends a round trip: the timeouts of a lab's client are an hour.
const budget = 100 * time.Millisecond

// checkOutage sends a request by each strategy to a Redis that does not work, and expects nothing but the page.
func checkOutage(t *testing.T, l *lab, wantDetail string) {
	t.Helper()
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
	before := l.counters()
	for _, s := range pagecache.Strategies() {
		a := l.get(t, s.Name, page(1))
		if a.err != nil || a.page.Version != 1 || a.page.Tag != 0 || a.out.Result != api.CacheDown || a.out.Stored || a.out.Detail != wantDetail {
			t.Errorf("%s: got version %d, %+v, %v, want a page without the cache with the detail %s", s.Name, a.page.Version, a.out, a.err, wantDetail)
		}
		if got := string(a.out.Append(nil)); got != "loadlab; fwd=miss; detail="+wantDetail {
			t.Errorf("%s: Cache-Status %q", s.Name, got)
		}
	}
	if c := l.counters(); c.cold != before.cold || c.expirations != 0 {
		t.Errorf("counted %d cold, %d expirations, without an answer whether the page was there", c.cold-before.cold, c.expirations)
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
	testkit.Eventually(t, "Redis has stopped", func() bool {
		p, ok := testkit.FindProcess(r.PID)
		return !ok || p.State == 'T' // where there is no /proc, the signal is all that is known
	})
	checkOutage(t, l, pagecache.DetailRedis)
	if err := syscall.Kill(r.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
	if a := l.get(t, "ttl", mustNotCompute(t)); a.out.Result != api.CacheHit {
		t.Errorf("once it goes on: got %+v, want a hit", a.out)
	}
}

// A Redis that hangs while a lock is taken takes it when it goes on, for somebody who has given up. It is given back, and nobody waits for its TTL.
func TestOrphanedLock(t *testing.T) {
	for strategy, command := range map[string]string{"lock": "set", "swr": "set", "lease": "evalsha"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			r, err := localserver.StartRedis(t.Context(), localserver.Options{})
			testkit.Need(t, err, localserver.ErrMissing)
			defer r.Stop()
			l := newLab(t, r.Addr())
			l.get(t, strategy, page(1)) // it loads the scripts
			if err := l.rdb.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			l.configure(t, func(c *pagecache.Config) { c.RedisBudget, c.LockTTL = budget, time.Hour })
			var once sync.Once
			var frozen *localserver.Frozen
			l.trips.before = func(_ context.Context, name string) {
				if name == command {
					once.Do(func() { frozen, err = r.Process.Freeze(t.Context()) })
				}
			}
			if a := l.get(t, strategy, page(2)); a.err != nil || a.out.Result != api.CacheDown || err != nil || frozen == nil {
				t.Fatalf("got %+v, %v (%v), want a page without the cache", a.out, a.err, err)
			}
			l.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
			frozen.Thaw()
			testkit.Eventually(t, "the page is stored, and not waited for", func() bool { return l.get(t, strategy, page(3)).out.Stored })
			testkit.Eventually(t, "nobody holds the lock", func() bool {
				n, err := l.rdb.Exists(t.Context(), pagecache.LockKey(l.prefix, strategy, key)).Result()
				return err == nil && n == 0
			})
		})
	}
}

// TestBudgetIsForAllRoundTrips has a Redis that answers the first call of a request late, and the second never: what the first took, the
// second has not.
func TestBudgetIsForAllRoundTrips(t *testing.T) {
	const whole = 4 * budget // the first call must be answered on a busy machine, too
	for _, s := range pagecache.Strategies() {
		l := newLab(t, miniredis.RunT(t).Addr())
		l.configure(t, func(c *pagecache.Config) { c.RedisBudget = whole })
		var own *probe.Meter // of the request: what is done in the background has another
		var begin time.Time
		var calls int
		var took, left time.Duration // by the first call, and to the second
		l.trips.before = func(ctx context.Context, _ string) {
			if own != nil && probe.From(ctx) != own {
				return
			}
			switch calls++; calls {
			case 1:
				own, begin = probe.From(ctx), time.Now()
				late, cancel := context.WithTimeout(ctx, budget)
				defer cancel()
				<-late.Done()
			case 2:
				deadline, _ := ctx.Deadline()
				left = time.Until(deadline)
				<-ctx.Done()
			}
		}
		l.trips.after = func(ctx context.Context) {
			if probe.From(ctx) == own && calls == 1 {
				took = time.Since(begin)
			}
		}
		if a := l.get(t, s.Name, page(1)); a.err != nil || a.out.Detail != pagecache.DetailRedis || a.out.Stored {
			t.Errorf("%s: got %+v, %v", s.Name, a.out, a.err)
		}
		if calls != 2 || left > whole-took {
			t.Errorf("%s: made %d round trips, of which the first left %s to the second; want 2, and at most %s", s.Name, calls, left, whole-took)
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
