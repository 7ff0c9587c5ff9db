package pagecache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/testkit"
)

const throttle = 3 * time.Second

// overEach runs a test of failsafe over each strategy, on each Redis. No recompute of it takes too long by itself.
func overEach(t *testing.T, test func(t *testing.T, l *lab, over string)) {
	t.Helper()
	k, _ := api.KnobNamed("failsafe_over")
	for _, over := range k.Kind.Choices() {
		t.Run(over, func(t *testing.T) {
			onEachRedis(t, func(t *testing.T, l *lab) {
				l.configure(t, func(c *pagecache.Config) {
					c.FailsafeOver, c.SoftTimeout, c.Throttle = over, time.Minute, throttle
				})
				test(t, l, over)
			})
		})
	}
}

func (l *lab) kept() int64 {
	return l.registry.Counters().Modes["test"].Counts[api.CountFailsafe]
}

// checkOld expects the old page, with one of the details.
func checkOld(t *testing.T, what string, a answer, details ...string) {
	t.Helper()
	for _, detail := range details {
		if a.err == nil && a.page.Version == 1 && a.out.Result == api.CacheStale && a.out.TTL <= 0 && a.out.Detail == detail {
			return
		}
	}
	t.Errorf("%s: got version %d, %+v, %v, want the old page with the detail %q", what, a.page.Version, a.out, a.err, details)
}

func TestFailsafeKeepsTheContractOverEach(t *testing.T) {
	k, _ := api.KnobNamed("failsafe_over")
	for _, s := range pagecache.Strategies() {
		if s.Name != "failsafe" {
			continue
		}
		for _, over := range k.Kind.Choices() {
			if over != k.Default { // which TestContract has
				t.Run(over, func(t *testing.T) {
					checkContract(t, s, func(c *pagecache.Config) { c.FailsafeOver = over })
				})
			}
		}
	}
}

// TestFailsafeDatabaseDown: while the database is down, the old page is served, and the database is asked once a throttle.
func TestFailsafeDatabaseDown(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		first := pagecache.DetailFailsafe
		if over == "swr" {
			first = pagecache.DetailRefresh
		}
		for range 2 {
			checkOld(t, "the attempt", l.get(t, "failsafe", failing), first)
			l.settle(t)
			for range 3 {
				checkOld(t, "after it", l.get(t, "failsafe", mustNotCompute(t)), pagecache.DetailThrottled)
			}
			l.advance(throttle - 1)
			checkOld(t, "just before the end of the throttle", l.get(t, "failsafe", mustNotCompute(t)), pagecache.DetailThrottled)
			l.advance(1)
		}
		if c := l.counters(); c.recomputes != 3 || c.expirations != 1 || c.cold != 1 {
			t.Errorf("counted %+v, want 3 recomputes of 1 cold page and 1 expiry", c)
		}
		want := int64(10)
		if over == "swr" {
			want -= 2 // who refreshes does not know what comes of it
		}
		if got := l.kept(); got != want {
			t.Errorf("counted %d old pages, want %d", got, want)
		}
		// It is back.
		l.get(t, "failsafe", page(2))
		l.settle(t)
		if a := l.get(t, "failsafe", mustNotCompute(t)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheHit {
			t.Errorf("once the database is back: got version %d, %+v, %v, want a hit of the new page", a.page.Version, a.out, a.err)
		}
		// And gone again, past the time of grace: nothing is left to be served.
		l.pass(ttl + grace)
		if a := l.get(t, "failsafe", failing); !errors.Is(a.err, errDatabase) || a.out.Result != api.CacheError {
			t.Errorf("past its grace: got %+v, %v, want the error", a.out, a.err)
		}
	})
}

// TestFailsafeHerdOnAFailure: of a herd that finds the page past its TTL one asks the database, and nobody gets its error.
func TestFailsafeHerdOnAFailure(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		var computed count
		first := l.trips.first.value()
		answers := l.herd(t, herdSize, "failsafe", func(ctx context.Context) (pagecache.Page, error) {
			computed.add()
			l.trips.first.reach(t, first+herdSize)
			return failing(ctx)
		})
		attempts := 0
		for _, a := range collect(t, herdSize, answers) {
			checkOld(t, "of the herd", a, "", pagecache.DetailRefresh, pagecache.DetailFailsafe, pagecache.DetailThrottled)
			if a.out.Detail == pagecache.DetailFailsafe || a.out.Detail == pagecache.DetailRefresh {
				attempts++
			}
			if over == "lock" && a.out.Detail == "" {
				t.Error("one did not wait for the recompute")
			}
		}
		l.settle(t) // an attempt in the background
		if computed.value() != 1 || attempts != 1 {
			t.Errorf("got %d recomputes, and %d answers of one, want 1", computed.value(), attempts)
		}
	})
}

