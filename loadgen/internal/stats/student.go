package stats

import "math"

// normalQuantile is that of the standard normal distribution.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// studentCDF is the distribution of Student's t with a whole number of degrees of freedom: the finite sums of Abramowitz and Stegun 26.7.3
// and 26.7.4.
func studentCDF(t float64, df int) float64 {
	theta := math.Atan(t / math.Sqrt(float64(df)))
	sin, cos := math.Sincos(theta)
	var term, sum, first float64
	odd := df % 2
	if odd == 1 {
		term, first = cos, 3
	} else {
		term, first = 1, 2
	}
	for i := first; i <= float64(df); i += 2 {
		sum += term
		term *= cos * cos * (i - 1) / i
	}
	if odd == 1 {
		return 0.5 + (theta+sin*sum)/math.Pi
	}
	return 0.5 + sin*sum/2
}

// studentQuantile returns t with studentCDF(t, df) = p, for p above one half, by bisection. Beyond 200 degrees of freedom it is the normal
// distribution's with the first two terms of its expansion (Abramowitz and Stegun 26.7.5).
func studentQuantile(p float64, df int) float64 {
	if df > 200 {
		z, n := normalQuantile(p), float64(df)
		return z + z*(z*z+1)/(4*n) + z*(5*math.Pow(z, 4)+16*z*z+3)/(96*n*n)
	}
	low, high := 0.0, 1.0
	for studentCDF(high, df) < p && high < 1e12 {
		high *= 2
	}
	for range 80 {
		if mid := (low + high) / 2; studentCDF(mid, df) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

func meanAndDeviation(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	if len(x) < 2 {
		return mean, math.NaN()
	}
	var squares float64
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / float64(len(x)-1))
}
