package law

import (
	"fmt"
	"math"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// class is n keys that are asked for with about the same share of all requests each.
type class struct{ n, share float64 }

const (
	single  = 1000 // so many of the most popular keys are a class of their own
	widen   = 1.01 // how much wider one class of the others is than the one before
	maxKeys = 10_000_000
)

// popularity returns the keys by class, most popular first. The error says that nothing is known of them.
func popularity(keys *result.Keys) ([]class, error) {
	s := 0.0
	switch {
	case keys == nil || keys.Of == 1:
		return []class{{1, 1}}, nil
	case keys.Of < 1 || keys.Of > maxKeys:
		return nil, refusal(fmt.Sprintf("there is no law for %d keys", keys.Of))
	case keys.Kind == "zipf":
		s = keys.S
	case keys.Kind != "uniform":
		return nil, refusal("there is no law for keys from a " + keys.Kind)
	}
	if s == 0 {
		return []class{{float64(keys.Of), 1 / float64(keys.Of)}}, nil
	}
	var all []class
	var sum float64
	for k := 1; k <= keys.Of; {
		n := 1
		if k > single {
			n = min(max(int(float64(k)*(widen-1)), 1), keys.Of-k+1)
		}
		var part float64
		for i := range n {
			part += math.Pow(float64(k+i), -s)
		}
		all = append(all, class{float64(n), part / float64(n)})
		sum += part
		k += n
	}
	for i := range all {
		all[i].share /= sum
	}
	return all, nil
}

// crowdOfKeys is that of a page among many, as often as it is missing.
func (x subject) crowdOfKeys(lambda float64, d time.Duration) crowd {
	classes, room, err := x.cached()
	ttl := x.ttl().Seconds()
	switch {
	case err != nil:
		return crowd{unknown: err.Error()}
	case ttl <= 0:
		return crowd{unknown: "the app did not tell its ttl"}
	}
	tau := x.evictedAfter(classes, room, false)
	var weights []float64
	var of []dist
	for _, k := range classes {
		each := lambda * k.share
		weights, of = append(weights, k.n/(life(each, tau, ttl, false)+1/each)), append(of, poisson(each*d.Seconds()))
	}
	c := crowd{dist: blend(weights, of)}
	mean := unit.Digits(c.dist.mean())
	c.one = "mean λ·D of a page that is missing = " + mean
	c.all = fmt.Sprintf("1 + λ·D = %s, the mean over the pages that are missing,", unit.Digits(1+c.dist.mean()))
	return c
}

// life is how long a key that is asked for lambda times a second stays, on average, where it is evicted after about tau: under LRU if it is not
// asked for during tau, under RANDOM whatever happens. It stays for ttl at most. For lambda tau and ttl as they are, the mean time to the
// first gap of tau is (e^(lambda tau) - 1)/lambda, and close to exponential.
func life(lambda, tau, ttl float64, random bool) float64 {
	mean := tau
	if !random {
		mean = math.Expm1(lambda*tau) / lambda
	}
	if math.IsInf(mean, 1) || mean > 1e6*ttl {
		return ttl
	}
	return mean * -math.Expm1(-ttl/mean)
}

// evictedAfter solves Che's equation for tau: the pages that are cached at any time are as many as there is room for (Fricker, Robert and
// Roberts, A Versatile and Accurate Approximation for LRU Cache Performance, 2012). It returns infinity if there is room for all, which a room of 0
// stands for too.
func evictedAfter(classes []class, lambda, ttl, room float64, random bool) float64 {
	cached := func(tau float64) float64 {
		var sum float64
		for _, k := range classes {
			hits := k.share * lambda * life(k.share*lambda, tau, ttl, random)
			sum += k.n * hits / (1 + hits)
		}
		return sum
	}
	low, high := 1e-9, 1e9
	if room <= 0 || cached(high) <= room {
		return math.Inf(1)
	}
	for range 200 {
		if middle := math.Sqrt(low * high); cached(middle) < room {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