// TestFailsafeAttemptsOfReplicas: each process throttles for itself.
func TestFailsafeAttemptsOfReplicas(t *testing.T) {
	const replicas = 3
	overEach(t, func(t *testing.T, l *lab, _ string) {
		caches := []*pagecache.Cache{l.cache}
		for len(caches) < replicas {
			c := pagecache.New(l.rdb, l.prefix, l.config)
			t.Cleanup(func() { _ = c.Close(testContext(t)) })
			caches = append(caches, c)
		}
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		var computed count
		down := func(ctx context.Context) (pagecache.Page, error) {
			computed.add()
			return failing(ctx)
		}
		for throttles := range 2 {
			for range 5 {
				for _, c := range caches {
					p, out, err := get(l.request(t), c, "failsafe", key, down)
					if err != nil || p.Version != 1 || out.Result != api.CacheStale {
						t.Errorf("got version %d, %+v, %v, want the old page", p.Version, out, err)
					}
					l.settle(t)
				}
			}
			if got, want := computed.value(), (1+throttles)*replicas; got != want {
				t.Errorf("in %d throttles the database was asked %d times, want %d", 1+throttles, got, want)
			}
			l.advance(throttle)
		}
	})
}

// TestFailsafeSoftTimeout has a database that answers late: nobody waits longer than the soft timeout, and the new page is stored all the same.
func TestFailsafeSoftTimeout(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.configure(t, func(c *pagecache.Config) { c.SoftTimeout = 20 * time.Millisecond })
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		release := make(chan struct{})
		slow := func(ctx context.Context) (pagecache.Page, error) {
			<-release
			return page(2)(ctx)
		}
		first, others := pagecache.DetailSoftTimeout, pagecache.DetailSoftTimeout
		switch over {
		case "swr":
			first, others = pagecache.DetailRefresh, ""
		case "lease":
			others = ""
		}
		checkOld(t, "who recomputes", l.get(t, "failsafe", slow), first)
		for range 3 {
			checkOld(t, "another", l.get(t, "failsafe", mustNotCompute(t)), others)
		}
		if over != "lease" { // whose lease is extended
			if err := l.rdb.Del(testContext(t), pagecache.LockKey(l.prefix, "failsafe", key)).Err(); err != nil {
				t.Fatal(err)
			}
			checkOld(t, "another, once the lock has run out", l.get(t, "failsafe", mustNotCompute(t)), others)
		}
		close(release)
		testkit.Eventually(t, "the new page is stored", func() bool { return l.get(t, "failsafe", page(2)).out.Result == api.CacheHit })
		l.settle(t)
		if c := l.counters(); c.recomputes != 2 {
			t.Errorf("counted %d recomputes, want 2", c.recomputes)
		}
	})
}

// TestFailsafeWaitsForTheNewPage: over lock, who comes while the page is recomputed gets the new one, if that is there in time.
func TestFailsafeWaitsForTheNewPage(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		if over != "lock" {
			return
		}
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		const waiters = 10
		answers := l.herd(t, waiters+1, "failsafe", func(ctx context.Context) (pagecache.Page, error) {
			l.waiting(t, waiters)
			return page(2)(ctx)
		})
		results := map[api.CacheResult]int{}
		for _, a := range collect(t, waiters+1, answers) {
			if results[a.out.Result]++; a.err != nil || a.page.Version != 2 {
				t.Errorf("got version %d, %+v, %v, want the new page", a.page.Version, a.out, a.err)
			}
		}
		if results[api.CacheMiss] != 1 || results[api.CacheCoalesced] != waiters {
			t.Errorf("got %v, want 1 miss and %d coalesced", results, waiters)
		}
	})
}

// TestFailsafeReplacedMeanwhile is of a request that reads the old page, and goes on only when another one has replaced it: it recomputes nothing.
func TestFailsafeReplacedMeanwhile(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, _ string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		read, replaced := make(chan struct{}), make(chan struct{})
		var once sync.Once
		l.trips.after = func(ctx context.Context) {
			if ctx.Value(isLate{}) != nil {
				once.Do(func() {
					close(read)
					<-replaced
				})
			}
		}
		late := make(chan answer, 1)
		ctx := context.WithValue(l.request(t), isLate{}, true)
		go func() {
			var a answer
			a.page, a.out, a.err = get(ctx, l.cache, "failsafe", key, mustNotCompute(t))
			late <- a
		}()
		<-read
		l.get(t, "failsafe", page(2))
		l.settle(t)
		close(replaced)
		if a := collect(t, 1, late)[0]; a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheCoalesced {
			t.Errorf("got version %d, %+v, %v, want the page that was stored", a.page.Version, a.out, a.err)
		}
	})
}

