package hist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

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
	at, first := 0, -1
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
		case n <= 0:
			if at += int(max(1, -n)); n < -size {
				return errPlain
			}
			continue
		case at >= size || n > math.MaxInt64-s.total:
			return errPlain
		case first < 0:
			first = at
		}
		s.counts[at] += n
		s.total += n
		at++
	}
	if first >= 0 {
		s.low, s.high = min(s.low, first), max(s.high, min(at, size))
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
