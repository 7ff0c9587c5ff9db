package pagecache_test

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// keep has l1 keep the page of that version, and shows that it does, tracked or not.
func (l *lab) keep(t *testing.T, version int64) {
	t.Helper()
	l.get(t, "l1", page(version)).page.Release()
	l.tracked(t)
	l.get(t, "l1", mustNotCompute(t)).page.Release()
	if a := l.get(t, "l1", mustNotCompute(t)); a.err != nil || a.page.Version != version || a.out.Detail != pagecache.DetailL1 {
		t.Fatalf("got version %d, %+v, %v, want the kept page of version %d", a.page.Version, a.out, a.err, version)
	}
}

// TestL1Over serves what l1 does not have by each strategy, whose laws hold then.
func TestL1Over(t *testing.T) {
	k, _ := api.KnobNamed("l1_over")
	for _, s := range pagecache.Strategies() {
		if !strings.Contains(string(k.Kind), s.Name) || s.Name == "l1" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			for name, check := range map[string]func(*testing.T, *lab, pagecache.Strategy){
				"cold": coldLaw, "expiry": expiryLaw, "Expire": expireLaw, "late": lateMiss,
				"kept": func(t *testing.T, l *lab, _ pagecache.Strategy) {
					l.keep(t, 3)
					if err := pagecache.New(l.rdb, l.prefix, l.config).Invalidate(testContext(t), "l1", key, 4); err != nil {
						t.Fatal(err)
					}
					l.synced(t)
					if a := l.get(t, "l1", page(4)); a.page.Version != 4 || a.out.Result != api.CacheMiss || !a.out.Stored {
						t.Errorf("after an invalidation by another process: got version %d, %+v, want a stored miss", a.page.Version, a.out)
					}
				},
			} {
				t.Run(name, func(t *testing.T) {
					onEachRedis(t, func(t *testing.T, l *lab) {
						l.configure(t, func(c *pagecache.Config) { c.L1Over = s.Name })
						of := s
						of.Name = "l1"
						check(t, l, of)
					})
				})
			}
		})
	}
}

// TestL1OverChanges: ttl and lock know no pages past their freshness, and do not serve those that lease has left.
func TestL1OverChanges(t *testing.T) {
	for _, over := range []string{"ttl", "lock"} {
		t.Run(over, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				l.get(t, "l1", page(1))
				l.pass(ttl)
				l.configure(t, func(c *pagecache.Config) { c.L1Over = over })
				if a := l.get(t, "l1", page(2)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheMiss || !a.out.Stored {
					t.Errorf("got version %d, %+v, %v, want a stored miss", a.page.Version, a.out, a.err)
				}
				if c := l.counters(); c.expirations != 1 || c.cold != 1 {
					t.Errorf("counted %+v, want one expiration", c)
				}
			})
		})
	}
}

// TestL1Times: the times of a kept page are those of the page in Redis when it was read, and what has passed since.
func TestL1Times(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		start := time.Now()
		l.get(t, "l1", page(1))
		l.tracked(t)
		l.pass(ttl / 2)
		l.get(t, "l1", mustNotCompute(t))
		if l.cache.Tracks() { // Redis is not asked, so that its clock is of no account
			l.clock.advance(ttl / 5)
			l.synced(t)
		} else {
			l.pass(ttl / 5)
		}
		a := l.get(t, "l1", mustNotCompute(t))
		took := time.Since(start) + time.Millisecond
		if age := a.out.Age; a.out.Detail != pagecache.DetailL1 || age < ttl*7/10 || age > ttl*7/10+took {
			t.Errorf("got %+v, want an age of %s and at most %s more", a.out, ttl*7/10, took)
		}
		if left := a.out.TTL; left > ttl*3/10 || left < ttl*3/10-took {
			t.Errorf("got a TTL of %s, want %s and at most %s less", left, ttl*3/10, took)
		}
	})
}

