package arrival

import "time"

// Digest is a hash of a set of arrivals, whatever their order: the sum of the hashes of each. So the digests of workers that share a schedule
// add up to that of one which sends all of it. The zero value is of no arrivals.
type Digest struct {
	Arrivals int64
	Sum      uint64
}

// Add adds arrival k, when it was due, the mode, and a hash of the request, that of the first step if it is a session.
func (d *Digest) Add(k int64, due time.Duration, mode int, request uint64) {
	h := splitmixFinish(uint64(k) + golden)
	h = splitmixFinish(h ^ uint64(due))
	h = splitmixFinish(h ^ uint64(mode) + golden)
	d.Arrivals++
	d.Sum += splitmixFinish(h ^ request)
}

// Merge adds the arrivals of o, which must not be in d.
func (d *Digest) Merge(o Digest) {
	d.Arrivals += o.Arrivals
	d.Sum += o.Sum
}

// Of returns the digest of the same arrivals as a part of something greater: equal ones of different parts differ.
func (d Digest) Of(part uint64) Digest {
	return Digest{d.Arrivals, splitmixFinish(d.Sum ^ splitmixFinish(part+golden))}
}
