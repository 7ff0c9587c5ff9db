package pagecache_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// seen renders the spans of the cache in the order in which they ended: "name: event, event (reason)". Times are left out.
func seen(recorder *tracetest.SpanRecorder) []string {
	var spans []string
	for _, s := range recorder.Ended() {
		if !strings.HasPrefix(s.Name(), "cache ") {
			continue
		}
		var events []string
		for _, e := range s.Events() {
			set := attribute.NewSet(e.Attributes...)
			if reason, ok := set.Value(signal.AttrCacheReason); ok {
				e.Name += " (" + reason.AsString() + ")"
			}
			events = append(events, e.Name)
		}
		spans = append(spans, strings.TrimSpace(s.Name()+": "+strings.Join(events, ", ")))
	}
	return spans
}

// asked returns the spans of one request.
func (s *story) asked(t *testing.T, source pagecache.Source) []string {
	t.Helper()
	ctx, server, recorder := s.l.traced(t, sdktrace.AlwaysSample())
	if p, _, err := s.l.cache.Get(ctx, s.strategy, key, source); err == nil {
		p.Release()
	}
	server.End()
	if err := s.l.cache.Close(testContext(t)); err != nil { // a refresh may go on
		t.Fatal(err)
	}
	return seen(recorder)
}

// cached fills the cache with the row as it is, and lets that much time pass.
func (s *story) cached(t *testing.T, old time.Duration) {
	t.Helper()
	if _, _, err := s.l.cache.Get(s.l.request(t), s.strategy, key, s.source(at)); err != nil {
		t.Fatal(err)
	}
	s.l.pass(old)
}

// slow puts a page into the cache that took so long that whoever gets it refreshes it.
func (s *story) slow(t *testing.T) {
	t.Helper()
	s.l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return .5 } })
	e := pagecache.Encode(pagecache.Entry{Page: pagecache.Page{Body: []byte("a page")}, Generation: 1, TTL: ttl, Took: time.Hour})
	if err := s.l.rdb.Set(testContext(t), pagecache.PageKey(s.l.prefix, s.strategy, key), e, ttl).Err(); err != nil {
		t.Fatal(err)
	}
}

// flush empties the cache.
func (s *story) flush(t *testing.T) {
	t.Helper()
	if err := s.l.cache.Flush(testContext(t)); err != nil {
		t.Error(err)
	}
}

var broken = pagecache.Source{Page: failing}

