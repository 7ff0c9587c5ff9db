package hist_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/hist"
)

func TestEach(t *testing.T) {
	h := hist.New()
	var want int64
	for d := time.Microsecond; d < 70*time.Second; d += d/7 + time.Microsecond {
		h.Record(d)
		want++
	}
	var n int64
	last := time.Duration(-1)
	h.Each(func(d time.Duration, count int64) {
		if d <= last {
			t.Fatalf("%v after %v", d, last)
		}
		n += count
		last = d
		if below := h.Quantile(float64(n) / float64(want)); float64(below) < float64(d) || float64(below) > float64(d)*1.001+float64(time.Microsecond) {
			t.Errorf("%d are at most %v, by the quantile %v", n, d, below)
		}
	})
	if n != want {
		t.Errorf("got %d durations, want %d", n, want)
	}
}
