package pagecache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"loadlab/app/internal/pagecache"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// TestL1Races plays the races that a cache in the process has with the Redis behind it. As in TestRaces, each is lost without what guards it: the play does
// to the cache what it would have done by itself then.
func TestL1Races(t *testing.T) {
	for _, race := range []struct {
		name string
		play func(t *testing.T, s *l1Story)
	}{
		{"10 an invalidation arrives before the page that it is of is kept", invalidatedBeforeKept},
		{"11 the stream of invalidations is killed", streamKilled},
		{"11 everything is flushed, and the push is nil", nilPush},
		{"11 the connection is half open, and nobody tells", halfOpen},
		{"12 a writer reads before its own invalidation has arrived", writerReads},
		{"12 who flushes reads before the invalidations have arrived", flusherReads},
		{"12 who lets pages expire reads before the invalidations have arrived", expirerReads},
		{"13 a page is kept that was stored long ago", ages},
	} {
		for name, guarded := range map[string]bool{"guarded": true, "unguarded": false} {
			t.Run(race.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newL1Story(t, guarded)
				race.play(t, s)
				switch {
				case guarded && s.violation != "":
					t.Errorf("%s:\n%s", s.violation, s.told())
				case !guarded && s.violation == "":
					t.Errorf("no violation without its guard:\n%s", s.told())
				case !guarded:
					t.Logf("%s, as it must be without its guard:\n%s", s.violation, s.told())
				}
			})
		}
	}
}

// What an l1Story is configured with: so long that what time the test itself takes is of no account. The stream may be silent for longer than the play of a page that
// ages lasts, and not for as long as a page is fresh.
const (
	storyTTL     = time.Hour
	storyGrace   = 30 * time.Minute
	storySilence = 20 * time.Minute
)

// l1Story is a story whose cache has a wire of its own to its Redis, and another process beside it.
type l1Story struct {
	story

	guarded bool
	gate    *gate
	other   *pagecache.Cache
}

