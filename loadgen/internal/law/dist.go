package law

import "math"

// dist is the distribution of a count: p[i] is the probability of least+i. The zero value is the count 0, for sure.
type dist struct {
	least int
	p     []float64
}

// dust is the probability below which a value is left out at either end.
const dust = 1e-15

// point is a count that is not random.
func point(n int) dist { return dist{least: n} }

func (d dist) weights() []float64 {
	if len(d.p) == 0 {
		return []float64{1}
	}
	return d.p
}

// poisson is the count of the arrivals of a Poisson process while mean are expected.
func poisson(mean float64) dist {
	if !(mean > 0) {
		return point(0)
	}
	mode := math.Floor(mean)
	lg, _ := math.Lgamma(mode + 1)
	top := math.Exp(mode*math.Log(mean) - mean - lg)
	down := []float64{}
	for k, p := mode, top; k > 0; k-- {
		if p *= k / mean; p < dust {
			break
		}
		down = append(down, p)
	}
	d := dist{least: int(mode) - len(down), p: make([]float64, 0, 2*len(down)+8)}
	for i := len(down) - 1; i >= 0; i-- {
		d.p = append(d.p, down[i])
	}
	for k, p := mode, top; p >= dust; k++ {
		d.p = append(d.p, p)
		p *= mean / (k + 1)
	}
	return d
}

// normal is the normal distribution in whole numbers.
func normal(mean, variance float64) dist {
	sd := math.Sqrt(max(variance, 1e-12))
	d := dist{least: int(math.Floor(mean - 8*sd - 1))}
	cdf := func(x float64) float64 { return math.Erfc((mean-x)/(sd*math.Sqrt2)) / 2 }
	for k := d.least; float64(k) <= mean+8*sd+1; k++ {
		d.p = append(d.p, cdf(float64(k)+.5)-cdf(float64(k)-.5))
	}
	return d.trim()
}

// shift is the distribution of n more.
func (d dist) shift(n int) dist {
	d.least += n
	return d
}

// tooWide is from where on a sum is taken as normal: the exact one would take longer than it is worth.
const tooWide = 1 << 23

// plus is the distribution of the sum of two independent counts.
func (d dist) plus(o dist) dist {
	a, b := d.weights(), o.weights()
	if len(a)*len(b) > tooWide {
		return normal(d.mean()+o.mean(), d.variance()+o.variance())
	}
	sum := dist{least: d.least + o.least, p: make([]float64, len(a)+len(b)-1)}
	for i, x := range a {
		for j, y := range b {
			sum.p[i+j] += x * y
		}
	}
	return sum.trim()
}

// times is the distribution of the sum of n independent counts.
func (d dist) times(n int64) dist {
	if len(d.p) <= 1 {
		return point(d.least * int(n))
	}
	sum := point(0)
	for power := d; n > 0; n >>= 1 {
		if n&1 == 1 {
			sum = sum.plus(power)
		}
		if n > 1 {
			power = power.plus(power)
		}
	}
	return sum
}

// blend is the distribution of a count that is taken from one of several distributions, drawn by weight.
func blend(weights []float64, of []dist) dist {
	least, most := math.MaxInt, math.MinInt
	for _, d := range of {
		least, most = min(least, d.least), max(most, d.least+len(d.weights()))
	}
	var all float64
	for _, w := range weights {
		all += w
	}
	sum := dist{least: least, p: make([]float64, most-least)}
	for i, d := range of {
		for j, p := range d.weights() {
			sum.p[d.least-least+j] += p * weights[i] / all
		}
	}
	return sum.trim()
}

// trim leaves out what is next to impossible at both ends.
func (d dist) trim() dist {
	for len(d.p) > 1 && d.p[0] < dust {
		d.least, d.p = d.least+1, d.p[1:]
	}
	for len(d.p) > 1 && d.p[len(d.p)-1] < dust {
		d.p = d.p[:len(d.p)-1]
	}
	return d
}

// most is the greatest possible count.
func (d dist) most() int { return d.least + len(d.weights()) - 1 }

func (d dist) mean() float64 {
	var sum float64
	for i, p := range d.weights() {
		sum += p * float64(i)
	}
	return sum + float64(d.least)
}

func (d dist) variance() float64 {
	mean := d.mean() - float64(d.least)
	var sum float64
	for i, p := range d.weights() {
		sum += p * (float64(i) - mean) * (float64(i) - mean)
	}
	return sum
}

// interval is from which to which value the count is, but for a chance of alpha: at most half of it at either end.
func (d dist) interval(alpha float64) (least, most int) {
	w := d.weights()
	least, most = d.least, d.least+len(w)-1
	for below := w[0]; below <= alpha/2 && least < most; below += w[least-d.least] {
		least++
	}
	for above := w[len(w)-1]; above <= alpha/2 && most > least; above += w[most-d.least] {
		most--
	}
	return least, most
}
