package law

import "math"

// xfetch is XFetch as its requests see it: they come as a Poisson process, lambda a second. A hit that finds t seconds left refreshes the
// page with the probability exp(-t/(beta x took)), took being what the stored page took to compute; from the expiry on everybody does.
// The first who does has stored the new page after window seconds, and until then others do the same.
//
// For a page that lives much longer than beta x took x ln(a), with a = lambda x beta x took: the first refresh is at s ln(a/u) before
// the expiry, s = beta x took, where u is from an exponential distribution of mean 1, and if u > a nobody refreshes early. Given u,
// the others are a Poisson count whose mean is the integral of that probability over the window.
type xfetch struct{ lambda, window, took, beta float64 }

// mean is the mean of recomputes an expiry, in closed form:
//
//	E[N] = e^r (1 - e^(-c)) + e^(-a) + a (E1(c) - E1(a)),  r = window / (beta x took),  c = a e^(-r)
//
// Where took is the window, D, and a is large, it tends to the e^(1/beta) that XFetch is known by; for small a it tends to 1 + lambda D.
func (x xfetch) mean() float64 {
	a := x.lambda * x.beta * x.took
	r := x.window / (x.beta * x.took)
	c := a * math.Exp(-r)
	if a < tiny || c < tiny { // the limit: everybody in the window refreshes
		return 1 + x.lambda*x.window
	}
	return math.Exp(r)*-math.Expm1(-c) + math.Exp(-a) + a*(e1(c)-e1(a))
}

const tiny = 1e-290

// nodes is how many values of u stand for all: the middles of parts of equal probability.
const nodes = 200

// recomputes is the distribution of recomputes an expiry.
func (x xfetch) recomputes() dist {
	s := x.beta * x.took
	a := x.lambda * s
	early := -math.Expm1(-a) // the probability that somebody refreshes before the expiry
	weights, of := []float64{1 - early}, []dist{poisson(x.lambda * x.window)}
	for i := range nodes {
		if early <= 0 {
			break
		}
		u := -math.Log1p(-early * (float64(i) + .5) / nodes)
		weights, of = append(weights, early/nodes), append(of, poisson(x.after(s*math.Log(a/u))))
	}
	return blend(weights, of).shift(1)
}

// given is what an expiry adds to the count of recomputes, and to what it is held against, if it is known that the first refresh came left
// seconds before it, of a page that lives for ttl. The count of refreshes less the sum of the probabilities with which each request could have been one, until the first
// and then until that is done, is a martingale, whatever the others do to how long it takes. If nobody came early, the first is none by chance.
func (x xfetch) given(left, ttl float64) dist {
	s := x.beta * x.took
	first := 0
	if left <= 0 {
		first = 1
	}
	before := max(x.lambda*s*math.Exp(-max(left, 0)/s)-x.atOnce(ttl), 0)
	return poisson(before + x.after(left)).shift(first)
}

// atOnce is how many refreshes there would have been of the page before it was stored, had it lived for ever: nothing, for pages that live long.
func (x xfetch) atOnce(ttl float64) float64 {
	s := x.beta * x.took
	return x.lambda * s * math.Exp(-ttl/s)
}

// after is how many others refresh too, on average, if the first does so that many seconds before the expiry.
func (x xfetch) after(left float64) float64 {
	s := x.beta * x.took
	switch {
	case left <= 0:
		return x.lambda * x.window
	case left >= x.window:
		return x.lambda * s * (math.Exp((x.window-left)/s) - math.Exp(-left/s))
	}
	return x.lambda * (s*-math.Expm1(-left/s) + x.window - left)
}
