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
const nodes = 400

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
		weights, of = append(weights, early/nodes), append(of, poisson(x.others(u, a, s)))
	}
	return blend(weights, of).shift(1)
}

// others is how many others refresh too, on average, if the first does so s ln(a/u) before the expiry.
func (x xfetch) others(u, a, s float64) float64 {
	before := s * math.Log(a/u)
	if before >= x.window {
		return u * math.Expm1(x.window/s)
	}
	return a - u + x.lambda*(x.window-before)
}
