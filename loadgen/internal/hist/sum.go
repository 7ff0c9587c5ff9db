package hist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Sum adds up histograms in their plain encoding, which costs a few nanoseconds for each of their values that differ, and makes a histogram of the
// sum. It is for who gets thousands of them a second. Make it with NewSum; it has no lock.
type Sum struct {
	counts    []int64
	low, high int // the counts that may not be zero are from low to below high
	total     int64
}

// NewSum returns an empty sum.
func NewSum() *Sum { return &Sum{counts: make([]int64, size), low: size} }

// size is how many counts a histogram of this package has.
const size = 17408

// errPlain is what Add finds in what AppendPlain did not write.
var errPlain = errors.New("add histogram: not a plain encoding of 1 us to 60 s with 3 digits")

// Add adds a histogram as AppendPlain wrote it; nothing at all is an empty one. After an error the sum is of no use.
func (s *Sum) Add(plain []byte) error {
	if len(plain) == 0 {
		return nil
	}
	counts, err := countsOf(plain)
	if err != nil {
		return err
	}
	first, last := -1, -1
	err = eachCount(counts, func(at int, n int64) error {
		if n > math.MaxInt64-s.total {
			return errPlain
		}
		if first < 0 {
			first = at
		}
		last = at
		s.counts[at] += n
		s.total += n
		return nil
	})
	if first >= 0 {
		s.low, s.high = min(s.low, first), max(s.high, last+1)
	}
	return err
}

// Each calls a function for each duration of a histogram as AppendPlain wrote it, to the histogram's resolution, and how often it is there.
func Each(plain []byte, call func(d time.Duration, n int64)) error {
	if len(plain) == 0 {
		return nil
	}
	counts, err := countsOf(plain)
	if err != nil {
		return err
	}
	return eachCount(counts, func(at int, n int64) error {
		call(durationAt(at), n)
		return nil
	})
}

// durationAt is the middle of the durations that are counted at an index. HdrHistogram has 1,024 counts for each doubling from 1,024 units on, and one
// for each unit below (Digits is 3).
func durationAt(at int) time.Duration {
	const half = 1024
	doubling := max(at/half-1, 0)
	low := int64(at-doubling*half) << doubling
	return min(time.Duration(low+(1<<doubling)/2)*unit, Highest)
}

// eachCount calls a function for every count above 0, by its index.
func eachCount(counts []byte, call func(at int, n int64) error) error {
	at := 0
	for i := 0; i < len(counts); {
		var n int64
		if b := counts[i]; b < 0x80 { // most are
			n = int64(b>>1) ^ -int64(b&1)
			i++
		} else {
			var k int
			if n, k = binary.Varint(counts[i:]); k <= 0 {
				return errPlain
			}
			i += k
		}
		switch {
		case n < -size || at >= size:
			return errPlain
		case n <= 0:
			at += int(max(1, -n))
		default:
			if err := call(at, n); err != nil {
				return err
			}
			at++
		}
	}
	return nil
}

// countsOf returns what follows the header.
func countsOf(plain []byte) ([]byte, error) {
	var room [headerSize]byte
	header := appendPlain(room[:0], 0, nil)
	if len(plain) < headerSize || !bytes.Equal(plain[:4], header[:4]) || !bytes.Equal(plain[8:headerSize], header[8:]) {
		return nil, errPlain
	}
	counts := plain[headerSize:]
	if uint64(binary.BigEndian.Uint32(plain[4:])) != uint64(len(counts)) {
		return nil, errPlain
	}
	return counts, nil
}

const headerSize = 40

// Count is the number of durations in the sum.
func (s *Sum) Count() int64 { return s.total }

// Quantiles returns what the sum's histogram would, for ascending shares above 0, without making it: a live page asks several times a second, and a histogram has 140 kB.
func (s *Sum) Quantiles(qs ...float64) []time.Duration {
	ds := make([]time.Duration, len(qs))
	if s.total == 0 {
		return ds
	}
	var upto int64
	at := s.low - 1
	for i, q := range qs {
		for rank := s.rank(q); upto < rank && at+1 < s.high; {
			at++
			upto += s.counts[at]
		}
		ds[i] = min(valueAt(at+1)-unit, Highest)
	}
	return ds
}

// rank is how many durations do not exceed a quantile: the nearest rank, as HdrHistogram rounds it.
func (s *Sum) rank(q float64) int64 {
	percentile := 100 * q
	return min(max(1, int64(percentile/100*float64(s.total)+0.5)), s.total)
}

// Histogram returns the sum as a histogram.
func (s *Sum) Histogram() (*Histogram, error) {
	h := New()
	snapshot := h.h.Export()
	copy(snapshot.Counts, s.counts)
	if err := snapshot.Validate(); err != nil {
		return nil, fmt.Errorf("sum of histograms: %w", err)
	}
	return &Histogram{h: hdr.Import(snapshot)}, nil
}

// Reset empties the sum for another use.
func (s *Sum) Reset() {
	if s.low < s.high {
		clear(s.counts[s.low:s.high])
	}
	s.low, s.high, s.total = size, 0, 0
}

// EncodeSum is Encode of the sum's histogram.
func (e *Encoder) EncodeSum(s *Sum) (string, error) {
	if s.total == 0 {
		return "", nil
	}
	e.plain.Reset()
	return e.pack(appendPlain(e.plain.AvailableBuffer(), int64(s.low), s.counts[s.low:s.high]))
}
