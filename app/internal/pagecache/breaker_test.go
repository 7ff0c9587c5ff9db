package pagecache_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// breakerFailures is the default of the knob.
const breakerFailures = 3

// mortal is a lab on a redis-server of its own, with a breaker and a budget for requests.
type mortal struct {
	*lab
	server *localserver.Redis
	book   *outage.Book
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	r, err := localserver.StartRedis(testContext(t), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() { _ = r.Stop() }) // it may be stopped by a signal
	m := &mortal{lab: newLab(t, r.Addr()), server: r}
	m.book = m.withBreaker(t, budget)
	return m
}

// withBreaker gives the lab a cache with a breaker, and its budget to requests. Its client's timeouts are the app's.
func (l *lab) withBreaker(t *testing.T, budget time.Duration) *outage.Book {
	t.Helper()
	book := outage.NewBook(nil)
	o, err := pagecache.Options("redis://"+l.rdb.Options().Addr, budget)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	rdb.AddHook(l.trips)
	l.config.RedisBudget, l.config.BreakerFailures, l.config.Outages = budget, breakerFailures, book
	l.cache = pagecache.New(rdb, l.prefix, l.config)
	l.cache.SetClock(l.clock.now, silence)
	t.Cleanup(func() {
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Error(err)
		}
		_ = rdb.Close()
	})
	return book
}

func (l *lab) counted(c api.Counter) int64 { return l.registry.Counters().Modes["test"].Counts[c] }

// open waits until the breaker is open, or not.
func open(t *testing.T, book *outage.Book, want bool) {
	t.Helper()
	testkit.Eventually(t, "the breaker is as wanted", func() bool { return book.Down(api.DependencyRedis) == want })
}

// faults are ways for a redis-server to be of no use, and back.
func faults() []struct {
	name        string
	begin, end  func(t *testing.T, r *localserver.Redis)
	costsBudget bool // and not only a refusal
} {
	signal := func(s syscall.Signal) func(*testing.T, *localserver.Redis) {
		return func(t *testing.T, r *localserver.Redis) {
			if err := syscall.Kill(r.Process.PID(), s); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, "Redis has got the signal", func() bool {
				p, ok := testkit.FindProcess(r.Process.PID())
				return !ok || (p.State == 'T') == (s == syscall.SIGSTOP)
			})
		}
	}
	return []struct {
		name        string
		begin, end  func(t *testing.T, r *localserver.Redis)
		costsBudget bool
	}{
		{"killed", func(_ *testing.T, r *localserver.Redis) { r.Process.Kill() }, func(t *testing.T, r *localserver.Redis) {
			if err := r.Restart(testContext(t), false); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"stopped", signal(syscall.SIGSTOP), signal(syscall.SIGCONT), true},
	}
}

// TestAnOutageCostsTheFirstFewRequestsOneBudget holds every strategy, in each kind of outage, against what it may cost: the calls under way
// when it begins, and the failures that it takes to notice it. It must end soon after Redis is back, and then pages are stored again.
func TestAnOutageCostsTheFirstFewRequestsOneBudget(t *testing.T) {
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			m := newMortal(t)
			for i, s := range pagecache.Strategies() {
				fault.begin(t, m.server)
				failed, trips := m.counted(api.CountRedisFailures), m.trips.all.value()
				const concurrent, later = 8, 200
				collect(t, concurrent, m.herd(t, concurrent, s.Name, page(1)))
				if !m.book.Down(api.DependencyRedis) { // some of the herd came when one of it had stored nothing, and asked nobody
					m.get(t, s.Name, page(1))
				}
				open(t, m.book, true)
				took := make([]time.Duration, later)
				for n := range later {
					started := time.Now()
					a := m.get(t, s.Name, page(1))
					took[n] = time.Since(started)
					if a.err != nil || a.out.Detail != pagecache.DetailRedisDown || a.out.Result != api.CacheDown {
						t.Fatalf("%s: got %+v, %v, want a page without the cache", s.Name, a.out, a.err)
					}
				}
				slices.Sort(took)
				if median := took[later/2]; median > time.Millisecond {
					t.Errorf("%s: a request of the outage takes %s, want less than 1ms", s.Name, median)
				}
				// A request has spent its budget with its first call that hangs; refusals cost nothing, and it may meet several.
				most := int64(breakerFailures + concurrent)
				if !fault.costsBudget {
					most *= 2
				}
				if got := m.counted(api.CountRedisFailures) - failed; got < breakerFailures || got > most {
					t.Errorf("%s: %d calls failed, want at most %d", s.Name, got, most)
				}
				if got := int64(m.trips.all.value() - trips); got > most {
					t.Errorf("%s: %d round trips to a Redis that is down, want at most %d", s.Name, got, most)
				}
				fault.end(t, m.server)
				back := time.Now()
				open(t, m.book, false)
				t.Logf("%s: closed %s after it was back; p50 of a request of the outage %s", s.Name, time.Since(back), took[later/2])
				if took := time.Since(back); took > time.Second { // 200 ms, and what a busy machine adds
					t.Errorf("%s: closed %s after Redis was back", s.Name, took)
				}
				m.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
				if a := m.get(t, s.Name, page(2)); a.out.Detail != "" {
					t.Errorf("%s: once it is back: got %+v", s.Name, a.out)
				}
				m.configure(t, func(c *pagecache.Config) { c.RedisBudget = budget })
				if got := m.book.Outages().Outages; len(got) != i+1 || got[i].Ongoing() || got[i].Skipped < later {
					t.Errorf("%s: got %+v", s.Name, got)
				}
			}
		})
	}
}