// TestL1ReplacedElsewhere: a page that another process has replaced is as fresh in Redis as the one that is kept, and not the same.
func TestL1ReplacedElsewhere(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.keep(t, 1)
		other := pagecache.New(l.rdb, l.prefix, l.config)
		if err := other.Invalidate(testContext(t), "l1", key, 2); err != nil {
			t.Fatal(err)
		}
		if _, out, err := get(l.request(t), other, "l1", key, page(2)); err != nil || !out.Stored {
			t.Fatalf("the other process: got %+v, %v", out, err)
		}
		l.synced(t)
		if a := l.get(t, "l1", mustNotCompute(t)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheHit || a.out.Detail != "" {
			t.Errorf("got version %d, %+v, %v, want a hit of version 2 in Redis", a.page.Version, a.out, a.err)
		}
		if err := other.Close(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

// TestL1KeepsNoBuffer: what is kept is no part of a buffer that other requests read into.
func TestL1KeepsNoBuffer(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.keep(t, 1)
		for i := range 20 {
			other := func(context.Context) (pagecache.Page, error) {
				return pagecache.Page{Body: bytes.Repeat([]byte("y"), 1000), Version: 9}, nil
			}
			for range 2 {
				p, _, err := get(l.request(t), l.cache, "ttl", strconv.Itoa(i), other)
				if err != nil {
					t.Fatal(err)
				}
				p.Release()
			}
		}
		for range 2 { // releasing it gives nothing back
			a := l.get(t, "l1", mustNotCompute(t))
			if want := "page of version 1"; string(a.page.Body) != want || a.out.Detail != pagecache.DetailL1 {
				t.Errorf("got %q, %+v, want %q", a.page.Body, a.out, want)
			}
			a.page.Release()
		}
	})
}

func TestL1Bytes(t *testing.T) {
	const most, pages = 1 << 20, 100
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.configure(t, func(c *pagecache.Config) { c.L1Bytes = most })
		compute := func(context.Context) (pagecache.Page, error) {
			return pagecache.Page{Body: make([]byte, pageSize), Version: 1}, nil
		}
		for range 2 { // the first time, the pages are stored in Redis
			for i := range pages {
				if _, _, err := get(l.request(t), l.cache, "l1", strconv.Itoa(i), compute); err != nil {
					t.Fatal(err)
				}
			}
			l.tracked(t)
		}
		if got := l.cache.L1Weight(); got > most || got < most-2*pageSize {
			t.Errorf("%d pages of %d bytes take %d, want at most %d, and as much as there is room for", pages, pageSize, got, most)
		}
		l.configure(t, func(c *pagecache.Config) { c.L1Bytes = most / 2 })
		if got := l.cache.L1Weight(); got > most/2 {
			t.Errorf("after a change of the bound they take %d, want at most %d", got, most/2)
		}
		if err := l.cache.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if got := l.cache.L1Weight(); got != 0 {
			t.Errorf("after a flush they take %d", got)
		}
	})
}

