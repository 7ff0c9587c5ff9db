package pagecache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// What every lab is configured with unless its test sets it.
const (
	ttl     = 10 * time.Second
	grace   = 4 * time.Second
	lockTTL = 5 * time.Second
	silence = ttl / 2 // of the stream of invalidations: longer than a busy machine lets it be
	key     = "page=1"
)

// realRedis is the address of a redis-server, or empty.
var realRedis string

func TestMain(m *testing.M) {
	redis.SetLogger(&logging.VoidLogger{}) // it logs every connection that is refused
	os.Exit(withRedis(m))
}

func withRedis(m *testing.M) int {
	r, err := localserver.StartRedis(context.Background(), localserver.Options{})
	switch {
	case err == nil:
		realRedis = r.Addr()
		defer r.Stop()
	case os.Getenv("CI") == "true":
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	default:
		fmt.Fprintln(os.Stderr, "SKIPPED: all tests against a real Redis:", err)
	}
	return m.Run()
}

// lab is a cache on a Redis, with everything that a test may want to know of it.
type lab struct {
	cache    *pagecache.Cache
	rdb      *redis.Client
	trips    *trips
	registry *probe.Registry
	metrics  *prometheus.Registry
	mode     *probe.Mode
	prefix   string
	config   pagecache.Config
	clock    *clock
	passed   atomic.Int64        // nanoseconds that advance let pass
	pass     func(time.Duration) // lets time pass for cached pages: in Redis and on the clock of l1, and nowhere else
}

// clock is the clock of l1. What a page has left to live passes in Redis and in the process that has a copy of it alike, so whatever lets time pass in Redis
// lets it pass here too. It goes on by itself as well, as a real Redis' does, unless it is stopped.
type clock struct {
	mu      sync.Mutex // guards all below
	ahead   time.Duration
	stopped time.Time // zero if it goes on
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped.IsZero() {
		return time.Now().Add(c.ahead)
	}
	return c.stopped.Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = time.Now()
}

// advance lets time pass for what the cache times by its own clock, which stands still otherwise.
func (l *lab) advance(d time.Duration) { l.passed.Add(int64(d)) }

func (l *lab) now() time.Time { return time.Unix(1_000_000_000, l.passed.Load()) }

// onEachRedis runs a test on miniredis and on a real server.
func onEachRedis(t *testing.T, test func(t *testing.T, l *lab)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		l := newLab(t, m.Addr())
		l.pass = func(d time.Duration) {
			m.FastForward(d)
			l.clock.advance(d)
		}
		test(t, l)
	})
	t.Run("redis-server", func(t *testing.T) {
		t.Parallel()
		if realRedis == "" {
			t.Skip("SKIPPED: no redis-server")
		}
		l := newLab(t, realRedis)
		l.pass = func(d time.Duration) {
			l.passByHand(t, d)
			l.clock.advance(d)
			l.synced(t)
		}
		test(t, l)
	})
}

func newLab(t *testing.T, addr string) *lab {
	t.Helper()
	o, err := pagecache.Options("redis://"+addr, time.Hour) // so that only a request's budget ends its round trips
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{rdb: redis.NewClient(o), trips: &trips{}, metrics: prometheus.NewRegistry(), clock: &clock{}}
	l.registry = probe.NewRegistry(l.metrics)
	l.mode = l.registry.Mode("test")
	l.prefix = fmt.Sprintf("test:%x", rand.Uint64())
	// A budget that no healthy Redis reaches on a busy machine: the tests of outages set their own.
	l.config = pagecache.Config{
		TTL: ttl, Grace: grace, LockTTL: lockTTL, RedisBudget: 10 * time.Second, Now: l.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	l.rdb.AddHook(l.trips)
	l.cache = pagecache.New(l.rdb, l.prefix, l.config)
	l.cache.SetClock(l.clock.now, silence)
	t.Cleanup(func() {
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Error(err)
		}
		_ = l.rdb.Close()
	})
	return l
}

func (l *lab) configure(t *testing.T, change func(*pagecache.Config)) {
	t.Helper()
	change(&l.config)
	if err := l.cache.SetConfig(l.config); err != nil {
		t.Fatal(err)
	}
}