// go-redis stops dialling after as many dials have failed as its pool has connections, and looks once a second whether that has changed.
func TestALongOutageEndsAsSoonAsAShortOne(t *testing.T) {
	m := newMortal(t)
	m.configure(t, func(c *pagecache.Config) { c.BreakerFailures = 0 }) // so that each request dials
	m.server.Process.Kill()
	for range 200 {
		m.get(t, "ttl", page(1))
	}
	if err := m.server.Restart(testContext(t), false); err != nil {
		t.Fatal(err)
	}
	m.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
	if a := m.get(t, "ttl", page(1)); !a.out.Stored {
		t.Errorf("the first request after it was back: got %+v, want a stored miss", a.out)
	}
}

// TestNoStampedeWithoutRedis has a herd come while Redis is down. One request recomputes the page for all, except with the plain cache. With
// the strategies that take turns, another does for those who came while that one did.
func TestNoStampedeWithoutRedis(t *testing.T) {
	const n = 50
	for _, s := range pagecache.Strategies() {
		for name, breaker := range map[string]int{"open breaker": breakerFailures, "no breaker": 0} {
			t.Run(s.Name+", "+name, func(t *testing.T) {
				mini := miniredis.RunT(t)
				l := newLab(t, mini.Addr())
				book := l.withBreaker(t, budget)
				l.configure(t, func(c *pagecache.Config) { c.BreakerFailures = breaker })
				mini.Close()
				for range breakerFailures {
					l.get(t, s.Name, page(1))
				}
				open(t, book, true)
				var computing atomic.Int64
				recomputes := map[string]int{"ttl": n, "invalidate": 2, "objects": 2}[s.Name]
				recomputes = max(recomputes, 1)
				answers := l.herd(t, n, s.Name, func(ctx context.Context) (pagecache.Page, error) {
					if first := computing.Add(1) == 1; first && recomputes < n {
						l.waiting(t, n-1)
					}
					return page(2)(ctx)
				})
				coalesced := 0
				for _, a := range collect(t, n, answers) {
					if a.err != nil || a.page.Version != 2 || a.out.Stored || a.out.Detail == "" {
						t.Errorf("got version %d, %+v, %v", a.page.Version, a.out, a.err)
					}
					if a.out.Result == api.CacheCoalesced {
						coalesced++
					}
				}
				if got := int(computing.Load()); got != recomputes || coalesced != n-recomputes {
					t.Errorf("%d recomputes and %d coalesced requests, want %d and %d", got, coalesced, recomputes, n-recomputes)
				}
			})
		}
	}
}

// A failed leader fails nobody but itself, and a database that is down as well is not asked once a request.
func TestNoStampedeWithoutRedisAndDatabase(t *testing.T) {
	const n = 50
	mini := miniredis.RunT(t)
	l := newLab(t, mini.Addr())
	book := l.withBreaker(t, budget)
	mini.Close()
	for range breakerFailures {
		l.get(t, "lock", page(1))
	}
	open(t, book, true)
	var computed count
	answers := l.herd(t, n, "lock", func(ctx context.Context) (pagecache.Page, error) {
		if computed.add() == 1 {
			l.waiting(t, n-1)
		}
		return failing(ctx)
	})
	for _, a := range collect(t, n, answers) {
		if !errors.Is(a.err, errDatabase) {
			t.Errorf("got %+v, %v", a.out, a.err)
		}
	}
	if got := computed.value(); got != 2 {
		t.Errorf("%d recomputes, want 2", got)
	}
}

