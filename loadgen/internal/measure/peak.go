package measure

import "time"

// peak finds the second in which the most of something happened. The zero value has seen nothing.
type peak struct{ tenths []int32 } // of seconds since the begin

const tenth = time.Second / 10

// add enters one that happened at a time since the begin.
func (p *peak) add(at time.Duration) {
	i := int(max(at, 0) / tenth)
	for len(p.tenths) <= i {
		p.tenths = append(p.tenths, 0)
	}
	p.tenths[i]++
}

// most is how many there were in that second, whichever tenth it began with.
func (p *peak) most() int64 {
	var sum, most int64
	for i, n := range p.tenths {
		sum += int64(n)
		if i >= int(time.Second/tenth) {
			sum -= int64(p.tenths[i-int(time.Second/tenth)])
		}
		most = max(most, sum)
	}
	return most
}

// merge adds what another has seen of the same time.
func (p *peak) merge(tenths []int32) {
	for i, n := range tenths {
		if i == len(p.tenths) {
			p.tenths = append(p.tenths, 0)
		}
		p.tenths[i] += n
	}
}