// TestEventsOfATrace has what one trace shows of each strategy in which something happens: once for each event and reason.
func TestEventsOfATrace(t *testing.T) {
	const (
		recompute = "cache recompute:"
		lost      = "lock lost (found when the page was to be stored), "
	)
	miss := func(t *testing.T, s *story) []string { return s.asked(t, s.source(at)) }
	meanwhile := func(do func(t *testing.T, s *story)) func(*testing.T, *story) []string {
		return func(t *testing.T, s *story) []string {
			return s.asked(t, s.source(func(int64) { do(t, s) }))
		}
	}
	changed := func(t *testing.T, s *story) { s.invalidate(t, 9) }
	busy := func(t *testing.T, s *story) []string {
		s.cached(t, ttl)
		s.l.lock(t, s.strategy)
		return s.asked(t, broken)
	}
	early := func(t *testing.T, s *story) []string {
		s.slow(t)
		return miss(t, s)
	}
	for _, tt := range []struct {
		strategy, name string
		ask            func(t *testing.T, s *story) []string
		want           []string
	}{
		{"ttl", "a miss", miss, []string{recompute, "cache get: fill stored"}},
		{"ttl", "a hit", func(t *testing.T, s *story) []string {
			s.cached(t, 0)
			return miss(t, s)
		}, []string{"cache get:"}},
		{"ttl", "a failure", func(t *testing.T, s *story) []string { return s.asked(t, broken) }, []string{recompute, "cache get:"}},
		{"singleflight", "a miss", miss, []string{recompute, "cache get: fill stored"}},
		{"lock", "a miss", miss, []string{recompute, "cache get: lock taken, fill stored"}},
		{"lock", "it outlives its lock", meanwhile(func(_ *testing.T, s *story) { s.l.pass(lockTTL) }),
			[]string{recompute, "cache get: lock taken, fill stored, lock lost (found when it was given back)"}},
		{"lease", "a miss", miss, []string{recompute, "cache get: lease taken, fill stored"}},
		{"lease", "it is revoked", meanwhile(changed),
			[]string{recompute, "cache get: lease taken, " + lost + "fill rejected (an invalidation has revoked the lease)"}},
		{"lease", "it is revoked for a change that was read", meanwhile(func(t *testing.T, s *story) { s.invalidate(t, 1) }),
			[]string{recompute, "cache get: lease taken, " + lost + "fill rejected (the lease had run out or was revoked)"}},
		{"lease", "it is another's", meanwhile(func(t *testing.T, s *story) { s.l.lock(t, "lease") }),
			[]string{recompute, "cache get: lease taken, " + lost + "fill rejected (the lease is another request's by now)"}},
		{"lease", "a page from before the last invalidation", func(t *testing.T, s *story) []string {
			changed(t, s)
			return miss(t, s)
		}, []string{recompute, "cache get: lease taken, fill rejected (it is older than the last invalidation)"}},
		{"lease", "a page from before the stored one", func(t *testing.T, s *story) []string {
			s.cached(t, ttl)
			s.commit(0)
			return miss(t, s)
		}, []string{recompute, "cache get: lease taken, fill rejected (a later version is stored)"}},
		{"lease", "a failure", func(t *testing.T, s *story) []string {
			s.cached(t, ttl)
			return s.asked(t, broken)
		}, []string{recompute, "cache get: lease taken, served stale (in its grace, its recompute failed)"}},
		{"lease", "another recomputes", busy, []string{"cache get: lock busy, served stale (in its grace, another request recomputes it)"}},
		{"early", "a refresh", early, []string{recompute, "cache get: fill stored"}},
		{"early_lock", "a refresh", early, []string{recompute, "cache get: lock taken, fill stored"}},
		{"early_lock", "another refreshes", func(t *testing.T, s *story) []string {
			s.slow(t)
			s.l.lock(t, s.strategy)
			return s.asked(t, broken)
		}, []string{"cache get: lock busy"}},
		{"swr", "a refresh", func(t *testing.T, s *story) []string {
			s.cached(t, ttl)
			got := miss(t, s)
			slices.Sort(got) // the refresh may end first
			return got
		}, []string{"cache get: lock taken, served stale (in its grace, this request started its refresh)", recompute, "cache refresh: fill stored"}},
		{"swr", "another refreshes", busy, []string{"cache get: lock busy, served stale (in its grace, another request recomputes it)"}},
		{"invalidate", "a miss", miss, []string{recompute, "cache get: lease taken, fill stored"}},
		{"invalidate", "a row changes", meanwhile(changed),
			[]string{recompute, "cache get: lease taken, fill rejected (a row has changed since it was read)"}},
		{"invalidate", "the epoch is over", func(t *testing.T, s *story) []string {
			s.cached(t, 0)
			if err := s.l.rdb.Del(testContext(t), pagecache.ChangesKey(s.l.prefix)).Err(); err != nil {
				t.Fatal(err)
			}
			return miss(t, s)
		}, []string{recompute, "cache get: page dropped (its epoch is over: nobody knows what has changed since), lease taken, fill stored"}},
		{"l1", "a miss", miss, []string{recompute, "cache get: lease taken, fill stored"}},
		{"http", "a miss", miss, []string{recompute, "cache get: lock taken, fill stored"}},
		{"http", "another refreshes", busy, []string{"cache get: lock busy, served stale (in its grace, another request recomputes it)"}},
		{"objects", "a miss", miss, []string{recompute, "cache get: fill stored"}},
		{"objects", "a row changes", meanwhile(changed), []string{recompute, "cache get: fill rejected (a row has changed since it was read)"}},
		{"objects", "the epoch is over", meanwhile(func(t *testing.T, s *story) { s.flush(t) }), []string{recompute, "cache get: fill rejected (the epoch is over that it was read in)"}},
	} {
		t.Run(tt.strategy+"/"+tt.name, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				s := &story{l: l, strategy: tt.strategy}
				s.commit(1)
				if got := tt.ask(t, s); !slices.Equal(got, tt.want) {
					t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
				}
				wantLost, wantRejected := int64(0), int64(0)
				for _, span := range tt.want {
					wantLost += int64(strings.Count(span, signal.EventLockLost))
					wantRejected += int64(strings.Count(span, signal.EventFillRejected))
				}
				if lost, rejected := l.counted(api.CountLocksLost), l.counted(api.CountRejected); lost != wantLost || rejected != wantRejected {
					t.Errorf("%d locks were counted as lost and %d fills as rejected, want %d and %d", lost, rejected, wantLost, wantRejected)
				}
			})
		})
	}
}

