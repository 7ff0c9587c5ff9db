package live

import (
	"time"

	"loadlab/loadgen/internal/result"
)

// packed is a second as it is kept for later rounds: a distribution has some buckets that count, among thousands.
type packed struct {
	rounds        int
	counts        result.SecondCounts
	response, lag sparse
}

// sparse is a distribution without its empty buckets.
type sparse struct {
	n       int64
	max     time.Duration
	buckets []bucket
}

type bucket struct {
	at int16
	n  uint32
}

func (s *second) pack() packed {
	return packed{s.rounds, s.counts, s.response.pack(), s.lag.pack()}
}

// unpack makes s the second at, with what it was in the rounds before this one.
func (s *second) unpack(at int, was packed) {
	*s = second{at: at, rounds: was.rounds + 1, counts: was.counts}
	s.response.unpack(was.response)
	s.lag.unpack(was.lag)
}

func (d *distribution) pack() sparse {
	p := sparse{n: d.n, max: d.max}
	for i, n := range d.count {
		if n > 0 {
			p.buckets = append(p.buckets, bucket{int16(i), n})
		}
	}
	return p
}

func (d *distribution) unpack(p sparse) {
	d.n, d.max = p.n, p.max
	for _, b := range p.buckets {
		d.count[b.at] = b.n
	}
}
