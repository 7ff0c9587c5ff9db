package law

import (
	"math"
	"time"
)

// E1 is the exponential integral.
func E1(x float64) float64 { return e1(x) }

// XFetch returns the closed form of the mean of XFetch's recomputes, and the mean and the variance of their distribution.
func XFetch(lambda, window, took, beta float64) (closed, mean, variance float64) {
	x := xfetch{lambda: lambda, window: window, took: took, beta: beta}
	d := x.recomputes()
	return x.mean(), d.mean(), d.variance()
}

// Dist is a distribution, by its least value, its probabilities, mean and variance.
type Dist struct {
	dist
	Mean, Variance float64
}

// Interval is that of the distribution.
func (d Dist) Interval(alpha float64) (least, most int) { return d.interval(alpha) }

// Times is the distribution of the sum of n.
func (d Dist) Times(n int64) Dist { return exported(d.times(n)) }

func exported(d dist) Dist { return Dist{d, d.mean(), d.variance()} }

// Poisson is a Poisson distribution.
func Poisson(mean float64) Dist { return exported(poisson(mean)) }

// Distinct is how many of n replicas one request and a Poisson count of others reach.
func Distinct(others float64, n int) Dist { return exported(distinct(poisson(others).shift(1), n)) }

// Even is the distribution of others of requests that come evenly.
func Even(lambda float64, d, spread time.Duration) Dist {
	return exported(evenCrowd(lambda, d, spread).dist)
}

// Evaluate evaluates a law under a Poisson load, and returns its mean and its text.
func Evaluate(law string, lambda float64, d time.Duration, replicas int, balancing string, beta float64) (float64, string, error) {
	f, err := parse(law)
	if err != nil {
		return 0, "", err
	}
	q, err := f.evaluate(map[string]variable{
		"others": {value: poissonCrowd(lambda, d, d)}, "replicas": {value: float64(replicas), text: "replicas"},
		"balancing": {value: balancing}, "beta": {value: beta, text: "beta"},
	})
	if err != nil {
		return 0, "", err
	}
	return q.mean(), q.text, nil
}

// EvictedAfter solves Che's equation for n keys with the exponent s.
func EvictedAfter(n int, s, lambda, ttl, room float64, random bool) (tau, hits float64) {
	var classes []class
	var sum float64
	for k := range n {
		classes = append(classes, class{1, math.Pow(float64(k+1), -s)})
		sum += classes[k].share
	}
	for i := range classes {
		classes[i].share /= sum
	}
	tau = evictedAfter(classes, lambda, ttl, room, random)
	for _, k := range classes {
		m := k.share * lambda * life(k.share*lambda, tau, ttl, random)
		hits += k.share * m / (1 + m)
	}
	return tau, hits
}
