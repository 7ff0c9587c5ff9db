package law

import (
	"fmt"
	"math"
	"time"

	"loadlab/loadgen/internal/unit"
)

// crowd is the others who ask for a page while its first recompute runs, under the load of one mode in one phase.
type crowd struct {
	dist     dist    // how many
	most     bool    // that many at most: how many exactly is not known
	lambda   float64 // requests for the page a second; 0 if they are no Poisson process
	d        float64 // until the first recompute had stored the page, seconds
	took     float64 // how long the recompute took whose page is stored, seconds
	ttl      float64 // of the page, seconds; 0 is unknown
	left     float64 // seconds from the begin of the first recompute until the expiry; NaN is unknown
	one, all string  // for people: "λ·D = 250/s × 45.0 ms = 11.3"; with the first one: "1 + λ·D = ... = 12.3"
	unknown  string  // why nothing is known of them
}

// refusal is why a law makes no prediction.
type refusal string

func (r refusal) Error() string { return string(r) }

// herd is a page that everybody recomputes who asks for it while the first does.
func herd(c crowd) (quantity, error) {
	if c.unknown != "" {
		return quantity{}, refusal(c.unknown)
	}
	return quantity{dist: c.dist.shift(1), most: c.most, text: c.all}, nil
}

// maxReplicas bounds what a law may ask for.
const maxReplicas = 10_000

// flights is a page that the first of each replica recomputes.
func flights(c crowd, replicas float64, balancing string) (quantity, error) {
	if !(replicas >= 1 && replicas <= maxReplicas) || replicas != math.Trunc(replicas) {
		return quantity{}, refusal(fmt.Sprintf("there is no law for %g replicas", replicas))
	}
	n := int(replicas)
	all := c.dist.shift(1)
	given := fmt.Sprintf("N = %d replicas", n)
	if c.one != "" {
		given += ", " + c.one
	}
	switch {
	case n == 1:
		return quantity{dist: point(1), text: "1"}, nil
	case c.unknown != "":
		return quantity{}, refusal(c.unknown)
	case c.most || balancing == "sticky" || balancing == "least_in_flight":
		return quantity{dist: point(min(n, all.most())), most: true, text: fmt.Sprintf("N = %d replicas", n)}, nil
	case balancing == "random":
		return quantity{dist: distinct(all, n), text: "1 + (N−1)(1 − e^(−λ·D/N))", given: given}, nil
	case balancing == "round_robin":
		return quantity{dist: inTurn(all, n), text: "min(N, 1 + λ·D)", given: given}, nil
	}
	return quantity{}, refusal(fmt.Sprintf("there is no law for replicas that are chosen by %q", balancing))
}

// early is a page that XFetch refreshes before it expires.
func early(c crowd, beta float64) (quantity, error) {
	switch {
	case c.most || c.unknown != "":
		return herd(c)
	case !(beta > 0) || math.IsInf(beta, 0):
		return quantity{}, refusal(fmt.Sprintf("there is no law for a beta of %g", beta))
	case c.lambda == 0 || c.took <= 0:
		return quantity{}, refusal("there is no law for early refreshes under this load")
	}
	x := xfetch{lambda: c.lambda, window: c.d, took: c.took, beta: beta}
	if math.IsNaN(c.left) && c.ttl > 0 && x.atOnce(c.ttl) > maxAtOnce {
		return quantity{}, refusal("the law of early refreshes is for pages that live long, and these are refreshed as soon as they are stored")
	}
	if !math.IsNaN(c.left) {
		return quantity{dist: x.given(c.left, c.ttl), aged: true}, nil
	}
	return quantity{dist: x.recomputes(), text: "e^(1/β)(1 − e^(−c)) + e^(−a) + a(E1(c) − E1(a)) = " + unit.Digits(x.mean()),
		given: fmt.Sprintf("a = β·λ·D, c = a·e^(−1/β), β = %s, %s", unit.Amount(beta), c.one)}, nil
}

// maxAtOnce is how many requests a TTL may refresh a page that was only just stored: the law takes it for none.
const maxAtOnce = 0.1

// poissonCrowd is that of a Poisson process of lambda a second.
func poissonCrowd(lambda float64, d, took time.Duration) crowd {
	c := crowd{dist: poisson(lambda * d.Seconds()), lambda: lambda, d: d.Seconds(), took: took.Seconds(), left: math.NaN()}
	c.describe(lambda, d, lambda*d.Seconds())
	return c
}

// evenCrowd is that of requests that come evenly. They do so to within about a millisecond, and D is not the same each time: the count is
// floor(lambda D) for a D that is spread normally.
func evenCrowd(lambda float64, d, spread time.Duration) crowd {
	sd := math.Hypot(spread.Seconds(), unevenness.Seconds())
	below := func(k int) float64 { return math.Erfc((d.Seconds()-float64(k)/lambda)/(sd*math.Sqrt2)) / 2 }
	least := max(int(lambda*(d.Seconds()-8*sd)), 0)
	of := dist{least: least}
	for k := least; float64(k) <= lambda*(d.Seconds()+8*sd)+1; k++ {
		p := below(k + 1)
		if k > least {
			p -= below(k)
		}
		of.p = append(of.p, p)
	}
	c := crowd{dist: of.trim()}
	c.describe(lambda, d, of.mean())
	c.all = fmt.Sprintf("1 + ⌊λ·D⌋ = 1 + ⌊%s/s × %s⌋ = %s", unit.Digits(lambda), unit.Latency(d), unit.Digits(1+of.mean()))
	return c
}

const unevenness = time.Millisecond

func (c *crowd) describe(lambda float64, d time.Duration, others float64) {
	of := fmt.Sprintf("%s/s × %s", unit.Digits(lambda), unit.Latency(d))
	c.one = fmt.Sprintf("λ·D = %s = %s", of, unit.Digits(others))
	c.all = fmt.Sprintf("1 + λ·D = 1 + %s = %s", of, unit.Digits(1+others))
}

// atMost is the crowd of n requests of which so many at most, the first included, come while the page is recomputed.
func atMost(n float64, text string) crowd {
	return crowd{dist: point(int(max(n-1, 0))), most: true, all: text}
}