// newL1Story begins with version 1 in Redis and the stream of invalidations up.
func newL1Story(t *testing.T, guarded bool) *l1Story {
	t.Helper()
	r, err := localserver.StartRedis(testContext(t), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &l1Story{story: story{l: newLab(t, r.Addr()), strategy: "l1"}, guarded: guarded}
	s.l.clock.stop()
	s.l.config.TTL, s.l.config.Grace = storyTTL, storyGrace
	s.gate = s.l.withGate(t)
	s.other = pagecache.New(s.l.rdb, s.l.prefix, s.l.config)
	s.commit(1)
	s.read(t, 1)
	if !s.l.tracked(t) {
		t.Fatal("the server cannot track")
	}
	return s
}

// keeps has the page kept, and shows that it is.
func (s *l1Story) keeps(t *testing.T) {
	t.Helper()
	s.l.get(t, "l1", mustNotCompute(t))
	before := s.l.trips.all.value()
	if a := s.l.get(t, "l1", mustNotCompute(t)); a.out.Detail != pagecache.DetailL1 || s.l.trips.all.value() != before {
		t.Fatalf("got %+v after %d round trips, want the page that is kept", a.out, s.l.trips.all.value()-before)
	}
	s.step("version 1 is kept")
}

// elsewhere invalidates the page in another process.
func (s *l1Story) elsewhere(t *testing.T, version int64) {
	t.Helper()
	s.step("invalidation below version %d by another process", version)
	if err := s.other.Invalidate(testContext(t), "l1", key, version); err != nil {
		t.Fatal(err)
	}
}

// kill ends the stream.
func (s *l1Story) kill(t *testing.T) {
	t.Helper()
	if n, err := s.l.rdb.ClientKillByFilter(testContext(t), "ID", s.gate.streamID(t, s.l.rdb)).Result(); err != nil || n != 1 {
		t.Fatalf("killed %d connections, %v", n, err)
	}
	s.step("the stream is killed")
}

// lost waits until the stream that was up in that epoch has been lost and is up again.
func (s *l1Story) lost(t *testing.T, epoch uint64) {
	t.Helper()
	testkit.Eventually(t, "the stream is another one", func() bool { return s.l.cache.Epoch() > epoch && s.l.cache.Tracks() })
	s.l.synced(t)
	s.step("the stream was lost, and is up again")
	if !s.guarded {
		s.l.cache.KeepOverLoss(key)
	}
}

// late sends a request that finds the page in Redis, and holds it back before it keeps that.
func (s *l1Story) late(t *testing.T) (release func(), a <-chan answer) {
	t.Helper()
	var once sync.Once
	replied, released := make(chan struct{}), make(chan struct{})
	s.l.trips.after = func(ctx context.Context) {
		if ctx.Value(isLate{}) != nil {
			once.Do(func() {
				close(replied)
				<-released
			})
		}
	}
	answers := make(chan answer, 1)
	ctx := context.WithValue(s.l.request(t), isLate{}, true)
	go func() {
		var got answer
		got.page, got.out, got.err = get(ctx, s.l.cache, "l1", key, mustNotCompute(t))
		answers <- got
	}()
	<-replied
	return func() { close(released) }, answers
}

func invalidatedBeforeKept(t *testing.T, s *l1Story) {
	release, a := s.late(t)
	s.step("A has the reply of Redis, and has not kept it yet")
	s.commit(2)
	if !s.guarded {
		s.l.cache.ForgetReads()
	}
	s.elsewhere(t, 2)
	s.l.synced(t)
	s.step("the invalidation has arrived")
	release()
	s.got(t, "A, which was sent before,", collect(t, 1, a)[0], 1)
	s.read(t, 2)
}

func streamKilled(t *testing.T, s *l1Story) {
	s.keeps(t)
	epoch := s.l.cache.Epoch()
	s.gate.hold()
	s.kill(t)
	s.commit(2)
	s.elsewhere(t, 2)
	s.gate.open()
	s.lost(t, epoch)
	s.read(t, 2)
}

func nilPush(t *testing.T, s *l1Story) {
	s.keeps(t)
	epoch := s.l.cache.Epoch()
	s.commit(2)
	s.step("FLUSHALL")
	if err := s.l.rdb.FlushAll(testContext(t)).Err(); err != nil {
		t.Fatal(err)
	}
	s.lost(t, epoch)
	s.read(t, 2)
}

func halfOpen(t *testing.T, s *l1Story) {
	s.keeps(t)
	s.gate.hold()
	s.step("from here on nothing arrives")
	s.commit(2)
	s.elsewhere(t, 2)
	s.l.clock.advance(storySilence)
	s.step("%s later", storySilence)
	if !s.guarded {
		s.l.cache.TrustSilence()
	}
	s.read(t, 2)
}

func writerReads(t *testing.T, s *l1Story) {
	s.keeps(t)
	s.gate.hold()
	s.commit(2)
	if s.guarded {
		s.invalidate(t, 2)
	} else {
		s.elsewhere(t, 2)
	}
	s.read(t, 2)
}

func flusherReads(t *testing.T, s *l1Story) { controllerReads(t, s, (*pagecache.Cache).Flush) }

func expirerReads(t *testing.T, s *l1Story) { controllerReads(t, s, (*pagecache.Cache).Expire) }

func controllerReads(t *testing.T, s *l1Story, control func(*pagecache.Cache, context.Context) error) {
	t.Helper()
	s.keeps(t)
	s.gate.hold()
	s.commit(2)
	by := s.l.cache
	if !s.guarded {
		by = s.other
	}
	if err := control(by, testContext(t)); err != nil {
		t.Fatal(err)
	}
	s.read(t, 2)
}

func ages(t *testing.T, s *l1Story) {
	age := func(d time.Duration) {
		s.l.passByHand(t, d)
		s.l.clock.advance(d)
		s.step("%s later", d)
	}
	age(storyTTL - 10*time.Minute)
	s.l.synced(t)
	s.keeps(t)
	if !s.guarded {
		s.l.cache.KeepForTTL(key)
	}
	s.gate.hold() // so that it is the page's time that ends it, and not Redis' report of what lets time pass there
	s.commit(2)
	age(15 * time.Minute)
	s.read(t, 2)
}

// TestL1StreamIsBack: a page that was kept before the stream was lost is checked once, and then the new stream vouches for it.
func TestL1StreamIsBack(t *testing.T) {
	s := newL1Story(t, true)
	s.keeps(t)
	epoch := s.l.cache.Epoch()
	s.kill(t)
	s.lost(t, epoch)
	for i, want := range []int{1, 0, 0} {
		before := s.l.trips.all.value()
		a := s.l.get(t, "l1", mustNotCompute(t))
		if got := s.l.trips.all.value() - before; got != want || a.out.Detail != pagecache.DetailL1 || a.page.Version != 1 {
			t.Errorf("hit %d: got %+v after %d round trips, want the kept page after %d", i, a.out, got, want)
		}
	}
}

// TestL1ReadOutlivesItsStream: nobody has kept account of what was dropped while a read was under way that was sent before the stream was lost.
func TestL1ReadOutlivesItsStream(t *testing.T) {
	s := newL1Story(t, true)
	epoch := s.l.cache.Epoch()
	release, a := s.late(t)
	s.kill(t)
	s.lost(t, epoch)
	s.keeps(t)
	s.commit(2)
	s.elsewhere(t, 2)
	s.l.synced(t)
	release()
	s.got(t, "A, which was sent before,", collect(t, 1, a)[0], 1)
	if got := s.l.cache.L1Weight(); got != 0 {
		t.Errorf("%d bytes are kept of a page from before the change:\n%s", got, s.told())
	}
}
