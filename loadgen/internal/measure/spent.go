package measure

import (
	"math/bits"
	"time"

	"loadlab/loadgen/internal/result"
)

// spent sums up what responses spent their time on, apart for each size of response time: what the slow ones waited for is not what the
// mean one did. Sizes are four to a doubling, from 1 us on.
type spent [sizes]result.Bucket

const (
	perDoubling = 4
	sizes       = 27 * perDoubling // up to 2^27 us, more than two minutes
)

// sizeOf is the place of a response time: its power of two, and the two bits after the first.
func sizeOf(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 1))
	power := bits.Len64(us) - 1
	quarter := int(us<<2>>power) & (perDoubling - 1)
	return min(power*perDoubling+quarter, sizes-1)
}

// over is the least response time of a size.
func over(size int) time.Duration {
	power, quarter := size/perDoubling, size%perDoubling
	return time.Duration(perDoubling+quarter) * (time.Microsecond << power) / perDoubling
}

// add enters a response that came with Server-Timing, or whose phases are known. What its server does not explain of the service time is the network's, which
// has the kernels on both sides in it, and the time before the server began to count.
func (s *spent) add(due time.Time, o *Outcome) {
	response, t := o.Done.Sub(due), &o.Timing
	b := &s[sizeOf(response)]
	service := o.Done.Sub(o.Sent)
	total := min(t.Total, service)
	known := t.Wait + t.SQLTime + t.RedisTime
	b.Count++
	b.Queries += int64(t.SQL)
	b.Commands += int64(t.Redis)
	b.Response += response
	b.Lag += response - service
	b.Wait += t.Wait
	b.SQL += t.SQLTime
	b.Redis += t.RedisTime
	b.App += total - known
	b.Network += service - total
	b.Connect += o.Connect
	b.TLS += o.TLS
	b.FirstByte += o.FirstByte
}

// buckets are the sizes that occurred, shortest first.
func (s *spent) buckets() []result.Bucket {
	var out []result.Bucket
	for size, b := range s {
		if b.Count > 0 {
			b.Over = over(size)
			out = append(out, b)
		}
	}
	return out
}
