package pagecache_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// TestRaces plays races that a cache must survive which promises that no page from before a change replaces one from after it. Each is
// played with the strategy lease as it is, and with what guards it taken out, which must lose: else the race would prove nothing.
func TestRaces(t *testing.T) {
	type guards []pagecache.Guard
	invalidates := guards{pagecache.Revocation, pagecache.TombstoneSet}
	for _, race := range []struct {
		name  string
		play  func(t *testing.T, s *story)
		loses []guards
	}{
		{"1 an absent key is invalidated while its old page is computed", absentKeyInvalidated, []guards{invalidates}},
		{"4 the lease runs out, a second is granted, the first fills late", leaseRunsOut, []guards{{pagecache.TokenHeld, pagecache.PageNotOlder}}},
		{"4 so late that the second's page is gone", leaseRunsOutAndPageToo, []guards{{pagecache.TokenHeld}}},
		{"4 while the second still computes", leaseRunsOutTwiceHeld, []guards{{pagecache.TokenHeld}, {pagecache.TokenGranted, pagecache.TokenMatched}}},
		{"5 an invalidation revokes a lease that others wait for", revokedWithWaiters, []guards{invalidates}},
		{"6 everything is flushed while an old page is computed", flushed, []guards{{pagecache.TokenHeld}}},
		{"7 who comes after a change joins no recompute from before it", joinsAfterChange, []guards{invalidates}},
		{"8 a fill is from a replica that lags behind the invalidation", laggingReplica, []guards{{pagecache.TombstoneMet}, {pagecache.TombstoneSet}}},
		{"9 a fill is older than the stored page", olderThanStored, []guards{{pagecache.PageNotOlder}}},
		{"9 invalidations come out of order", invalidationsOutOfOrder, []guards{{pagecache.TombstoneMax}}},
	} {
		t.Run(race.name, func(t *testing.T) {
			for _, strategy := range []string{"lease", "l1"} { // which is over lease
				t.Run("guarded "+strategy, func(t *testing.T) {
					onEachRedis(t, func(t *testing.T, l *lab) {
						s := &story{l: l, strategy: strategy}
						race.play(t, s)
						if s.violation != "" {
							t.Errorf("%s:\n%s", s.violation, s.told())
						}
					})
				})
			}
			for i, without := range race.loses {
				t.Run(fmt.Sprint("unguarded ", i+1), func(t *testing.T) {
					onEachRedis(t, func(t *testing.T, l *lab) {
						l.cache.Without(without...)
						s := &story{l: l, strategy: "lease"}
						race.play(t, s)
						if s.violation == "" {
							t.Errorf("no violation without the guards %v:\n%s", without, s.told())
						}
						t.Logf("%s, as it must be without its guards:\n%s", s.violation, s.told())
					})
				})
			}
		})
	}
}

// story is one play of a race: a database whose only row has a version, and what happened.
type story struct {
	l         *lab
	strategy  string
	database  atomic.Int64
	steps     []string
	violation string
}

