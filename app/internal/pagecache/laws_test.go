package pagecache_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
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
	if ofMean(s.Expiry) {
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
	if ofMean(law) {
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

// settle waits for background refreshes. What they spend is in the counters then, the giving back of their locks included.
func (l *lab) settle(t *testing.T) {
	t.Helper()
	for ctx := testContext(t); l.registry.Counters().Running > 0; {
		if ctx.Err() != nil {
			t.Fatal("recomputes did not end")
		}
	}
	if l.locked(t) {
		t.Error("nothing runs, and there is a lock")
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

// herds reports whether a law lets everybody recompute who finds the page missing, and ofMean whether it is of something random even when
// it is known who asks.
func herds(law api.Law) bool  { return strings.Contains(law.Recomputes, "herd(") }
func ofMean(law api.Law) bool { return strings.Contains(law.Recomputes, "xfetch(") }

// lawSays evaluates a law for a herd of which all ask for the page at once, in one process.
func lawSays(t *testing.T, law api.Law, size int) int {
	t.Helper()
	v, err := expr.Eval(law.Recomputes, map[string]any{
		"others": size - 1, "replicas": 1, "balancing": "",
		"herd":    func(others int) int { return 1 + others },
		"flights": func(others, replicas int, _ string) int { return min(1+others, replicas) },
	})
	if err != nil {
		t.Fatalf("law %q: %v", law.Recomputes, err)
	}
	return v.(int)
}

func checkLaw(t *testing.T, law api.Law, recomputes int) {
	t.Helper()
	want := lawSays(t, law, herdSize)
	holds := map[string]bool{"==": recomputes == want, "<=": recomputes >= 1 && recomputes <= want, ">=": recomputes >= want}
	if !holds[law.Relation] {
		t.Errorf("got %d recomputes for a herd of %d, want %s %d (%s)", recomputes, herdSize, law.Relation, want, law.Text)
	}
}

func TestLawsOfMeans(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		if ofMean(s.Expiry) {
			t.Run(s.Name, func(t *testing.T) { checkMeanLaw(t, s) })
		}
	}
}

// checkMeanLaw holds a law of a mean against a simulation of what the strategy does, to four standard errors.
func checkMeanLaw(t *testing.T, s pagecache.Strategy) {
	simulate := map[string]func(rng *rand.Rand, rate, beta float64) int{"early": simulateXFetch}[s.Name]
	if simulate == nil {
		t.Fatalf("strategy %s has a law of a mean, but no simulation", s.Name)
	}
	for _, rate := range []float64{2, 20, 1200} {
		for _, beta := range []float64{.5, 1, 2} {
			const trials = 10_000
			rng := rand.New(rand.NewPCG(1, uint64(1000*beta+rate)))
			var sum, squares float64
			for range trials {
				n := float64(simulate(rng, rate, beta))
				sum, squares = sum+n, squares+n*n
			}
			mean := sum / trials
			deviation := math.Sqrt((squares/trials - mean*mean) / trials)
			want := xfetchMean(rate*xfetchTook.Seconds(), beta)
			if math.Abs(mean-want) > 4*deviation {
				t.Errorf("rate %g, beta %g: got %.3f recomputes an expiry over %d trials, want %.3f within %.3f", rate, beta, mean, trials, want, 4*deviation)
			}
		}
	}
}

const xfetchTook = 45 * time.Millisecond

// xfetchMean is the law's mean by the definition of what it is the mean of, with a clock on which a recompute takes 1: the first refresh is
// t before the expiry with the density a' exp(-t/beta) exp(-a exp(-t/beta)), a' = lambda D and a = beta a', or at the expiry with what is
// left, and until it is done the others refresh with the probability min(1, exp(-s/beta)).
func xfetchMean(arrivals, beta float64) float64 {
	const step = 1e-3
	a := arrivals * beta
	others := func(t float64) float64 { // from t to t-1 before the expiry
		return arrivals * (max(1-t, 0) + beta*(math.Exp(-max(t-1, 0)/beta)-math.Exp(-t/beta)))
	}
	mean := 1 + math.Exp(-a)*arrivals
	for t := step / 2; t < beta*(math.Log(max(a, 1))+20)+1; t += step {
		mean += step * arrivals * math.Exp(-t/beta-a*math.Exp(-t/beta)) * others(t)
	}
	return mean
}

// simulateXFetch simulates one page on a clock of its own, from a fill to its replacement: Poisson arrivals until the first
// recompute has replaced it. It returns how many recomputes began.
func simulateXFetch(rng *rand.Rand, rate, beta float64) int {
	scale := beta * xfetchTook.Seconds()
	left := scale * (math.Log(max(rate*scale, 1)) + 9) // 1 page in 10,000 would be replaced before that
	recomputes, replaced := 0, math.Inf(-1)            // times are what is left until expiry, and fall
	for ; left > replaced; left -= rng.ExpFloat64() / rate {
		d := time.Duration(left * float64(time.Second))
		if d <= 0 || pagecache.RefreshNow(d, xfetchTook, beta, rng.Float64()) {
			if recomputes == 0 {
				replaced = left - xfetchTook.Seconds()
			}
			recomputes++
		}
	}
	return recomputes
}
