package hist

import "time"

// half is how many values a bucket of HdrHistogram has: those of three significant digits. The first has twice as many.
const half = 1024

// Each calls each with the durations that were recorded, to the histogram's resolution, in ascending order, and how often each was.
func (h *Histogram) Each(each func(d time.Duration, n int64)) {
	for i, n := range h.h.Export().Counts {
		if n > 0 {
			each(valueAt(i), n)
		}
	}
}

// valueAt is the least duration that is counted at an index: the values of bucket b are multiples of 2^b.
func valueAt(index int) time.Duration {
	if index < 2*half {
		return time.Duration(index) * unit
	}
	bucket := index/half - 1
	return time.Duration((index%half+half)<<bucket) * unit
}
