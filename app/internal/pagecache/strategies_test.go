package pagecache_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// What one strategy promises beyond the contract.

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range pagecache.Strategies() {
		if s.Name == "" || s.Summary == "" || s.Cold.Text == "" || s.Expiry.Text == "" || s.New == nil || seen[s.Name] {
			t.Errorf("the line of %q lacks something, or is there twice", s.Name)
		}
		seen[s.Name] = true
		for _, law := range []string{s.Cold.Relation, s.Expiry.Relation} {
			if law != "==" && law != "<=" && law != ">=" {
				t.Errorf("%s: relation %q", s.Name, law)
			}
		}
	}
	for _, name := range []string{"ttl", "singleflight", "lock", "lease", "early", "early_lock", "swr", "invalidate", "objects", "http", "l1", "failsafe", "negative", "warm"} {
		if !seen[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// TestTableInForce: l1 is predicted to do as what it is over.
func TestTableInForce(t *testing.T) {
	l := newLab(t, "127.0.0.1:1")
	for _, over := range []string{"lease", "ttl", "swr", "lock"} {
		l.configure(t, func(c *pagecache.Config) { c.L1Over = over })
		laws := map[string][]any{}
		for _, s := range l.cache.Strategies() {
			laws[s.Name] = []any{s.Cold, s.Expiry, s.Hits}
		}
		if !reflect.DeepEqual(laws["l1"], laws[over]) || len(laws) != len(pagecache.Strategies()) {
			t.Errorf("over %s: got %v, want %v", over, laws["l1"], laws[over])
		}
	}
}

func TestUnknownStrategy(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		if a := l.get(t, "clairvoyant", mustNotCompute(t)); !errors.Is(a.err, pagecache.ErrUnknownStrategy) {
			t.Errorf("got %v", a.err)
		}
	})
}

func TestStrategiesAndKeysDoNotShareAPage(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		version := int64(0)
		for _, s := range pagecache.Strategies() {
			for _, k := range []string{"page=1", "page=2", ""} {
				version++
				p, out, err := get(l.request(t), l.cache, s.Name, k, page(version))
				if err != nil || p.Version != version || out.Result != api.CacheMiss {
					t.Errorf("%s, %q: got version %d, %+v, %v, want a miss of version %d", s.Name, k, p.Version, out, err, version)
				}
			}
		}
	})
}

// TestSingleflightOneFailureOneError has 200 requests wait for a recompute that fails.
func TestSingleflightOneFailureOneError(t *testing.T) {
	const n = 200
	for name, fail := range map[string]func(context.Context) (pagecache.Page, error){
		"error": failing,
		"panic": func(context.Context) (pagecache.Page, error) { panic("oh") },
		"goexit": func(context.Context) (pagecache.Page, error) {
			runtime.Goexit() // as t.FailNow does in a test's handler
			return pagecache.Page{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				var computed count
				answers := l.herd(t, n, "singleflight", func(ctx context.Context) (pagecache.Page, error) {
					if computed.add() == 1 {
						l.waiting(t, n-1)
						return fail(ctx)
					}
					return page(1)(ctx)
				})
				want := n
				if name == "goexit" {
					want = n - 1 // the leader's goroutine is gone, and answers nothing
				}
				failed := 0
				for _, a := range collect(t, want, answers) {
					if a.err != nil {
						failed++
					}
				}
				if got := computed.value(); got != 2 || failed != want-(n-1) {
					t.Errorf("got %d errors and %d recomputes, want %d and 2", failed, got, want-(n-1))
				}
			})
		})
	}
}

// TestSingleflightDatabaseDown has a database that refuses at once: the second recompute is over before most waiters of the first have
// woken up.
func TestSingleflightDatabaseDown(t *testing.T) {
	const n = 200
	onEachRedis(t, func(t *testing.T, l *lab) {
		var computed count
		answers := l.herd(t, n, "singleflight", func(ctx context.Context) (pagecache.Page, error) {
			if computed.add() == 1 {
				l.waiting(t, n-1)
			}
			return failing(ctx)
		})
		for _, a := range collect(t, n, answers) {
			if !errors.Is(a.err, errDatabase) || a.out.Result != api.CacheError {
				t.Errorf("got %+v, %v", a.out, a.err)
			}
		}
		if got := computed.value(); got != 2 {
			t.Errorf("%d requests made %d recomputes in a row, want 2", n, got)
		}
	})
}

