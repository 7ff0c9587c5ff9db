package pagecache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// guards are what is taken out of the scripts of a cache for a race to be lost.
type guards []pagecache.Guard

// TestRaces plays races that a cache must survive which promises that no page from before a change replaces one from after it: those of the
// strategies lease, invalidate and objects. Each is played as it is, and with what guards it taken out, which must lose: else the race
// would prove nothing.
func TestRaces(t *testing.T) {
	revokes := guards{pagecache.Revocation, pagecache.TombstoneSet}
	type losses map[string][]guards
	for _, race := range []struct {
		name  string
		play  func(t *testing.T, s *story)
		loses losses // by strategy
	}{
		{"1 an absent key is invalidated while its old page is computed", absentKeyInvalidated, losses{
			"lease": {revokes}, "invalidate": {{pagecache.ChangeNoted}, {pagecache.ChangeMet}}, "objects": {{pagecache.ChangeNoted}, {pagecache.ObjectChangeMet}}}},
		{"2 a page is invalidated before the change is committed", invalidatedBeforeCommit, losses{
			"lease": {{pagecache.TombstoneSet}, {pagecache.TombstoneMet}}, "invalidate": {{pagecache.ChangeNoted}, {pagecache.ChangeMet}},
			"objects": {{pagecache.ChangeNoted}, {pagecache.ObjectChangeMet}}}},
		{"4 the lease runs out, a second is granted, the first fills late", leaseRunsOut, losses{
			"lease": {{pagecache.TokenHeld, pagecache.PageNotOlder}}, "invalidate": {{pagecache.TokenHeld, pagecache.PageNotOlder}},
			"objects": {{pagecache.ObjectNotOlder}}}},
		{"4 so late that the second's page is gone", leaseRunsOutAndPageToo, losses{
			"lease": {{pagecache.TokenHeld}}, "invalidate": {{pagecache.TokenHeld}}}},
		{"4 while the second still computes", leaseRunsOutTwiceHeld, losses{
			"lease":      {{pagecache.TokenHeld}, {pagecache.TokenGranted, pagecache.TokenMatched}},
			"invalidate": {{pagecache.TokenHeld}, {pagecache.TokenGranted, pagecache.TokenMatched}}}},
		{"5 an invalidation comes while others wait for the page", revokedWithWaiters, losses{
			"lease": {revokes}, "invalidate": {{pagecache.ChangeNoted}, {pagecache.ChangeMet}}}},
		{"6 everything is flushed while an old page is computed", flushed, losses{
			"lease": {{pagecache.TokenHeld}}, "invalidate": {{pagecache.EpochNoted}}, "objects": {{pagecache.ObjectEpochHeld}}}},
		{"6 what is known of the change is evicted while an old page is computed", evicted, losses{
			"lease": {{pagecache.Revocation}}, "invalidate": {{pagecache.EpochNoted}}, "objects": {{pagecache.ObjectEpochHeld}}}},
		{"7 who comes after a change joins no recompute from before it", joinsAfterChange, losses{
			"lease": {revokes}, "invalidate": {{pagecache.ChangeNoted}, {pagecache.ChangeMet}}}},
		{"7 of the same process", joinsInProcess, losses{"invalidate": {{pagecache.InTurns}}, "objects": {{pagecache.InTurns}}}},
		{"8 a fill is from a replica that lags behind the invalidation", laggingReplica, losses{
			"lease": {{pagecache.TombstoneMet}, {pagecache.TombstoneSet}}, "invalidate": {{pagecache.ChangeMet}, {pagecache.ChangeNoted}},
			"objects": {{pagecache.ObjectChangeMet}, {pagecache.ChangeNoted}}}},
		{"9 a fill is older than the stored page", olderThanStored, losses{"lease": {{pagecache.PageNotOlder}}}},
		{"9 invalidations come out of order", invalidationsOutOfOrder, losses{
			"lease": {{pagecache.TombstoneMax}}, "invalidate": {{pagecache.ChangeMax}}, "objects": {{pagecache.ChangeMax}}}},
	} {
		if _, ok := race.loses["lease"]; ok {
			race.loses["l1"] = nil // which is over lease
		}
		for strategy, loses := range race.loses {
			t.Run(race.name+"/"+strategy, func(t *testing.T) {
				t.Run("guarded", func(t *testing.T) {
					onEachRedis(t, func(t *testing.T, l *lab) {
						s := &story{l: l, strategy: strategy}
						race.play(t, s)
						if s.violation != "" {
							t.Errorf("%s:\n%s", s.violation, s.told())
						}
					})
				})
				for i, without := range loses {
					t.Run(fmt.Sprint("unguarded ", i+1), func(t *testing.T) {
						onEachRedis(t, func(t *testing.T, l *lab) {
							l.cache.Without(without...)
							s := &story{l: l, strategy: strategy, without: without}
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
}

// story is one play of a race: a database whose only row has a version, and what happened.
type story struct {
	l         *lab
	strategy  string
	without   guards // of every process
	database  atomic.Int64
	violation string

	mu    sync.Mutex // guards steps
	steps []string
}

func (s *story) step(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	var err error
	if s.strategy == "lease" || s.strategy == "l1" {
		err = s.l.cache.Invalidate(testContext(t), s.strategy, key, version)
	} else {
		err = s.l.cache.Changed(testContext(t), []pagecache.Row{{ID: 1, Version: version}})
	}
	if err != nil {
		t.Error(err)
	}
}

// process returns the cache of another process.
func (s *story) process() *pagecache.Cache {
	return pagecache.New(s.l.rdb, s.l.prefix, s.l.config).Without(s.without...)
}

// source reads the row. What it has read passes through then.
func (s *story) source(then func(version int64)) pagecache.Source {
	read := func() int64 {
		version := s.database.Load()
		then(version)
		return version
	}
	return pagecache.Source{
		Page: func(ctx context.Context) (pagecache.Page, error) {
			version := read()
			p, err := page(version)(ctx)
			p.Rows = []pagecache.Row{{ID: 1, Version: version}}
			return p, err
		},
		List: func(context.Context) (pagecache.List, error) {
			return pagecache.List{IDs: []int64{1}, Head: []byte("["), Tail: []byte("]")}, nil
		},
		Objects: func(context.Context, []int64) ([]pagecache.Object, error) {
			version := read()
			return []pagecache.Object{{Row: pagecache.Row{ID: 1, Version: version}, Body: fmt.Append(nil, version)}}, nil
		},
	}
}

// ask sends n requests to a process.
func (s *story) ask(t *testing.T, n int, cache *pagecache.Cache, then func(version int64)) <-chan answer {
	t.Helper()
	answers := make(chan answer, n)
	for range n {
		ctx := s.l.request(t)
		go func() {
			var a answer
			a.page, a.out, a.err = cache.Get(ctx, s.strategy, key, s.source(then))
			answers <- a
		}()
	}
	return answers
}

// at passes what was read through at once.
func at(int64) {}

// holder is a request that has read the row and is held back before it fills.
type holder struct {
	name    string
	s       *story
	release chan struct{}
	answers <-chan answer
}

// hold starts a request, in a process of its own, that recomputes the page, and returns when it has read the row.
func (s *story) hold(t *testing.T, name string) *holder {
	t.Helper()
	return s.holdIn(t, name, s.process())
}

func (s *story) holdIn(t *testing.T, name string, cache *pagecache.Cache) *holder {
	t.Helper()
	h := &holder{name: name, s: s, release: make(chan struct{})}
	var has count
	var read atomic.Int64
	h.answers = s.ask(t, 1, cache, func(version int64) {
		read.Store(version)
		has.add()
		<-h.release
	})
	has.reach(t, 1)
	s.step("%s recomputes the page, and has read version %d", name, read.Load())
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
	s.got(t, "a reader", collect(t, 1, s.ask(t, 1, s.l.cache, at))[0], least)
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

// invalidatedBeforeCommit is what a writer does that drops the page within its transaction.
func invalidatedBeforeCommit(t *testing.T, s *story) {
	s.commit(1)
	s.read(t, 1)
	s.invalidate(t, 2)
	s.step("(version 2 is not committed yet)")
	s.read(t, 1)
	s.commit(2)
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
	reader := s.ask(t, 1, s.l.cache, at)
	s.l.trips.first.reach(t, first+1)
	b.fill(t)
	s.got(t, "a reader", collect(t, 1, reader)[0], 2)
}

func revokedWithWaiters(t *testing.T, s *story) {
	const waiters = 5
	s.commit(1)
	a := s.hold(t, "A")
	waiting := s.ask(t, waiters, s.process(), at)
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

// evicted is what a full Redis does.
func evicted(t *testing.T, s *story) {
	s.commit(1)
	a := s.hold(t, "A")
	s.commit(2)
	s.invalidate(t, 2)
	s.step("eviction")
	if err := s.l.rdb.Del(testContext(t), pagecache.ChangesKey(s.l.prefix), pagecache.TombstoneKey(s.l.prefix, s.strategy, key)).Err(); err != nil {
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

func joinsInProcess(t *testing.T, s *story) {
	s.commit(1)
	a := s.holdIn(t, "A", s.l.cache)
	s.commit(2)
	s.invalidate(t, 2)
	reader := s.ask(t, 1, s.l.cache, at)
	s.l.waiting(t, 1)
	a.fill(t)
	s.got(t, "a reader", collect(t, 1, reader)[0], 2)
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
