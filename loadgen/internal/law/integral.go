package law

import "math"

// gamma is the constant of Euler and Mascheroni.
const gamma = 0.57721566490153286060651209

// e1 is the exponential integral E1(x), the integral of exp(-t)/t from x on, for x > 0: by its series up to 1, and beyond that by its
// continued fraction with the method of Lentz (Abramowitz and Stegun 5.1.11 and 5.1.22; Press et al., Numerical Recipes, 6.3).
func e1(x float64) float64 {
	const terms, enough = 200, 1e-17
	switch {
	case math.IsNaN(x) || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(1)
	case x <= 1:
		sum, power := -math.Log(x)-gamma, 1.0
		for k := 1.0; k <= terms; k++ {
			power *= -x / k
			sum -= power / k
			if math.Abs(power/k) < enough*math.Abs(sum) {
				break
			}
		}
		return sum
	}
	b := x + 1
	c, d := math.Inf(1), 1/b
	h := d
	for k := 1.0; k <= terms; k++ {
		a := -k * k
		b += 2
		d = 1 / (a*d + b)
		c = b + a/c
		h *= c * d
		if math.Abs(c*d-1) < enough {
			break
		}
	}
	return h * math.Exp(-x)
}
