package pagecache_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

func cancelledLeader(t *testing.T, l *lab, s pagecache.Strategy) {
	const others = 10
	var computing count
	release := make(chan struct{})
	compute := func(ctx context.Context) (pagecache.Page, error) {
		computing.add()
		<-release
		p, _ := page(1)(ctx)
		return p, ctx.Err() // as a database driver does
	}
	ctx, cancel := context.WithCancel(l.request(t))
	leader := make(chan answer, 1)
	go func() {
		var a answer
		a.page, a.out, a.err = get(ctx, l.cache, s.Name, key, compute)
		leader <- a
	}()
	computing.reach(t, 1)
	answers := l.herd(t, others, s.Name, compute)
	l.trips.first.reach(t, 1+others)
	cancel()
	close(release)
	for _, a := range collect(t, others, answers) {
		if a.err != nil || a.page.Version != 1 {
			t.Errorf("a waiter got version %d, %+v, %v", a.page.Version, a.out, a.err)
		}
	}
	if a := collect(t, 1, leader)[0]; a.err != nil && !errors.Is(a.err, context.Canceled) {
		t.Errorf("the leader got %v", a.err)
	}
	if a := l.get(t, s.Name, mustNotCompute(t)); a.out.Result != api.CacheHit {
		t.Errorf("then got %+v, %v, want a hit", a.out, a.err)
	}
	if l.locked(t) {
		t.Error("a lock was left behind")
	}
	if !herds(s.Cold) { // the leader's recompute went on, and is all that was needed
		checkLaw(t, s.Cold, computing.value())
	}
}

// lateMiss has a request miss the page, and go on only when another request has recomputed it and is done. Strategies that let a herd
// recompute may do so here too.
func lateMiss(t *testing.T, l *lab, s pagecache.Strategy) {
	if herds(s.Cold) {
		return
	}
	var missed sync.Once
	filled := make(chan struct{})
	l.trips.after = func(ctx context.Context) {
		if ctx.Value(isLate{}) != nil {
			missed.Do(func() { <-filled })
		}
	}
	late := make(chan answer, 1)
	ctx := context.WithValue(l.request(t), isLate{}, true)
	go func() {
		var a answer
		a.page, a.out, a.err = get(ctx, l.cache, s.Name, key, mustNotCompute(t))
		late <- a
	}()
	l.trips.first.reach(t, 1)
	if a := l.get(t, s.Name, page(1)); !a.out.Stored {
		t.Errorf("got %+v, %v, want a stored miss", a.out, a.err)
	}
	close(filled)
	if a := collect(t, 1, late)[0]; a.err != nil || a.page.Version != 1 || a.out.Result != api.CacheCoalesced {
		t.Errorf("the late request: got version %d, %+v, %v, want the other's page", a.page.Version, a.out, a.err)
	}
	if c := l.counters(); c.cold != 1 || c.expirations != 0 {
		t.Errorf("counted %d cold, %d expirations, want 1, 0", c.cold, c.expirations)
	}
}

// isLate is the context key of lateMiss' late request.
type isLate struct{}

func oneFailure(t *testing.T, l *lab, s pagecache.Strategy) {
	var computed count
	answers := l.herd(t, herdSize, s.Name, func(ctx context.Context) (pagecache.Page, error) {
		nth := computed.add()
		l.trips.first.reach(t, herdSize)
		if nth == 1 {
			return failing(ctx)
		}
		return page(1)(ctx)
	})
	failed := 0
	for _, a := range collect(t, herdSize, answers) {
		switch {
		case errors.Is(a.err, errDatabase):
			failed++
			if a.out.Result != api.CacheError || a.out.Stored || a.out.Detail != pagecache.DetailComputeFailed {
				t.Errorf("the failed request: got %+v", a.out)
			}
		case a.err != nil || a.page.Version != 1:
			t.Errorf("got version %d, %+v, %v", a.page.Version, a.out, a.err)
		}
	}
	if failed != 1 {
		t.Errorf("one recompute failed, and %d requests did", failed)
	}
}