func TestSingleflightSharesThePage(t *testing.T) {
	const n = 20
	onEachRedis(t, func(t *testing.T, l *lab) {
		answers := l.herd(t, n, "singleflight", func(ctx context.Context) (pagecache.Page, error) {
			l.waiting(t, n-1)
			return page(1)(ctx)
		})
		results := map[api.CacheResult]int{}
		for _, a := range collect(t, n, answers) {
			results[a.out.Result]++
			if wantCollapsed := a.out.Result == api.CacheCoalesced; a.out.Collapsed != wantCollapsed || a.out.Stored == wantCollapsed {
				t.Errorf("got %+v", a.out)
			}
			a.page.Release() // of no effect on a page that others have too
		}
		if results[api.CacheMiss] != 1 || results[api.CacheCoalesced] != n-1 {
			t.Errorf("got %v, want 1 miss and %d coalesced", results, n-1)
		}
	})
}

func TestWaiterHeedsItsOwnCancellation(t *testing.T) {
	for _, strategy := range []string{"singleflight", "lock", "lease", "swr", "http", "failsafe", "warm"} {
		t.Run(strategy, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				var computing count
				release := make(chan struct{})
				leader := l.herd(t, 1, strategy, func(ctx context.Context) (pagecache.Page, error) {
					computing.add()
					<-release
					return page(1)(ctx)
				})
				computing.reach(t, 1)
				ctx, cancel := context.WithCancel(l.request(t))
				waiter := make(chan error)
				go func() {
					_, _, err := get(ctx, l.cache, strategy, key, mustNotCompute(t))
					waiter <- err
				}()
				l.trips.first.reach(t, 2)
				cancel()
				if err := <-waiter; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want its cancellation", err)
				}
				close(release)
				if a := collect(t, 1, leader)[0]; a.err != nil {
					t.Errorf("the leader got %v", a.err)
				}
			})
		})
	}
}

func TestEarlyRefreshesInTheRequest(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		dice := 0.0 // -ln(1-0) is 0: never
		l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return dice } })
		if a := l.get(t, "early", page(1)); !a.out.Stored {
			t.Fatalf("got %+v", a.out)
		}
		if a := l.get(t, "early", mustNotCompute(t)); a.out.Result != api.CacheHit {
			t.Errorf("got %+v, want a hit", a.out)
		}
		dice = 1 // -ln(1-1) is infinite: always
		if a := l.get(t, "early", failing); a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheHit ||
			a.out.Detail != pagecache.DetailRefreshFailed {
			t.Errorf("a refresh that failed: got version %d, %+v, %v, want the page that is still fresh", a.page.Version, a.out, a.err)
		}
		a := l.get(t, "early", page(2))
		if a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheMiss || !a.out.Stored || a.out.Detail != pagecache.DetailEarly {
			t.Errorf("a refresh: got version %d, %+v, %v, want the new page", a.page.Version, a.out, a.err)
		}
		if c := l.counters(); c.expirations != 1 || c.cold != 1 || c.recomputes != 3 {
			t.Errorf("counted %d expirations, %d cold, %d recomputes, want 1, 1, 3", c.expirations, c.cold, c.recomputes)
		}
		raw, err := l.rdb.Get(testContext(t), pagecache.PageKey(l.prefix, "early", key)).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if e, err := pagecache.Decode(raw); err != nil || e.Took <= 0 || e.TTL != ttl || e.Grace != 0 {
			t.Errorf("the entry says %+v, %v, want the time of its recompute", e, err)
		}
	})
}

// TestEarlyLockDucksOut has 50 requests that all want to refresh a page before it expires: one does, and the others are served the page that is still
// fresh while that one recomputes.
func TestEarlyLockDucksOut(t *testing.T) {
	const n = 50
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 1 } }) // -ln(1-1) is infinite: always
		l.get(t, "early_lock", page(1))
		computing, release := make(chan struct{}), make(chan struct{})
		leader := l.herd(t, 1, "early_lock", func(ctx context.Context) (pagecache.Page, error) {
			close(computing)
			<-release
			return page(2)(ctx)
		})
		<-computing
		for _, a := range collect(t, n, l.herd(t, n, "early_lock", mustNotCompute(t))) {
			if a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheHit || a.out.Detail != "" {
				t.Errorf("got version %d, %+v, %v, want the page that is still fresh", a.page.Version, a.out, a.err)
			}
		}
		close(release)
		if a := collect(t, 1, leader)[0]; a.err != nil || a.page.Version != 2 || !a.out.Stored || a.out.Detail != pagecache.DetailEarly {
			t.Errorf("the refresher got version %d, %+v, %v, want the new page", a.page.Version, a.out, a.err)
		}
		if c := l.counters(); c.recomputes != 2 || c.expirations != 1 {
			t.Errorf("counted %d recomputes and %d expirations, want 2 and 1", c.recomputes, c.expirations)
		}
	})
}