// What Redis answers is no outage, even if it is an error; except for the errors that it answers everything with.
func TestErrorsThatAreAnswers(t *testing.T) {
	for _, test := range []struct {
		reply  string
		outage bool
	}{
		{"OOM command not allowed when used memory > 'maxmemory'.", false},
		{"READONLY You can't write against a read only replica.", false},
		{"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", false},
		{"ERR unknown command", false},
		{"LOADING Redis is loading the dataset in memory", true},
		{"NOAUTH Authentication required.", true},
		{"BUSY Redis is busy running a script.", true},
		{"MASTERDOWN Link with MASTER is down", true},
		{"ERR max number of clients reached", true},
	} {
		t.Run(test.reply, func(t *testing.T) {
			mini := miniredis.RunT(t)
			l := newLab(t, mini.Addr())
			book := l.withBreaker(t, 10*time.Second)
			mini.SetError(test.reply)
			for range 2 * breakerFailures {
				if a := l.get(t, "ttl", page(1)); a.err != nil || a.page.Version != 1 || a.out.Stored {
					t.Errorf("got %+v, %v", a.out, a.err)
				} else if (a.out.Result == api.CacheDown) != test.outage || (a.out.Detail == pagecache.DetailRedisRefused) == test.outage {
					t.Errorf("got %+v", a.out)
				}
			}
			if got := book.Down(api.DependencyRedis); got != test.outage {
				t.Errorf("the breaker is open: %t, want %t", got, test.outage)
			}
			mini.SetError("")
			open(t, book, false)
		})
	}
}

// A full Redis goes on serving reads.
func TestAFullRedisServesReads(t *testing.T) {
	m := newMortal(t)
	m.configure(t, func(c *pagecache.Config) { c.RedisBudget = 10 * time.Second })
	m.get(t, "ttl", page(1))
	if err := m.rdb.ConfigSet(testContext(t), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for range 5 * breakerFailures {
		if a := m.get(t, "lock", page(1)); a.err != nil || a.out.Stored || a.out.Result != api.CacheMiss || a.out.Detail != pagecache.DetailRedisRefused {
			t.Fatalf("a write: got %+v, %v", a.out, a.err)
		}
		if a := m.get(t, "ttl", mustNotCompute(t)); a.out.Result != api.CacheHit {
			t.Fatalf("a read: got %+v, want a hit", a.out)
		}
	}
	if got := m.book.Outages().Outages; len(got) != 0 || m.counted(api.CountRedisFailures) != 0 {
		t.Errorf("got %+v and %d failures", got, m.counted(api.CountRedisFailures))
	}
}

// Clients that leave while Redis is slow do not open the breaker.
func TestClientsThatLeaveOpenNothing(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	l := newLab(t, hole.Addr().String())
	book := l.withBreaker(t, 10*time.Second)
	for range 3 * breakerFailures {
		ctx, cancel := context.WithCancel(l.request(t))
		l.trips.before = func(context.Context, string) { cancel() }
		if _, _, err := get(ctx, l.cache, "ttl", key, page(1)); err != nil {
			t.Error(err)
		}
		cancel()
	}
	if len(book.Outages().Outages) != 0 || l.counted(api.CountRedisFailures) != 0 {
		t.Errorf("got %+v and %d failures", book.Outages(), l.counted(api.CountRedisFailures))
	}
}

// A refresh in the background that meets an outage recomputes no page that it could not store, and logs no line of its own.
func TestABackgroundRefreshInAnOutage(t *testing.T) {
	m := newMortal(t)
	log := &testkit.Log{}
	m.config.Log = slog.New(slog.NewTextHandler(io.MultiWriter(log), nil))
	m.configure(t, func(c *pagecache.Config) { c.TTL, c.Grace, c.RedisBudget = time.Millisecond, time.Hour, 10*time.Second })
	m.get(t, "swr", page(1))
	stale := func() bool {
		a := m.get(t, "swr", func(context.Context) (pagecache.Page, error) {
			return pagecache.Page{}, &outage.Error{Dependency: api.DependencyDatabase, Err: errDatabase}
		})
		return a.out.Detail == pagecache.DetailRefresh
	}
	testkit.Eventually(t, "a refresh has begun", stale)
	m.settle(t)
	if log.String() != "" {
		t.Errorf("got the log\n%s", log)
	}
}

// Closed with an outage that lasts, a cache leaves no goroutine that asks Redis.
func TestCloseInAnOutage(t *testing.T) {
	mini := miniredis.RunT(t)
	l := newLab(t, mini.Addr())
	book := l.withBreaker(t, budget)
	mini.Close()
	for range breakerFailures {
		l.get(t, "ttl", page(1))
	}
	open(t, book, true)
	if err := l.cache.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	before := book.Outages().Outages[0].Probes
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	if a := l.get(t, "ttl", page(1)); a.err != nil || a.out.Detail != pagecache.DetailRedisDown {
		t.Errorf("got %+v, %v", a.out, a.err)
	}
	if got := book.Outages().Outages[0]; !got.Ongoing() || got.Probes != before {
		t.Errorf("got %+v, want what it was when the cache was closed, after %d probes", got, before)
	}
}
