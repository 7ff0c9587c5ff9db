package client

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Sampler decides, before a request of arrival k is sent, which a user makes, whether it is traced. It is called by all callers at once, by those of one user in turn. A caller that draws no data has
// no k and no user but 0.
type Sampler interface {
	Sample(mode int, k, user int64, at time.Time) bool
}

// Budget samples a number of requests a second, evenly spaced and not the first ones of each second, so that it favours no
// moment. A second has at most one sample more than its budget. The zero value samples nothing.
type Budget struct {
	gap  int64        // between two samples, in nanoseconds; 0 samples none
	next atomic.Int64 // Unix time in nanoseconds from which the next sample may be taken
}

// NewBudget allows perSecond sampled requests a second.
func NewBudget(perSecond float64) *Budget {
	if perSecond <= 0 {
		return &Budget{}
	}
	return &Budget{gap: max(1, int64(float64(time.Second)/perSecond))}
}

// Sample reports whether the request that is sent at that time is sampled.
func (b *Budget) Sample(_ int, _, _ int64, at time.Time) bool {
	if b.gap == 0 {
		return false
	}
	now := at.UnixNano()
	next := b.next.Load()
	return now >= next && b.next.CompareAndSwap(next, max(next, now-b.gap)+b.gap)
}

// emptyTraceparent has the shape of every traceparent: version, trace id, span id, flags.
const emptyTraceparent = "00-00000000000000000000000000000000-0000000000000000-00"

// tracer hands out the trace ids of one caller.
type tracer struct {
	rng     rand.PCG
	sampler Sampler
}

func newTracer(seed uint64, sampler Sampler) tracer {
	return tracer{rng: *rand.NewPCG(mix(seed), mix(^seed)), sampler: sampler}
}

// mix is splitmix64's finaliser: callers are numbered, and their ids must not look alike.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// stamp writes fresh ids into the 55 bytes of dst, for a request of arrival k, which a user makes.
func (t *tracer) stamp(dst []byte, mode int, k, user int64, at time.Time) (id [16]byte, span [8]byte, sampled bool) {
	binary.BigEndian.PutUint64(id[:8], t.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], t.rng.Uint64()|1) // W3C: an id of zeros is invalid
	binary.BigEndian.PutUint64(span[:], t.rng.Uint64()|1)
	hex.Encode(dst[3:35], id[:])
	hex.Encode(dst[36:52], span[:])
	sampled = t.sampler != nil && t.sampler.Sample(mode, k, user, at)
	dst[54] = '0'
	if sampled {
		dst[54] = '1'
	}
	return id, span, sampled
}
