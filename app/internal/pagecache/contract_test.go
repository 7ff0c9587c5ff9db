package pagecache_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/expr-lang/expr"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/otel/signal"
)

// TestContract holds every strategy of the table against every property below, on each Redis. A new strategy needs no line here, unless
// its law is of a mean: then it needs a simulation.
func TestContract(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		t.Run(s.Name, func(t *testing.T) {
			for _, p := range []struct {
				name  string
				check func(t *testing.T, l *lab, s pagecache.Strategy)
			}{
				{"cold misses recompute as the law says", coldLaw},
				{"an expiry recomputes as the law says", expiryLaw},
				{"Expire makes pages expire", expireLaw},
				{"a hit is one round trip", hit},
				{"the page is carried unchanged", carried},
				{"Redis' clock decides", redisClock},
				{"a cancelled leader fails no waiter", cancelledLeader},
				{"a miss that comes late recomputes nothing", lateMiss},
				{"one failed recompute is one error", oneFailure},
				{"a failed recompute is not cached", failureNotCached},
				{"a panic is an error", panics},
				{"a dead holder's lock is waited out", deadHolder},
				{"a slow recompute leaves another's lock alone", slowRecompute},
			} {
				t.Run(p.name, func(t *testing.T) {
					onEachRedis(t, func(t *testing.T, l *lab) { p.check(t, l, s) })
				})
			}
		})
	}
}

const herdSize = 50

func coldLaw(t *testing.T, l *lab, s pagecache.Strategy) {
	computed := l.recomputesOfHerd(t, s, 1)
	checkLaw(t, s.Cold, computed)
	if c := l.counters(); c.Cold != 1 || c.Expirations != 0 || c.Recomputes != int64(computed) {
		t.Errorf("counted %d cold, %d expirations, %d recomputes, want 1, 0, %d", c.Cold, c.Expirations, c.Recomputes, computed)
	}
	// Flushed is as good as never cached.
	if err := l.cache.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if a := l.get(t, s.Name, page(2)); a.page.Version != 2 || a.out.Result != signal.ResultMiss || !a.out.Stored {
		t.Errorf("after a flush: got version %d, %+v, want a miss", a.page.Version, a.out)
	}
	if c := l.counters(); c.Cold != 2 || c.Expirations != 0 {
		t.Errorf("after a flush: counted %d cold, %d expirations, want 2, 0", c.Cold, c.Expirations)
	}
}

func expiryLaw(t *testing.T, l *lab, s pagecache.Strategy) {
	if s.Expiry.Relation == "~" {
		return // of a mean: TestLawsOfMeans
	}
	if a := l.get(t, s.Name, page(1)); a.err != nil {
		t.Fatal(a.err)
	}
	l.pass(ttl)
	afterExpiry(t, l, s, s.Expiry)
}

func expireLaw(t *testing.T, l *lab, s pagecache.Strategy) {
	if a := l.get(t, s.Name, page(1)); a.err != nil {
		t.Fatal(a.err)
	}
	if err := l.cache.Expire(testContext(t)); err != nil {
		t.Fatal(err)
	}
	law := s.Expiry
	if law.Relation == "~" {
		law = s.Cold // what is only refreshed while it is fresh is as unprotected as a cold page once it has expired
	}
	afterExpiry(t, l, s, law)
}

func afterExpiry(t *testing.T, l *lab, s pagecache.Strategy, law api.Law) {
	t.Helper()
	before := l.counters()
	computed := l.recomputesOfHerd(t, s, 2)
	checkLaw(t, law, computed)
	if c := l.counters(); c.Expirations != 1 || c.Cold != before.Cold || c.Recomputes != before.Recomputes+int64(computed) {
		t.Errorf("counted %d expirations, %d cold, %d recomputes, want 1, 0, %d",
			c.Expirations, c.Cold-before.Cold, c.Recomputes-before.Recomputes, computed)
	}
	if a := l.get(t, s.Name, mustNotCompute(t)); a.page.Version != 2 || a.out.Result != signal.ResultHit {
		t.Errorf("then got version %d, %+v, want a hit of version 2", a.page.Version, a.out)
	}
}

// recomputesOfHerd sends the herd for a page that is not fresh, holds every recompute back until all of the herd have looked for the
// page in vain, and returns how many recomputes there were.
func (l *lab) recomputesOfHerd(t *testing.T, s pagecache.Strategy, version int64) int {
	t.Helper()
	var computed count
	first := l.trips.first.value()
	answers := l.herd(t, herdSize, s.Name, func(ctx context.Context) (pagecache.Page, error) {
		computed.add()
		l.trips.first.reach(t, first+herdSize)
		return page(version)(ctx)
	})
	misses := 0
	for _, a := range collect(t, herdSize, answers) {
		if a.err != nil {
			t.Errorf("got error %v", a.err)
		}
		if a.page.Version != version && a.out.Result != signal.ResultStale {
			t.Errorf("got version %d, %+v, want version %d", a.page.Version, a.out, version)
		}
		if a.out.Result == signal.ResultMiss {
			misses++
		}
		a.page.Release()
	}
	l.settle(t)
	if n := computed.value(); misses > n {
		t.Errorf("%d requests say that they recomputed the page, but there were %d recomputes", misses, n)
	}
	return computed.value()
}