// TestExtensionsOfALeaseAreInTheTrace has a recompute that takes longer than a third of its lease, which is then revoked.
func TestExtensionsOfALeaseAreInTheTrace(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.LockTTL = 3 * time.Second })
		ctx, server, recorder := l.traced(t, sdktrace.AlwaysSample())
		defer server.End()
		eventually := func(name string) {
			testkit.Eventually(t, name, func() bool {
				return slices.ContainsFunc(recorder.Started(), func(s sdktrace.ReadWriteSpan) bool {
					return slices.ContainsFunc(s.Events(), func(e sdktrace.Event) bool { return e.Name == name })
				})
			})
		}
		_, _, err := get(ctx, l.cache, "lease", key, func(ctx context.Context) (pagecache.Page, error) {
			eventually(signal.EventLeaseExtended)
			l.revoke(t)
			eventually(signal.EventLockLost)
			return page(1)(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestWaitersAreInTheTraces has a waiter say in its own trace that it waited, and its leader's how many did.
func TestWaitersAreInTheTraces(t *testing.T) {
	for strategy, want := range map[string]string{
		"singleflight": "cache get: waited (another request of its process, which computed the page)",
		"lock":         "cache get: lock busy, waited (the request that held the page's lock)",
		"lease":        "cache get: lock busy, waited (the request that held the page's lock)",
		"swr":          "cache get: lock busy, waited (the request that held the page's lock)",
		"invalidate":   "cache get: waited (the recompute that its process had begun, or the next)",
		"objects":      "cache get: waited (the recompute that its process had begun, or the next)",
	} {
		t.Run(strategy, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				ctx, _, recorder := l.traced(t, sdktrace.AlwaysSample())
				s := &story{l: l, strategy: strategy}
				s.commit(1)
				var computing count
				done := make(chan error, 1)
				go func() {
					_, _, err := l.cache.Get(ctx, strategy, key, s.source(func(int64) {
						computing.add()
						l.waiting(t, 1)
					}))
					done <- err
				}()
				computing.reach(t, 1)
				// The lock may be free before the waiter has looked for the page once more.
				if got := s.asked(t, s.source(at)); len(got) != 1 || got[0] != want && got[0] != want+", lock taken" {
					t.Errorf("got %q, want %q", got, want)
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				ended := recorder.Ended()
				set := attribute.NewSet(ended[len(ended)-1].Attributes()...)
				if n, _ := set.Value(signal.AttrCacheWaiters); n.AsInt64() != 1 {
					t.Errorf("the leader has %d waiters, want 1", n.AsInt64())
				}
			})
		})
	}
}

// TestTroubleWithRedisIsInTheTrace has a Redis that uses a request's budget up, and one that has gone.
func TestTroubleWithRedisIsInTheTrace(t *testing.T) {
	const fails = "cache get: Redis budget spent, fill failed (the request has spent its budget for Redis)"
	t.Run("slow", func(t *testing.T) {
		onEachRedis(t, func(t *testing.T, l *lab) {
			l.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
			l.trips.before = func(ctx context.Context, _ string) { <-ctx.Done() }
			s := &story{l: l, strategy: "ttl"}
			if got, want := s.asked(t, s.source(at)), []string{"cache recompute:", fails}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	})
	t.Run("gone", func(t *testing.T) {
		server := miniredis.RunT(t)
		l := newLab(t, server.Addr())
		book := l.withBreaker(t, budget)
		server.Close()
		for range breakerFailures {
			l.get(t, "ttl", page(1))
		}
		open(t, book, true)
		s := &story{l: l, strategy: "ttl"}
		want := []string{"cache recompute:", "cache get: Redis skipped (Redis does not answer), fill failed (Redis does not answer)"}
		if got := s.asked(t, s.source(at)); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