func TestL1Config(t *testing.T) {
	l := newLab(t, "127.0.0.1:1")
	for want, c := range map[string]pagecache.Config{
		`l1_over wants one of ttl, lock, lease, swr, got "l1"`:        {L1Over: "l1"},
		"l1_bytes must be from 65536 to 68719476736, got 1000":        {L1Bytes: 1000},
		"l1_bytes must be from 65536 to 68719476736, got 68719476737": {L1Bytes: 68719476737},
	} {
		if err := l.cache.SetConfig(c); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if c := l.cache.Config(); c.L1Over != "lease" || c.L1Bytes != 64<<20 {
		t.Errorf("got %s and %d, want the defaults", c.L1Over, c.L1Bytes)
	}
}

// TestL1Outage: while Redis is gone, what is kept is served for as long as it was fresh, and no longer. When Redis is back, so is the stream.
func TestL1Outage(t *testing.T) {
	m := newMortal(t)
	m.clock.stop()
	m.keep(t, 1)
	epoch := m.cache.Epoch()
	testkit.Kill(t, m.server.Process)
	testkit.Eventually(t, "the stream has ended", func() bool { return m.cache.Epoch() > epoch })
	for i := range breakerFailures + 2 { // the last ones ask nothing
		if a := m.get(t, "l1", mustNotCompute(t)); a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheHit || a.out.Detail != pagecache.DetailL1Unchecked {
			t.Errorf("request %d: got version %d, %+v, %v, want the kept page", i, a.page.Version, a.out, a.err)
		}
	}
	if n := m.counted(api.CountRedisFailures); n != breakerFailures {
		t.Errorf("%d calls to Redis failed, want %d", n, breakerFailures)
	}
	m.clock.advance(ttl)
	if a := m.get(t, "l1", page(2)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheDown || a.out.Detail != pagecache.DetailRedisDown {
		t.Errorf("past its TTL: got version %d, %+v, %v, want a page without the cache", a.page.Version, a.out, a.err)
	}
	if err := m.server.Restart(testContext(t), false); err != nil {
		t.Fatal(err)
	}
	open(t, m.book, false)
	m.keep(t, 3)
}

// TestL1Refused: a Redis that answers the check with an error is there. What it does not confirm is not served.
func TestL1Refused(t *testing.T) {
	m := miniredis.RunT(t)
	l := newLab(t, m.Addr())
	l.keep(t, 1)
	m.SetError("NOPERM no permission to run the command")
	if a := l.get(t, "l1", page(2)); a.err != nil || a.page.Version != 2 || a.out.Detail != pagecache.DetailRedisRefused {
		t.Errorf("got version %d, %+v, %v, want a page that was recomputed", a.page.Version, a.out, a.err)
	}
	m.SetError("LOADING Redis is loading the dataset in memory")
	if a := l.get(t, "l1", mustNotCompute(t)); a.err != nil || a.page.Version != 1 || a.out.Detail != pagecache.DetailL1Unchecked {
		t.Errorf("while it loads: got version %d, %+v, %v, want the kept page", a.page.Version, a.out, a.err)
	}
}

// TestL1StreamIsSilent: a Redis that hangs ends no connection. The stream is taken for dead after StreamSilence, and opened again when there is an answer.
func TestL1StreamIsSilent(t *testing.T) {
	m := newMortal(t)
	m.cache.SetClock(m.clock.now, pagecache.StreamSilence)
	m.keepEventually(t)
	epoch := m.cache.Epoch()
	frozen, err := m.server.Process.Freeze(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the stream is taken for dead", func() bool { return m.cache.Epoch() > epoch })
	frozen.Thaw()
	m.keepEventually(t)
}

// keepEventually is for a stream that may be silent for too long on a busy machine.
func (m *mortal) keepEventually(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "l1 serves what it keeps without a question", func() bool {
		before := m.trips.all.value()
		a := m.get(t, "l1", page(1))
		a.page.Release()
		return a.out.Detail == pagecache.DetailL1 && m.trips.all.value() == before
	})
}

// TestL1ConnectsOnlyIfUsed: the stream is a connection of its own, opened by the first request of l1 and closed with the cache. It leaves no goroutine.
func TestL1ConnectsOnlyIfUsed(t *testing.T) {
	r, err := localserver.StartRedis(testContext(t), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	defer r.Stop() //nolint:errcheck // what is tested is not the server
	l := newLab(t, r.Addr())
	streams := func() int {
		list, err := l.rdb.ClientList(testContext(t)).Result()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(list, " sub=1 ")
	}
	for _, s := range pagecache.Strategies() {
		if s.Name != "l1" {
			l.get(t, s.Name, page(1))
		}
	}
	leaked := goleak.IgnoreCurrent()
	if n := streams(); n != 0 {
		t.Errorf("%d streams without a request of l1", n)
	}
	l.keep(t, 1)
	if n := streams(); n != 1 {
		t.Errorf("%d streams, want 1", n)
	}
	if err := l.cache.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the stream is closed", func() bool { return streams() == 0 })
	before := l.trips.all.value()
	if a := l.get(t, "l1", mustNotCompute(t)); a.page.Version != 1 || a.out.Detail != pagecache.DetailL1 || l.trips.all.value() != before+1 {
		t.Errorf("after Close: got %+v, want the kept page, checked", a.out)
	}
	goleak.VerifyNone(t, leaked)

	unused := pagecache.New(redis.NewClient(l.rdb.Options()), l.prefix, l.config)
	if err := unused.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if _, out, err := get(l.request(t), unused, "l1", key, mustNotCompute(t)); err != nil || out.Result != api.CacheHit || unused.Tracks() {
		t.Errorf("a first request after Close: got %+v, %v, want a hit and no stream", out, err)
	}
}
