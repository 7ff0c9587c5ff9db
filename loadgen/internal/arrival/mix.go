package arrival

import "fmt"

// Mix spreads arrivals over modes by weight, at random but as a pure function of the seed and the arrival's number.
type Mix struct {
	seed uint64
	upto []float64 // cumulative shares; the last is 1
}

// NewMix takes a weight a mode. At least one must be positive and none negative.
func NewMix(seed uint64, weights ...float64) (Mix, error) {
	var sum float64
	for i, w := range weights {
		if !(w >= 0) || w > maxRate {
			return Mix{}, fmt.Errorf("weight %d is %g: must be 0 to %g", i+1, w, maxRate)
		}
		sum += w
	}
	if sum == 0 {
		return Mix{}, fmt.Errorf("a mix of %d modes needs a positive weight", len(weights))
	}
	m := Mix{seed: seed, upto: make([]float64, len(weights))}
	var upto float64
	for i, w := range weights {
		upto += w
		m.upto[i] = upto / sum
	}
	return m, nil
}

// Mode is the mode of arrival k, counted from 0. The zero Mix has mode 0 only.
func (m Mix) Mode(k int64) int {
	if len(m.upto) <= 1 {
		return 0
	}
	u := float64(splitmix(m.seed, uint64(k))>>11) / (1 << 53)
	for i, upto := range m.upto {
		if u < upto {
			return i
		}
	}
	return len(m.upto) - 1
}

// splitmix is the k-th output of SplitMix64 (Steele, Lea and Flood, 2014), which can be computed for any k without the ones before.
func splitmix(seed, k uint64) uint64 {
	z := splitmixFinish(seed) + (k+1)*golden
	return splitmixFinish(z)
}

const golden = 0x9e3779b97f4a7c15

func splitmixFinish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
