package hist_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"loadlab/loadgen/internal/hist"
)

func fill(n int, seed uint64) (*hist.Histogram, []time.Duration) {
	rng := rand.New(rand.NewPCG(seed, 1))
	h := hist.New()
	ds := make([]time.Duration, n)
	for i := range ds {
		ds[i] = time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
		h.Record(ds[i])
	}
	slices.Sort(ds)
	return h, ds
}

func within(got, want time.Duration, share float64) bool {
	return float64((got - want).Abs()) <= share*float64(want)+float64(time.Microsecond)
}

func TestQuantilesToThreeDigits(t *testing.T) {
	h, ds := fill(10_000, 1)
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99, 0.999} {
		if got, want := h.Quantile(q), ds[int(q*float64(len(ds)))-1]; !within(got, want, 0.001) {
			t.Errorf("p%g: got %v, want %v", 100*q, got, want)
		}
	}
	if got, want := h.Quantiles(0.99, 0.5), []time.Duration{h.Quantile(0.99), h.Quantile(0.5)}; !slices.Equal(got, want) {
		t.Errorf("several quantiles: got %v, want %v", got, want)
	}
	if got, want := h.Max(), ds[len(ds)-1]; !within(got, want, 0.001) {
		t.Errorf("max: got %v, want %v", got, want)
	}
	var sum time.Duration
	for _, d := range ds {
		sum += d
	}
	if got, want := h.Mean(), sum/time.Duration(len(ds)); !within(got, want, 0.001) {
		t.Errorf("mean: got %v, want %v", got, want)
	}
	if got := h.Count(); got != 10_000 {
		t.Errorf("count: got %d, want 10000", got)
	}
}

func TestEmpty(t *testing.T) {
	h := hist.New()
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Errorf("empty: got p50 %v mean %v max %v count %d, want zeros", h.Quantile(0.5), h.Mean(), h.Max(), h.Count())
	}
	s, err := h.Encode()
	if err != nil || s != "" {
		t.Errorf("encode: got %q, %v, want the empty string", s, err)
	}
	if h, err = hist.Decode(""); err != nil || h.Count() != 0 {
		t.Errorf("decode: got %v, %v, want an empty histogram", h, err)
	}
}

func TestClamp(t *testing.T) {
	tests := []struct {
		d       time.Duration
		want    time.Duration
		clamped int64
	}{
		{-time.Second, time.Microsecond, 1},
		{0, time.Microsecond, 0},
		{400 * time.Nanosecond, time.Microsecond, 0},
		{1500 * time.Nanosecond, 2 * time.Microsecond, 0},
		{time.Minute, time.Minute, 0},
		{2 * time.Hour, time.Minute, 1},
	}
	for _, tt := range tests {
		h := hist.New()
		h.Record(tt.d)
		if got := h.Max(); !within(got, tt.want, 0.001) || h.Clamped() != tt.clamped || h.Count() != 1 {
			t.Errorf("%v: got %v, %d clamped, count %d, want %v, %d, 1", tt.d, got, h.Clamped(), h.Count(), tt.want, tt.clamped)
		}
	}
}

func TestMergeLosesNothing(t *testing.T) {
	whole := hist.New()
	var parts []string
	for seed := range uint64(5) {
		h, ds := fill(1000, seed)
		for _, d := range ds {
			whole.Record(d)
		}
		s, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, s, "")
	}
	merged, err := hist.Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := merged.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want, err := whole.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("merged parts differ from the whole: counts %d and %d", merged.Count(), whole.Count())
	}
}

// TestEncodingIsTheLibrarys: the plain bytes under the compression are those that hdrhistogram-go writes itself.
func TestEncodingIsTheLibrarys(t *testing.T) {
	var e hist.Encoder
	for seed := range uint64(20) {
		ours, ds := fill(1+int(seed*seed*10), seed)
		theirs := hdr.New(1, 60_000_000, 3)
		ours.Record(3 * time.Microsecond)
		ours.Record(5 * time.Microsecond) // one zero between them
		for _, us := range []int64{3, 5} {
			if err := theirs.RecordValue(us); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range ds {
			if err := theirs.RecordValue(max(1, int64(d.Round(time.Microsecond)/time.Microsecond))); err != nil {
				t.Fatal(err)
			}
		}
		s, err := e.Encode(ours)
		if err != nil {
			t.Fatal(err)
		}
		want, err := theirs.Encode(hdr.V2CompressedEncodingCookieBase)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := plain(t, s), plain(t, string(want)); !bytes.Equal(got, want) {
			t.Fatalf("%d values: got %d bytes, want %d, or others", len(ds), len(got), len(want))
		}
	}
}

// plain undoes base64 and compression.
func plain(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := int(binary.BigEndian.Uint32(b[4:])), len(b)-8; got != want {
		t.Fatalf("length: got %d, want %d", got, want)
	}
	z, err := zlib.NewReader(bytes.NewReader(b[8:]))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return append(b[:4:4], out...)
}

func TestMergeReportsDrops(t *testing.T) {
	h, _ := fill(1, 1)
	var err error
	for range 64 { // doubles until the total overflows
		if err = h.Add(h); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "dropped") {
		t.Errorf("got %v, want an error that counts dropped values", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	other := hdr.New(1, 1000, 2)
	if err := other.RecordValue(10); err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"x", "AAAA", string(foreign)} {
		if _, err := hist.Decode(s); err == nil {
			t.Errorf("%q: got no error", s)
		}
		if _, err := hist.Merge([]string{s}); err == nil {
			t.Errorf("merge of %q: got no error", s)
		}
	}
}

func FuzzDecode(f *testing.F) {
	h, _ := fill(100, 1)
	s, err := h.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s)
	f.Add("")
	f.Add("HISTFAAAABB42pNpmSzMwMDAxAABzFCaEUoz2X+AMIQEAE3dAqA=")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := hist.Decode(s)
		if err != nil {
			return
		}
		again, err := h.Encode()
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		h2, err := hist.Decode(again)
		if err != nil || h2.Count() != h.Count() {
			t.Fatalf("decode again: %v, counts %d and %d", err, h2.Count(), h.Count())
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	h := hist.New()
	b.ReportAllocs()
	for b.Loop() {
		h.Record(12345 * time.Microsecond)
	}
}

func BenchmarkEncode(b *testing.B) {
	h, _ := fill(1000, 1)
	var e hist.Encoder
	var s string
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if s, err = e.Encode(h); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(s)), "chars")
}

func BenchmarkAdd(b *testing.B) {
	h, _ := fill(1000, 1)
	sum := hist.New()
	for b.Loop() {
		if err := sum.Add(h); err != nil {
			b.Fatal(err)
		}
	}
}
