package pagecache_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/expr-lang/expr"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

const herdSize = 50

func coldLaw(t *testing.T, l *lab, s pagecache.Strategy) {
	computed := l.recomputesOfHerd(t, s, 1)
	checkLaw(t, s.Cold, computed)
	if c := l.counters(); c.cold != 1 || c.expirations != 0 || c.recomputes != int64(computed) {
		t.Errorf("counted %d cold, %d expirations, %d recomputes, want 1, 0, %d", c.cold, c.expirations, c.recomputes, computed)
	}
	// Flushed is as good as never cached.
	if err := l.cache.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if a := l.get(t, s.Name, page(2)); a.page.Version != 2 || a.out.Result != api.CacheMiss || !a.out.Stored {
		t.Errorf("after a flush: got version %d, %+v, want a miss", a.page.Version, a.out)
	}
	if c := l.counters(); c.cold != 2 || c.expirations != 0 {
		t.Errorf("after a flush: counted %d cold, %d expirations, want 2, 0", c.cold, c.expirations)
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
	if c := l.counters(); c.expirations != 1 || c.cold != before.cold || c.recomputes != before.recomputes+int64(computed) {
		t.Errorf("counted %d expirations, %d cold, %d recomputes, want 1, 0, %d",
			c.expirations, c.cold-before.cold, c.recomputes-before.recomputes, computed)
	}
	if a := l.get(t, s.Name, mustNotCompute(t)); a.page.Version != 2 || a.out.Result != api.CacheHit {
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
		if a.page.Version != version && a.out.Result != api.CacheStale {
			t.Errorf("got version %d, %+v, want version %d", a.page.Version, a.out, version)
		}
		if a.out.Result == api.CacheMiss {
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

// simulateXFetch simulates one page on a clock of its own, from a fill to its replacement: Poisson arrivals until the first
// recompute has replaced it. It returns how many recomputes began.
func simulateXFetch(rng *rand.Rand, beta float64) int {
	const rate, took = 1200.0, 45 * time.Millisecond
	scale := beta * took.Seconds()
	left := scale * (math.Log(rate*scale) + 8) // 3 pages in 10,000 would be replaced before that
	recomputes, replaced := 0, math.Inf(-1)    // times are what is left until expiry, and fall
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