// settle waits for background refreshes.
func (l *lab) settle(t *testing.T) {
	t.Helper()
	for ctx := testContext(t); l.registry.Counters().Running > 0 || l.locked(t); {
		if ctx.Err() != nil {
			t.Fatal("recomputes did not end")
		}
	}
}

func (l *lab) locked(t *testing.T) bool {
	t.Helper()
	keys, err := l.rdb.Keys(testContext(t), l.prefix+":lock:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(keys) > 0
}

// lawSays evaluates a law for the herd.
func lawSays(t *testing.T, law api.Law, beta float64) float64 {
	t.Helper()
	v, err := expr.Eval("float("+law.Recomputes+")", map[string]any{"arrivals": herdSize, "replicas": 1, "beta": beta})
	if err != nil {
		t.Fatalf("law %q: %v", law.Recomputes, err)
	}
	return v.(float64)
}

func checkLaw(t *testing.T, law api.Law, recomputes int) {
	t.Helper()
	want, got := lawSays(t, law, 1), float64(recomputes)
	holds := map[string]bool{"==": got == want, "<=": got >= 1 && got <= want, ">=": got >= want && got <= herdSize}
	if !holds[law.Relation] {
		t.Errorf("got %d recomputes for a herd of %d, want %s %g (%s)", recomputes, herdSize, law.Relation, want, law.Text)
	}
}

func TestLawsOfMeans(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		if s.Expiry.Relation == "~" {
			t.Run(s.Name, func(t *testing.T) { checkMeanLaw(t, s) })
		}
	}
}

// checkMeanLaw holds a law of a mean against a simulation, to four standard errors.
func checkMeanLaw(t *testing.T, s pagecache.Strategy) {
	simulate := map[string]func(rng *rand.Rand, beta float64) int{"early": simulateXFetch}[s.Name]
	if simulate == nil {
		t.Fatalf("strategy %s has a law of a mean, but no simulation", s.Name)
	}
	for _, beta := range []float64{1, 1.5, 2} {
		const trials = 4000
		rng := rand.New(rand.NewPCG(1, uint64(1000*beta)))
		var sum, squares float64
		for range trials {
			n := float64(simulate(rng, beta))
			sum, squares = sum+n, squares+n*n
		}
		mean := sum / trials
		deviation := math.Sqrt((squares/trials - mean*mean) / trials)
		want := lawSays(t, s.Expiry, beta)
		if math.Abs(mean-want) > 4*deviation {
			t.Errorf("beta %g: got %.3f recomputes an expiry over %d trials, want %.3f within %.3f", beta, mean, trials, want, 4*deviation)
		}
	}
}

// simulateXFetch plays one life of a page against a simulated clock: Poisson arrivals until the first recompute has replaced it. It
// returns how many recomputes began.
func simulateXFetch(rng *rand.Rand, beta float64) int {
	const rate, took = 1200.0, 45 * time.Millisecond
	scale := beta * took.Seconds()
	left := scale * (math.Log(rate*scale) + 8) // 3 lives in 10,000 would end before that
	recomputes, replaced := 0, math.Inf(-1)     // times are what is left until expiry, and fall
	for ; left > replaced; left -= rng.ExpFloat64() / rate {
		d := time.Duration(left * float64(time.Second))
		if d <= 0 || pagecache.RefreshNow(d, took, beta, rng.Float64()) {
			if recomputes == 0 {
				replaced = left - took.Seconds()
			}
			recomputes++
		}
	}
	return recomputes
}

func hit(t *testing.T, l *lab, s pagecache.Strategy) {
	l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } })
	if a := l.get(t, s.Name, page(7)); a.out.Result != signal.ResultMiss || !a.out.Stored || a.out.Collapsed || a.out.Detail != "" {
		t.Fatalf("the first request: got %+v, want a stored miss", a.out)
	}
	before, commands := l.trips.all.value(), l.counters()
	a := l.get(t, s.Name, mustNotCompute(t))
	if got := l.trips.all.value() - before; got != 1 {
		t.Errorf("got %d round trips, want 1", got)
	}
	if a.out.Result != signal.ResultHit || a.out.Stored || a.out.Collapsed || a.out.Detail != "" || a.page.Version != 7 {
		t.Errorf("got version %d, %+v, want a plain hit", a.page.Version, a.out)
	}
	if c := l.counters(); c.Recomputes != commands.Recomputes || c.Expirations != 0 {
		t.Errorf("the hit counted as %+v", c)
	}
}