func failureNotCached(t *testing.T, l *lab, s pagecache.Strategy) {
	for range 2 {
		if a := l.get(t, s.Name, failing); !errors.Is(a.err, errDatabase) || a.page.Body != nil {
			t.Errorf("got %q, %v, want the database's error", a.page.Body, a.err)
		}
		keys, err := l.rdb.Keys(testContext(t), l.prefix+":*").Result()
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == pagecache.ChangesKey(l.prefix) })
		if err != nil || len(keys) > 0 {
			t.Errorf("left in Redis: %q, %v", keys, err)
		}
	}
	if a := l.get(t, s.Name, page(1)); a.err != nil || !a.out.Stored {
		t.Errorf("after the failure: got %+v, %v, want a stored miss", a.out, a.err)
	}
	if c := l.counters(); c.cold != 1 || c.recomputes != 3 {
		t.Errorf("counted %d cold and %d recomputes, want 1 and 3", c.cold, c.recomputes)
	}
}

func panics(t *testing.T, l *lab, s pagecache.Strategy) {
	a := l.get(t, s.Name, func(context.Context) (pagecache.Page, error) { panic("no such agent") })
	var p *pagecache.PanicError
	if !errors.As(a.err, &p) || p.Value != "no such agent" || !bytes.Contains(p.Stack, []byte("contract_test.go")) {
		t.Errorf("got %v, want the panic with its stack", a.err)
	}
	if running := l.registry.Counters().Running; running != 0 {
		t.Errorf("%d recomputes are still counted as running", running)
	}
	if a := l.get(t, s.Name, page(1)); a.err != nil || !a.out.Stored {
		t.Errorf("after the panic: got %+v, %v, want a stored miss", a.out, a.err)
	}
}

// deadHolder leaves a lock behind as a process does that is killed. It has no effect on strategies without locks.
func deadHolder(t *testing.T, l *lab, s pagecache.Strategy) {
	const short, herd = 200 * time.Millisecond, 10
	l.configure(t, func(c *pagecache.Config) { c.LockTTL = short })
	if err := l.rdb.Set(testContext(t), pagecache.LockKey(l.prefix, s.Name, key), "the token of a dead process", short).Err(); err != nil {
		t.Fatal(err)
	}
	var computed count
	answers := l.herd(t, herd, s.Name, func(ctx context.Context) (pagecache.Page, error) {
		computed.add()
		l.trips.first.reach(t, herd)
		return page(1)(ctx)
	})
	l.trips.first.reach(t, herd)
	if computed.value() == 0 {
		l.pass(short - 10*time.Millisecond) // the rest passes by itself, or at the second call
		l.pass(10 * time.Millisecond)
	}
	for _, a := range collect(t, herd, answers) {
		if a.err != nil || a.page.Version != 1 {
			t.Errorf("got version %d, %+v, %v", a.page.Version, a.out, a.err)
		}
	}
	law := s.Cold
	if herds(law) {
		return
	}
	checkLaw(t, law, computed.value())
}

// slowRecompute lets a recompute take longer than its lock's TTL, so that a request of another process takes the lock over.
func slowRecompute(t *testing.T, l *lab, s pagecache.Strategy) {
	var computing count
	release := []chan struct{}{make(chan struct{}), make(chan struct{})}
	compute := func(ctx context.Context) (pagecache.Page, error) {
		n := computing.add()
		<-release[n-1]
		return page(int64(n))(ctx)
	}
	first := l.herd(t, 1, s.Name, compute)
	computing.reach(t, 1)
	if !l.locked(t) {
		close(release[0])
		collect(t, 1, first)
		return // the strategy has no locks
	}
	l.pass(lockTTL)
	other, second := pagecache.New(l.rdb, l.prefix, l.config), make(chan answer, 1)
	ctx := l.request(t)
	go func() {
		var a answer
		a.page, a.out, a.err = get(ctx, other, s.Name, key, compute)
		second <- a
	}()
	computing.reach(t, 2)
	lockKey := pagecache.LockKey(l.prefix, s.Name, key)
	token, err := l.rdb.Get(testContext(t), lockKey).Result()
	if err != nil {
		t.Fatalf("the second request recomputes without a lock: %v", err)
	}
	close(release[0])
	if a := collect(t, 1, first)[0]; a.err != nil || a.page.Version != 1 {
		t.Errorf("the slow request: got version %d, %v", a.page.Version, a.err)
	}
	if now, err := l.rdb.Get(testContext(t), lockKey).Result(); now != token {
		t.Errorf("the slow request gave back another's lock: %q, %v", now, err)
	}
	close(release[1])
	if a := collect(t, 1, second)[0]; a.err != nil || a.page.Version != 2 {
		t.Errorf("the second request: got version %d, %v", a.page.Version, a.err)
	}
	if l.locked(t) {
		t.Error("a lock was left behind")
	}
}