// passByHand takes d off what every key has left to live: the same as waiting for d, as far as Redis can show.
func (l *lab) passByHand(t *testing.T, d time.Duration) {
	t.Helper()
	ctx := testContext(t)
	keys, err := l.rdb.Keys(ctx, l.prefix+":*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		left, err := l.rdb.PTTL(ctx, k).Result()
		if err == nil && left == -1 {
			continue // it has no end
		}
		if err == nil && left <= d {
			err = l.rdb.Del(ctx, k).Err()
		} else if err == nil {
			err = l.rdb.PExpire(ctx, k, left-d).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// synced waits until the process has dropped all pages that have changed in Redis until now. It returns at once if the stream of invalidations is not up:
// then nothing that has changed is served.
func (l *lab) synced(t *testing.T) {
	t.Helper()
	l.clock.advance(1) // a ping that was sent before, on a clock that is stopped, is not of now
	now := l.clock.now()
	testkit.Eventually(t, "the stream of invalidations is up to date", func() bool { return !l.cache.Tracks() || l.cache.Heard(now) })
}

// tracked waits until the stream is up, which the first request of l1 has started. It returns false if this Redis has none.
func (l *lab) tracked(t *testing.T) bool {
	t.Helper()
	if err := l.rdb.Do(testContext(t), "CLIENT", "TRACKINGINFO").Err(); err != nil {
		return false
	}
	testkit.Eventually(t, "the stream of invalidations is up", l.cache.Tracks)
	l.synced(t)
	return true
}

// counters are the totals of all requests of the lab.
type counters struct{ recomputes, expirations, cold int64 }

func (l *lab) counters() counters {
	c := l.registry.Counters().Modes["test"].Counts
	return counters{recomputes: c[api.CountRecomputes], expirations: c[api.CountExpirations], cold: c[api.CountCold]}
}

// waiting is how many requests wait for another's recompute.
func (l *lab) waiting(t *testing.T, want int) {
	t.Helper()
	for ctx := testContext(t); ; {
		if ctx.Err() != nil {
			t.Fatalf("there never were %d waiters", want)
		}
		families, err := l.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "lab_cache_waiters" && f.Metric[0].GetGauge().GetValue() == float64(want) {
				return
			}
		}
	}
}

// testContext ends before the test binary's own timeout does, so that a test that hangs is named.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// request returns the context of one request, with a meter of its own.
func (l *lab) request(t *testing.T) context.Context {
	ctx := context.WithValue(testContext(t), firstRead{}, new(sync.Once))
	return probe.With(ctx, probe.NewMeter(l.mode))
}

// answer is what a request got.
type answer struct {
	page pagecache.Page
	out  pagecache.Outcome
	err  error
}

func (l *lab) get(t *testing.T, strategy string, compute func(context.Context) (pagecache.Page, error)) answer {
	t.Helper()
	var a answer
	a.page, a.out, a.err = get(l.request(t), l.cache, strategy, key, compute)
	return a
}

// get asks a cache for a page that has no parts.
func get(ctx context.Context, cache *pagecache.Cache, strategy, key string, compute func(context.Context) (pagecache.Page, error)) (pagecache.Page, pagecache.Outcome, error) {
	return cache.Get(ctx, strategy, key, pagecache.Source{Page: compute})
}

// herd starts n requests at once and returns where their answers come.
func (l *lab) herd(t *testing.T, n int, strategy string, compute func(context.Context) (pagecache.Page, error)) <-chan answer {
	t.Helper()
	answers := make(chan answer, n)
	for range n {
		ctx := l.request(t)
		go func() {
			var a answer
			a.page, a.out, a.err = get(ctx, l.cache, strategy, key, compute)
			answers <- a
		}()
	}
	return answers
}

func collect(t *testing.T, n int, from <-chan answer) []answer {
	t.Helper()
	ctx := testContext(t)
	list := make([]answer, 0, n)
	for range n {
		select {
		case a := <-from:
			list = append(list, a)
		case <-ctx.Done():
			t.Fatalf("%d of %d requests never ended", n-len(list), n)
		}
	}
	return list
}

// page returns a compute function for a page of that version.
func page(version int64) func(context.Context) (pagecache.Page, error) {
	return func(context.Context) (pagecache.Page, error) {
		return pagecache.Page{Body: fmt.Appendf(nil, "page of version %d", version), Version: version}, nil
	}
}

var errDatabase = errors.New("the database is down")

func failing(context.Context) (pagecache.Page, error) { return pagecache.Page{}, errDatabase }

func mustNotCompute(t *testing.T) func(context.Context) (pagecache.Page, error) {
	return func(context.Context) (pagecache.Page, error) {
		t.Error("the page was recomputed")
		return page(-1)(nil)
	}
}