func carried(t *testing.T, l *lab, s pagecache.Strategy) {
	// The cache that reads is another one than the one that wrote: it has not met such a large page.
	for _, size := range []int{0, 1, 48 << 10, 64 << 10, 64<<10 + 1, 300 << 10, 1 << 20} {
		want := pagecache.Page{Body: bytes.Repeat([]byte("x\r\n\x00"), size/4+1)[:size], Version: math.MaxInt64 - int64(size)}
		writer, reader := pagecache.New(l.rdb, l.prefix, l.config), pagecache.New(l.rdb, l.prefix, l.config)
		if err := writer.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		_, out, err := writer.Get(l.request(t), s.Name, key, func(context.Context) (pagecache.Page, error) { return want, nil })
		if err != nil || !out.Stored {
			t.Fatalf("%d bytes: got %+v, %v, want a stored miss", size, out, err)
		}
		for range 3 {
			got, out, err := reader.Get(l.request(t), s.Name, key, mustNotCompute(t))
			if err != nil || out.Result != signal.ResultHit || got.Version != want.Version || !bytes.Equal(got.Body, want.Body) {
				t.Errorf("%d bytes: got %d bytes of version %d, %+v, %v", size, len(got.Body), got.Version, out, err)
			}
			got.Release()
		}
	}
}

func redisClock(t *testing.T, l *lab, s pagecache.Strategy) {
	l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } })
	if a := l.get(t, s.Name, page(1)); a.err != nil {
		t.Fatal(a.err)
	}
	l.pass(ttl / 2) // in Redis; here it is but a moment
	a := l.get(t, s.Name, mustNotCompute(t))
	// A real server's clock goes on: on a busy machine, by a second at most.
	if age := a.out.Age; a.out.Result != signal.ResultHit || age < ttl/2 || age > ttl/2+time.Second {
		t.Errorf("got %s at age %s, want a hit at about %s", a.out.Result, age, ttl/2)
	}
	if left := a.out.TTL; left > ttl/2 || left < ttl/2-time.Second {
		t.Errorf("got a TTL of %s, want about %s", left, ttl/2)
	}
	l.pass(ttl/2 + grace)
	if a := l.get(t, s.Name, page(2)); a.page.Version != 2 || a.out.Result != signal.ResultMiss {
		t.Errorf("past its TTL: got version %d, %+v, want a miss", a.page.Version, a.out)
	}
}

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
		a.page, a.out, a.err = l.cache.Get(ctx, s.Name, key, compute)
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
	if a := l.get(t, s.Name, mustNotCompute(t)); a.out.Result != signal.ResultHit {
		t.Errorf("then got %+v, %v, want a hit", a.out, a.err)
	}
	if l.locked(t) {
		t.Error("a lock was left behind")
	}
	if s.Cold.Relation != ">=" { // the leader's recompute went on, and is all that was needed
		checkLaw(t, s.Cold, computing.value())
	}
}

// lateMiss has a request miss the page, and go on only when another request has recomputed it and is done. Strategies that let a herd
// recompute may do so here too.
func lateMiss(t *testing.T, l *lab, s pagecache.Strategy) {
	if s.Cold.Relation == ">=" {
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
		a.page, a.out, a.err = l.cache.Get(ctx, s.Name, key, mustNotCompute(t))
		late <- a
	}()
	l.trips.first.reach(t, 1)
	if a := l.get(t, s.Name, page(1)); !a.out.Stored {
		t.Errorf("got %+v, %v, want a stored miss", a.out, a.err)
	}
	close(filled)
	if a := collect(t, 1, late)[0]; a.err != nil || a.page.Version != 1 || a.out.Result != signal.ResultCoalesced {
		t.Errorf("the late request: got version %d, %+v, %v, want the other's page", a.page.Version, a.out, a.err)
	}
	if c := l.counters(); c.Cold != 1 || c.Expirations != 0 {
		t.Errorf("counted %d cold, %d expirations, want 1, 0", c.Cold, c.Expirations)
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
			if a.out.Result != signal.ResultError || a.out.Stored || a.out.Detail != pagecache.DetailComputeFailed {
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
		if err != nil || len(keys) > 0 {
			t.Errorf("left in Redis: %q, %v", keys, err)
		}
	}
	if a := l.get(t, s.Name, page(1)); a.err != nil || !a.out.Stored {
		t.Errorf("after the failure: got %+v, %v, want a stored miss", a.out, a.err)
	}
	if c := l.counters(); c.Cold != 1 || c.Recomputes != 3 {
		t.Errorf("counted %d cold and %d recomputes, want 1 and 3", c.Cold, c.Recomputes)
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

// deadHolder leaves a lock behind as a process does that is killed. Strategies without locks do not care.
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
	if law.Relation == ">=" {
		return
	}
	checkLaw(t, law, computed.value())
}

// slowRecompute lets a recompute take longer than its lock's TTL, so that a second request takes the lock over.
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
	second := l.herd(t, 1, s.Name, compute)
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