func (s *story) step(format string, args ...any) {
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

func (s *story) told() string { return "  " + strings.Join(s.steps, "\n  ") }

// commit changes the row.
func (s *story) commit(version int64) {
	s.step("commit of version %d", version)
	s.database.Store(version)
}

func (s *story) invalidate(t *testing.T, version int64) {
	t.Helper()
	s.step("invalidation below version %d", version)
	if err := s.l.cache.Invalidate(testContext(t), s.strategy, key, version); err != nil {
		t.Error(err)
	}
}

// compute reads the row.
func (s *story) compute(ctx context.Context) (pagecache.Page, error) {
	return page(s.database.Load())(ctx)
}

// holder is a request that has read the row and is held back before it fills.
type holder struct {
	name    string
	s       *story
	release chan struct{}
	answers <-chan answer
}

// hold starts a request that recomputes the page, and returns when it has read the row.
func (s *story) hold(t *testing.T, name string) *holder {
	t.Helper()
	h := &holder{name: name, s: s, release: make(chan struct{})}
	var has count
	var version int64
	h.answers = s.l.herd(t, 1, s.strategy, func(ctx context.Context) (pagecache.Page, error) {
		p, err := s.compute(ctx)
		version = p.Version
		has.add()
		<-h.release
		return p, err
	})
	has.reach(t, 1)
	s.step("%s holds a lease and has read version %d", name, version)
	return h
}

// fill lets the holder fill, and returns what it got.
func (h *holder) fill(t *testing.T) answer {
	t.Helper()
	close(h.release)
	a := collect(t, 1, h.answers)[0]
	h.s.step("%s fills with version %d: %s", h.name, a.page.Version, a.out.Append(nil))
	if a.err != nil {
		t.Error(a.err)
	}
	return a
}

// read sends a request, which violates what the cache promises if it gets less than that version.
func (s *story) read(t *testing.T, least int64) {
	t.Helper()
	a := s.l.get(t, s.strategy, s.compute)
	s.got(t, "a reader", a, least)
}

func (s *story) got(t *testing.T, who string, a answer, least int64) {
	t.Helper()
	s.step("%s gets version %d: %s", who, a.page.Version, a.out.Append(nil))
	if a.err != nil {
		t.Error(a.err)
	}
	if a.page.Version < least && s.violation == "" {
		s.violation = fmt.Sprintf("%s got version %d after a commit of version %d", who, a.page.Version, least)
	}
}

func absentKeyInvalidated(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.commit(2)
	s.invalidate(t, 2)
	got := a.fill(t)
	if got.page.Version != 1 || got.out.Result != api.CacheMiss {
		t.Errorf("A got version %d, %+v, want the page that it computed", got.page.Version, got.out)
	}
	s.read(t, 2)
}

func leaseRunsOut(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.l.pass(lockTTL)
	s.commit(2)
	b := s.hold(t, "B")
	b.fill(t)
	a.fill(t)
	s.read(t, 2)
}

func leaseRunsOutAndPageToo(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.l.pass(lockTTL)
	s.commit(2)
	b := s.hold(t, "B")
	b.fill(t)
	s.l.pass(ttl + grace)
	a.fill(t)
	s.read(t, 2)
}

func leaseRunsOutTwiceHeld(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.l.pass(lockTTL)
	s.commit(2)
	b := s.hold(t, "B")
	a.fill(t)
	s.readBefore(t, b)
}

// readBefore reads while b still computes: what is there then can only be from before.
func (s *story) readBefore(t *testing.T, b *holder) {
	t.Helper()
	first := s.l.trips.first.value()
	reader := s.l.herd(t, 1, s.strategy, s.compute)
	s.l.trips.first.reach(t, first+1)
	b.fill(t)
	s.got(t, "a reader", collect(t, 1, reader)[0], 2)
}

func revokedWithWaiters(t *testing.T, s *story) {
	const waiters = 5
	s.commit(1)
	a := s.hold(t, "A")
	waiting := s.l.herd(t, waiters, s.strategy, s.compute)
	s.l.waiting(t, waiters)
	s.commit(2)
	s.invalidate(t, 2)
	a.fill(t)
	for _, w := range collect(t, waiters, waiting) {
		s.got(t, "a waiter", w, 2)
	}
	s.read(t, 2)
}

func flushed(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.commit(2)
	s.step("flush")
	if err := s.l.cache.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	a.fill(t)
	s.read(t, 2)
}

func joinsAfterChange(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.commit(2)
	s.invalidate(t, 2)
	s.readBefore(t, a)
}

func laggingReplica(t *testing.T, s *story) {
	s.commit(1)
	s.step("(the commit of version 2 has not reached the replica)")
	s.invalidate(t, 2)
	s.hold(t, "A").fill(t)
	s.commit(2)
	s.read(t, 2)
}

func olderThanStored(t *testing.T, s *story) {
	s.commit(2)
	s.read(t, 2)
	s.l.pass(ttl)
	s.database.Store(1)
	s.step("(the next read is from a replica at version 1)")
	s.hold(t, "A").fill(t)
	s.database.Store(2)
	s.read(t, 2)
}

func invalidationsOutOfOrder(t *testing.T, s *story) {
	s.commit(2)
	s.step("(the commit of version 3 has not reached the replica)")
	s.invalidate(t, 3)
	s.invalidate(t, 2)
	s.hold(t, "A").fill(t)
	s.commit(3)
	s.read(t, 3)
}
