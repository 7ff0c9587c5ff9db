// Package hist is the one kind of histogram the lab keeps: HdrHistogram of durations from 1 us to 60 s with three significant digits,
// and its V2 compressed encoding (base64), which any HdrHistogram reader understands. All histograms have the same geometry, so that
// merging any number of them in any order loses nothing; what would not fit is an error, never silently dropped.
//
// It knows neither what the durations mean nor when they were measured.
package hist

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Range and resolution of every histogram. A duration outside the range is recorded as the nearer end of it, and counted as clamped.
const (
	Lowest  = time.Microsecond
	Highest = 60 * time.Second
	Digits  = 3
)

const unit = time.Microsecond

// Histogram is a distribution of durations. It has no lock; make it with New.
type Histogram struct {
	h       *hdr.Histogram
	clamped int64
}

// New returns an empty histogram. It takes about 140 kB, which is why recorders reuse theirs.
func New() *Histogram {
	return &Histogram{h: hdr.New(int64(Lowest/unit), int64(Highest/unit), Digits)}
}

// Record adds d, to the nearest microsecond. A duration above Highest, or below zero, is clamped into the range and counted by Clamped;
// one between zero and Lowest is recorded as Lowest and is no clamp: it is below the resolution.
func (h *Histogram) Record(d time.Duration) {
	if d > Highest {
		d = Highest
		h.clamped++
	}
	if d < Lowest {
		if d < 0 {
			h.clamped++
		}
		d = Lowest
	}
	// Cannot fail: d is within the geometry.
	_ = h.h.RecordValue(int64((d + unit/2) / unit))
}

// Clamped is how many durations were outside the range since New or Reset. It does not survive an encoding.
func (h *Histogram) Clamped() int64 { return h.clamped }

// Reset empties the histogram for another use.
func (h *Histogram) Reset() {
	h.h.Reset()
	h.clamped = 0
}

// Add merges from into h. It fails, with what fitted already merged, if counts overflowed.
func (h *Histogram) Add(from *Histogram) error {
	h.clamped += from.clamped
	if n := h.h.Merge(from.h); n > 0 {
		return fmt.Errorf("merge histograms: %d of %d values dropped", n, from.Count())
	}
	return nil
}

// Count is the number of durations recorded.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Quantile returns the duration that a share q (0 to 1) of the recorded ones do not exceed, by nearest rank; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	return min(time.Duration(h.h.ValueAtPercentile(100*q))*unit, Highest)
}

// Samples returns how many durations the quantile q takes: of fewer than 1/(1-q) it is the greatest, whatever their distribution is.
func Samples(q float64) int64 { return int64(1/(1-q) + 0.5) }

// Quantiles returns several quantiles in one pass.
func (h *Histogram) Quantiles(qs ...float64) []time.Duration {
	percentiles := make([]float64, len(qs))
	for i, q := range qs {
		percentiles[i] = 100 * q
	}
	ds := make([]time.Duration, len(qs))
	for i, v := range h.h.ValueAtPercentilesSlice(percentiles) {
		ds[i] = min(time.Duration(v)*unit, Highest)
	}
	return ds
}

// Mean is the mean of the recorded durations, 0 if there are none.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.h.Mean() * float64(unit)) }

// Max is the greatest recorded duration to the histogram's resolution, 0 if there are none.
func (h *Histogram) Max() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return min(time.Duration(h.h.Max())*unit, Highest)
}

// Above returns how many of the recorded durations are longer than d, to the histogram's resolution.
func (h *Histogram) Above(d time.Duration) int64 {
	var n int64
	for _, b := range h.h.Distribution() {
		if b.From > int64((d+unit/2)/unit) {
			n += b.Count
		}
	}
	return n
}
