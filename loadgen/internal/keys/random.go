package keys

import "math/bits"

// draw is the k-th output of SplitMix64 (Steele, Lea and Flood, 2014), which can be computed for any k without the ones before.
func draw(seed, k uint64) uint64 { return finish(finish(seed) + (k+1)*golden) }

const golden = 0x9e3779b97f4a7c15

func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below maps a random number to 0..n-1 by multiplication (Lemire, 2019), without his rejection: the bias is n in 2^64.
func below(x, n uint64) uint64 {
	high, _ := bits.Mul64(x, n)
	return high
}

// hash is FNV-1a of a name.
func hash(name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return h
}

// permutation is a bijection of 0..n-1: a Feistel network over the least even number of bits that holds n, whose results of n or more are
// sent through it again (cycle walking; Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002). It is a value of 32 bytes, however
// many numbers it permutes.
type permutation struct {
	n    uint64
	seed uint64
	half uint
	mask uint64
}

// rounds of the network: three make a pseudorandom permutation of a good round function (Luby and Rackoff, 1988), and one is for luck with
// the few bits of small domains.
const rounds = 4

func newPermutation(n, seed uint64) permutation {
	half := uint(bits.Len64(n-1)+1) / 2
	return permutation{n: n, seed: finish(seed + golden), half: half, mask: 1<<half - 1}
}

// of returns where i goes.
func (p permutation) of(i uint64) uint64 {
	if p.n == 1 {
		return 0
	}
	for {
		left, right := i>>p.half, i&p.mask
		for round := range uint64(rounds) {
			left, right = right, left^finish(p.seed+right+round<<56)&p.mask
		}
		if i = left<<p.half | right; i < p.n {
			return i
		}
	}
}
