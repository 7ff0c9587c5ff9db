package hist_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/hist"
)

func random(rng *rand.Rand, n int) []time.Duration {
	ds := make([]time.Duration, n)
	for i := range ds {
		ds[i] = time.Duration(rng.ExpFloat64() * float64(time.Millisecond) * float64(rng.IntN(1000)+1))
	}
	return ds
}

// TestSum checks that a sum of histograms is the histogram of all of their values, to the byte.
func TestSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sum, whole := hist.NewSum(), hist.New()
	var e hist.Encoder
	for range 3 { // a sum is used again
		for range 20 {
			part := hist.New()
			for _, d := range append(random(rng, 500), 0, 2*hist.Highest) {
				part.Record(d)
				whole.Record(d)
			}
			if err := sum.Add(hist.AppendPlain(nil, part)); err != nil {
				t.Fatal(err)
			}
		}
		if err := sum.Add(nil); err != nil {
			t.Error(err)
		}
		got, err := e.EncodeSum(sum)
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Encode()
		if err != nil {
			t.Fatal(err)
		}
		h, err := sum.Histogram()
		if err != nil {
			t.Fatal(err)
		}
		if got != want || sum.Count() != whole.Count() || h.Count() != whole.Count() || h.Mean() != whole.Mean() || h.Max() != whole.Max() || h.Quantile(0.999) != whole.Quantile(0.999) {
			t.Errorf("the sum is another histogram than the whole: %d values, want %d", h.Count(), whole.Count())
		}
		qs := []float64{1e-9, 0.001, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.99999, 1}
		if got, want := sum.Quantiles(qs...), whole.Quantiles(qs...); !slices.Equal(got, want) {
			t.Errorf("quantiles %v, want %v", got, want)
		}
		sum.Reset()
		whole.Reset()
		if text, err := e.EncodeSum(sum); text != "" || err != nil {
			t.Errorf("an empty sum is %q, %v", text, err)
		}
		if got := sum.Quantiles(0.5, 1); !slices.Equal(got, make([]time.Duration, 2)) {
			t.Errorf("quantiles %v of an empty sum", got)
		}
	}
}

// FuzzSum checks that what is malformed does no harm, and that what is added is all there.
func FuzzSum(f *testing.F) {
	h := hist.New()
	f.Add(hist.AppendPlain(nil, h))
	for _, d := range random(rand.New(rand.NewPCG(1, 1)), 100) {
		h.Record(d)
	}
	plain := hist.AppendPlain(nil, h)
	f.Add(plain)
	f.Add(plain[:50])
	f.Add(append(plain, 0xff))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, plain []byte) {
		s := hist.NewSum()
		if err := s.Add(plain); err != nil {
			return
		}
		h, err := s.Histogram()
		if err == nil && s.Quantiles(0.5, 0.99)[1] != h.Quantile(0.99) {
			t.Errorf("the 99th percentile is %v, want %v", s.Quantiles(0.5, 0.99)[1], h.Quantile(0.99))
		}
		if err == nil && h.Count() != s.Count() {
			t.Errorf("the histogram has %d values, want %d", h.Count(), s.Count())
		}
	})
}

func BenchmarkSum(b *testing.B) {
	h := hist.New()
	for _, d := range random(rand.New(rand.NewPCG(1, 1)), 1000) {
		h.Record(d)
	}
	plain := hist.AppendPlain(nil, h)
	b.ReportMetric(float64(len(plain)), "bytes")
	b.Run("add", func(b *testing.B) {
		s := hist.NewSum()
		for b.Loop() {
			_ = s.Add(plain)
		}
	})
	b.Run("encode", func(b *testing.B) {
		s := hist.NewSum()
		_ = s.Add(plain)
		var e hist.Encoder
		for b.Loop() {
			_, _ = e.EncodeSum(s)
		}
	})
}

// TestEachOfPlain checks that every duration comes back to the histogram's resolution.
func TestEachOfPlain(t *testing.T) {
	for d := hist.Lowest; d <= hist.Highest; d += d/7 + hist.Lowest {
		h := hist.New()
		h.Record(d)
		h.Record(d)
		err := hist.Each(hist.AppendPlain(nil, h), func(got time.Duration, n int64) {
			if off := (got - d).Abs(); n != 2 || off > max(d/1000, hist.Lowest) {
				t.Errorf("%s: %d times %s", d, n, got)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := hist.Each([]byte("x"), func(time.Duration, int64) {}); err == nil {
		t.Error("no error of what is no histogram")
	}
}
