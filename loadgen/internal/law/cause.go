package law

import (
	"fmt"

	"loadlab/app/api"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// cause is why pages were recomputed, and the law for it.
type cause struct {
	law       result.Law
	n         int64
	one, many string
}

// causes returns those that there were. With several replicas each counts for itself that it found a page expired or cold, so that pages are
// counted by their herds.
func (x subject) causes() ([]cause, error) {
	c := x.t.Counters()
	cold := cause{x.s.Cold, c[api.CountCold], "cold page", "cold pages"}
	expired := cause{x.s.Expiry, c[api.CountExpirations], "expiry", "expiries"}
	if x.evicted() { // a page that is gone does not show why
		expired.one, expired.many = "expiry or eviction", "expiries or evictions"
	}
	if x.t.OutOfService() {
		return nil, refusal("a replica was out of service for a time")
	}
	if x.p.Replicas > 1 && cold.n+expired.n > 1 {
		herds := int64(len(x.t.Herds))
		switch {
		case herds == 0 || x.manyKeys():
			return nil, refusal("each replica counts the expiry of a page for itself, and no response tells which are the same")
		case expired.n == 0:
			cold.n = herds
		case cold.n == 0 || cold.law == expired.law:
			cold.n, expired.n = 0, herds
		default:
			return nil, refusal("each replica counts the expiry of a page for itself, and some found the page cold")
		}
	}
	var all []cause
	for _, each := range []cause{cold, expired} {
		if each.n > 0 {
			all = append(all, each)
		}
	}
	return all, nil
}

func (c cause) counted() string {
	if c.n == 1 {
		return "1 " + c.one
	}
	return unit.Count(c.n) + " " + c.many
}

// sum is how many recomputes there are in all: at least and at most. The two are the same unless a law is a bound.
type sum struct {
	least, most dist
	plain       float64 // of laws that are plain numbers, beside them
	bound       bool    // most is a bound, and not what is expected
	unbounded   bool    // there is no most
}

func (s sum) plus(o sum) sum {
	return sum{least: s.least.plus(o.least), most: s.most.plus(o.most), plain: s.plain + o.plain,
		bound: s.bound || o.bound, unbounded: s.unbounded || o.unbounded}
}

// relation is how what is measured relates to what is predicted.
func (s sum) relation() string {
	switch {
	case s.unbounded && s.bound:
		return "?"
	case s.unbounded:
		return ">="
	case s.bound:
		return "<="
	}
	return "=="
}

func (s sum) mean() float64 {
	if s.unbounded {
		return s.least.mean() + s.plain
	}
	return s.most.mean() + s.plain
}

// total is the recomputes of all of a cause, if each has the distribution that q has; or, where q is over D, that of its part.
func (c cause) total(q quantity, parts []quantity, h herds) (sum, error) {
	all := q.dist.times(c.n)
	switch {
	case q.plain:
		all = point(0)
	case len(parts) == 0:
	case h.n == c.n:
		all = point(0)
		for i, p := range parts {
			all = all.plus(p.dist.times(h.parts[i].n))
		}
	default: // not every herd was seen
		var weights []float64
		var of []dist
		for i, p := range parts {
			weights, of = append(weights, float64(h.parts[i].n)), append(of, p.dist)
		}
		all = blend(weights, of).times(c.n)
	}
	s := sum{least: all, most: all}
	if q.plain {
		s.plain = float64(c.n) * q.value
	}
	switch {
	case c.law.Relation == "<=", c.law.Relation == "==" && q.most:
		s.least, s.bound = point(int(c.n)), true
	case c.law.Relation == ">=":
		s.unbounded = true
	case c.law.Relation != "==":
		return sum{}, fmt.Errorf("the law's relation is %q, and not ==, <= or >=", c.law.Relation)
	}
	return s, nil
}