// TestEarlyLockRefreshedMeanwhile is of a request that reads a page, and gets its lock after another has refreshed it: it recomputes nothing.
func TestEarlyLockRefreshedMeanwhile(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "early_lock", page(1))
		between := make(chan struct{})
		read := make(chan struct{})
		var dice count
		l.configure(t, func(c *pagecache.Config) {
			c.Rand = func() float64 {
				if dice.add() == 1 { // the slow one has read the page, and has not asked for the lock yet
					close(read)
					<-between
				}
				return 1
			}
		})
		slow := l.herd(t, 1, "early_lock", mustNotCompute(t))
		<-read
		if a := l.get(t, "early_lock", page(2)); a.err != nil || a.out.Detail != pagecache.DetailEarly {
			t.Fatalf("the first refresh: %+v, %v", a.out, a.err)
		}
		close(between)
		if a := collect(t, 1, slow)[0]; a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheHit || a.out.Detail != "" {
			t.Errorf("got version %d, %+v, %v, want a hit of the new page", a.page.Version, a.out, a.err)
		}
	})
}

func TestEarlyLockRefreshFails(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 1 } })
		l.get(t, "early_lock", page(1))
		for range 2 { // the lock is given back
			if a := l.get(t, "early_lock", failing); a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheHit || a.out.Detail != pagecache.DetailRefreshFailed {
				t.Errorf("got version %d, %+v, %v, want the page that is still fresh", a.page.Version, a.out, a.err)
			}
		}
	})
}

func TestSWRServesStaleAtOnce(t *testing.T) {
	const n = 50
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "swr", page(1))
		l.pass(ttl + grace/2)
		release := make(chan struct{})
		var computed count
		answers := l.herd(t, n, "swr", func(ctx context.Context) (pagecache.Page, error) {
			computed.add()
			<-release
			return page(2)(ctx)
		})
		refreshers := 0
		for _, a := range collect(t, n, answers) { // all of them answer before the refresh ends
			if a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheStale || a.out.TTL > -grace/2 || a.out.Age < ttl+grace/2 {
				t.Errorf("got version %d, %+v, %v, want the stale page", a.page.Version, a.out, a.err)
			}
			if a.out.Detail == pagecache.DetailRefresh {
				refreshers++
			}
		}
		close(release)
		l.settle(t)
		if computed.value() != 1 || refreshers != 1 {
			t.Errorf("got %d recomputes and %d requests that say they started one, want 1", computed.value(), refreshers)
		}
		if a := l.get(t, "swr", mustNotCompute(t)); a.page.Version != 2 || a.out.Result != api.CacheHit {
			t.Errorf("then got version %d, %+v, want a hit of the new page", a.page.Version, a.out)
		}
	})
}

func TestSWRRefreshOutlivesItsRequest(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "swr", page(1))
		l.pass(ttl)
		ctx, cancel := context.WithCancel(l.request(t))
		release := make(chan struct{})
		_, out, err := get(ctx, l.cache, "swr", key, func(ctx context.Context) (pagecache.Page, error) {
			<-release
			p, _ := page(2)(ctx)
			return p, ctx.Err()
		})
		if err != nil || out.Result != api.CacheStale {
			t.Fatalf("got %+v, %v", out, err)
		}
		cancel()
		expired, stop := context.WithCancel(context.Background())
		stop()
		if err := l.cache.Close(expired); !errors.Is(err, context.Canceled) {
			t.Errorf("Close did not wait for the refresh: %v", err)
		}
		close(release)
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if a := l.get(t, "swr", mustNotCompute(t)); a.page.Version != 2 {
			t.Errorf("got version %d, want the refreshed one", a.page.Version)
		}
		// Once closed, nothing is refreshed any more, and no lock is kept for it.
		l.pass(ttl)
		if a := l.get(t, "swr", mustNotCompute(t)); a.out.Result != api.CacheStale || a.out.Detail != "" || l.locked(t) {
			t.Errorf("after Close: got %+v, locked %t, want the stale page and nothing else", a.out, l.locked(t))
		}
	})
}

func TestSWRFailedRefreshIsTriedAgain(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "swr", page(1))
		l.pass(ttl)
		for range 3 {
			a := l.get(t, "swr", failing)
			if a.err != nil || a.page.Version != 1 || a.out.Detail != pagecache.DetailRefresh {
				t.Errorf("got version %d, %+v, %v, want the stale page", a.page.Version, a.out, a.err)
			}
			l.settle(t)
		}
		l.pass(grace)
		if a := l.get(t, "swr", failing); !errors.Is(a.err, errDatabase) {
			t.Errorf("past its grace: got %+v, %v, want the error", a.out, a.err)
		}
		if c := l.counters(); c.expirations != 1 || c.cold != 1 || c.recomputes != 5 {
			t.Errorf("counted %d expirations, %d cold, %d recomputes, want 1, 1, 5", c.expirations, c.cold, c.recomputes)
		}
	})
}
