package law

import (
	"cmp"
	"strconv"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// subject is one mode in one phase.
type subject struct {
	f *figure.Figures
	s result.Strategy
	m result.Mode
	p result.PhaseInfo
	t *figure.Total
	h herds
}

// manyKeys reports whether the mode asks for more than one page.
func (x subject) manyKeys() bool { return x.m.Keys.Many() }

// config is a setting of the app, as the phase had it; empty if it is unknown.
func (x subject) config(name string) string { return cmp.Or(x.p.App[name], x.f.Run.Stack.Config[name]) }

// setting is a duration of the app's configuration; 0 if it is unknown.
func (x subject) setting(name string) time.Duration {
	d, err := time.ParseDuration(x.config(name))
	if err != nil {
		return 0
	}
	return d
}

// ttl is how long a page is fresh, on average: a jitter takes up to that share of it away. 0 is unknown.
func (x subject) ttl() time.Duration {
	jitter, err := strconv.ParseFloat(x.config("ttl_jitter"), 64)
	if err != nil {
		jitter = 0
	}
	return time.Duration((1 - jitter/2) * float64(x.setting("ttl")))
}

// length is how long a round of the phase was, in seconds.
func (x subject) length() float64 { return x.t.Took.Seconds() / float64(x.t.Rounds()) }

// variables returns what laws are over.
func (x subject) variables(others crowd) map[string]variable {
	replicas := float64(max(x.p.Replicas, 1))
	vars := map[string]variable{
		"others":    {value: others},
		"replicas":  {value: replicas, text: "replicas = " + unit.Amount(replicas)},
		"balancing": {value: x.p.Balancing, text: x.p.Balancing},
		"beta":      {unknown: "the app did not tell its beta"},
	}
	if beta, err := strconv.ParseFloat(x.config("beta"), 64); err == nil && beta > 0 {
		vars["beta"] = variable{value: beta, text: "beta = " + unit.Amount(beta)}
	}
	return vars
}

// lambda is the measured rate of requests of the mode a second: what a Poisson process or a share of a mix came to.
func (x subject) lambda() float64 {
	if x.t.Took <= 0 {
		return 0
	}
	return float64(x.t.Ledger.Scheduled) / x.t.Took.Seconds()
}

// crowd is who asks for a page while a herd like h recomputes it.
func (x subject) crowd(h part) crowd {
	users := float64(x.p.Users)
	switch x.p.Kind {
	case "burst":
		n := float64(x.t.Ledger.Scheduled) / float64(x.t.Rounds())
		if users > 0 {
			n = min(n, users)
		}
		return atMost(n, "N = "+unit.Amount(n))
	case "closed": // each has one request at a time, and does not come again before the page is there
		if users > 0 {
			return atMost(users, "users = "+unit.Amount(users))
		}
		return crowd{unknown: "there is no law for a closed load"}
	}
	lambda, ttl := x.lambda(), x.ttl()
	switch {
	case x.p.Varies:
		return crowd{unknown: "there is no exact law for a rate that changes"}
	case x.h.n == 0 || lambda <= 0:
		return crowd{unknown: "no response tells how long a recompute takes"}
	case ttl > 0 && x.h.d+x.h.spread > ttl:
		return crowd{unknown: "recomputes took longer than a page lives, so that one herd runs into the next"}
	case x.manyKeys():
		return x.crowdOfKeys(lambda, h.d)
	case x.p.Arrivals == "constant" && x.p.Mix:
		return crowd{unknown: "there is no exact law for a share of requests that come evenly"}
	case x.p.Arrivals == "constant":
		return evenCrowd(lambda, h.d, h.varies)
	}
	c := poissonCrowd(lambda, h.d, h.took)
	switch {
	case x.h.slowed() && h.age > 0 && ttl > 0: // exact for any TTL
		c.ttl, c.left = ttl.Seconds(), (ttl - h.age).Seconds()
	case h.n == x.h.n:
		c.ttl = ttl.Seconds()
	}
	return c
}
