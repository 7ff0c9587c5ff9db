package stats

import (
	"fmt"
	"math"
	"slices"
)

// EValues returns, after each epoch, the evidence against the hypothesis that the centre of x is at most 0: a value that may be looked at
// after every epoch, as it reaches 1/alpha ever with a probability of at most alpha (Ville 1939; Ramdas, Ruf, Larsson and Koolen 2020). It is the
// mean over five bets of the product of exp(b x)/cosh(b x) = 1 + tanh(b x), with x in units of the median of the past |x|. The first epoch has
// no past and is not bet on, so 1/alpha = 100 takes 8 epochs at least.
//
// It is exact if the coin that labels the arms flips the sign of x. With a tolerance subtracted, that x is symmetric is an assumption.
func EValues(x []float64) ([]float64, error) {
	if err := check(x); err != nil {
		return nil, fmt.Errorf("e-value: %w", err)
	}
	return eValues(x), nil
}

func eValues(x []float64) []float64 {
	bets := [...]float64{0.25, 0.5, 1, 2, 4}
	products := [len(bets)]float64{1, 1, 1, 1, 1}
	const most = 1e300 // a smaller product is a smaller claim
	e := make([]float64, len(x))
	var past []float64 // ordered
	for i, v := range x {
		if i > 0 {
			if scale := median(past); scale > 0 {
				for j, b := range bets {
					products[j] = min(products[j]*(1+math.Tanh(b*(v/scale))), most)
				}
			}
		}
		for _, p := range products {
			e[i] += p / float64(len(bets))
		}
		at, _ := slices.BinarySearch(past, math.Abs(v))
		past = slices.Insert(past, at, math.Abs(v))
	}
	return e
}