// TestFailsafeHardTimeout has a database that never answers: the recompute ends with its own timeout, which counts as a failure.
func TestFailsafeHardTimeout(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		l.configure(t, func(c *pagecache.Config) { c.ComputeTimeout = 20 * time.Millisecond })
		detail := pagecache.DetailFailsafe
		if over == "swr" {
			detail = pagecache.DetailRefresh
		}
		checkOld(t, "the attempt", l.get(t, "failsafe", func(ctx context.Context) (pagecache.Page, error) {
			<-ctx.Done()
			return pagecache.Page{}, ctx.Err()
		}), detail)
		l.settle(t)
		checkOld(t, "after it", l.get(t, "failsafe", mustNotCompute(t)), pagecache.DetailThrottled)
	})
}

// TestFailsafeCancelledRequest: the recompute of a request whose client has left goes on.
func TestFailsafeCancelledRequest(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		ctx, cancel := context.WithCancel(l.request(t))
		computing, release := make(chan struct{}), make(chan struct{})
		leader := make(chan error, 1)
		go func() {
			_, _, err := get(ctx, l.cache, "failsafe", key, func(ctx context.Context) (pagecache.Page, error) {
				close(computing)
				<-release
				p, _ := page(2)(ctx)
				return p, ctx.Err()
			})
			leader <- err
		}()
		<-computing
		cancel()
		if err := <-leader; !errors.Is(err, context.Canceled) && over != "swr" { // over swr it has its page
			t.Errorf("the leader got %v, want its cancellation", err)
		}
		close(release)
		l.settle(t)
		if a := l.get(t, "failsafe", mustNotCompute(t)); a.page.Version != 2 || a.out.Result != api.CacheHit {
			t.Errorf("got version %d, %+v, %v, want a hit of the new page", a.page.Version, a.out, a.err)
		}
	})
}

// TestFailsafeRedisGone: who has read the old page serves it when Redis goes. Who finds Redis gone has nothing to serve; with the database gone too,
// that is an error.
func TestFailsafeRedisGone(t *testing.T) {
	k, _ := api.KnobNamed("failsafe_over")
	for _, over := range k.Kind.Choices() {
		m := miniredis.RunT(t)
		l := newLab(t, m.Addr())
		l.configure(t, func(c *pagecache.Config) { c.FailsafeOver, c.RedisBudget = over, budget })
		l.get(t, "failsafe", page(1))
		m.FastForward(ttl)
		var once sync.Once
		l.trips.after = func(context.Context) { once.Do(m.Close) } // after the page was read
		checkOld(t, over, l.get(t, "failsafe", mustNotCompute(t)), pagecache.DetailRedis)
		if a := l.get(t, "failsafe", page(2)); a.err != nil || a.page.Version != 2 || a.out.Result != api.CacheDown {
			t.Errorf("%s, without Redis: got version %d, %+v, %v, want a page that is not stored", over, a.page.Version, a.out, a.err)
		}
		for range 2 { // no throttle: there is nothing to serve meanwhile
			if a := l.get(t, "failsafe", failing); !errors.Is(a.err, errDatabase) {
				t.Errorf("%s, without both: got %+v, %v, want the error", over, a.out, a.err)
			}
		}
	}
}

func TestFailsafeOnceClosed(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, _ string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			checkOld(t, "after Close", l.get(t, "failsafe", mustNotCompute(t)), "")
		}
		if l.locked(t) {
			t.Error("a lock was left behind")
		}
	})
}

// TestFailsafeTrace: the trace of a request that was served an old page has the attempt that failed, or a link to it.
func TestFailsafeTrace(t *testing.T) {
	overEach(t, func(t *testing.T, l *lab, over string) {
		l.get(t, "failsafe", page(1))
		l.pass(ttl)
		name, linked, all := "cache recompute", "cache get", 3
		if over == "swr" {
			name, linked, all = "cache refresh", "cache refresh", 4
		}
		get := func(compute func(context.Context) (pagecache.Page, error), want int) map[string]sdktrace.ReadOnlySpan {
			ctx, server, recorder := l.traced(t, sdktrace.AlwaysSample())
			if _, _, err := get(ctx, l.cache, "failsafe", key, compute); err != nil {
				t.Fatal(err)
			}
			server.End()
			testkit.Eventually(t, "all spans have ended", func() bool { return len(recorder.Ended()) == want })
			spans := map[string]sdktrace.ReadOnlySpan{}
			for _, s := range recorder.Ended() {
				spans[s.Name()] = s
			}
			return spans
		}
		first := get(failing, all)
		attempt := first[name]
		if attempt == nil || attempt.Status().Code != codes.Error || attempt.Status().Description != errDatabase.Error() {
			t.Fatalf("got spans %v, want one of the recompute, with the database's error", first)
		}
		if below := attempt.Parent().SpanID() == first["cache get"].SpanContext().SpanID(); below != (over != "swr") {
			t.Errorf("the recompute is below the decision: %t", below)
		}
		links := get(mustNotCompute(t), 2)["cache get"].Links()
		if len(links) != 1 || links[0].SpanContext.SpanID() != first[linked].SpanContext().SpanID() {
			t.Errorf("a throttled request has links %v, want one to the %s that failed", links, linked)
		}
	})
}
