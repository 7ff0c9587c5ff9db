package unit_test

import (
	"math"
	"testing"
	"time"

	"loadlab/loadgen/internal/unit"
)

func TestLatency(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0"},
		{time.Microsecond, "1 µs"},
		{850 * time.Microsecond, "850 µs"},
		{999 * time.Microsecond, "999 µs"},
		{time.Millisecond, "1.00 ms"},
		{9994 * time.Microsecond, "9.99 ms"},
		{9996 * time.Microsecond, "10.0 ms"},
		{99_960 * time.Microsecond, "100 ms"},
		{999_499 * time.Microsecond, "999 ms"},
		{999_500 * time.Microsecond, "1.00 s"},
		{1250 * time.Millisecond, "1.25 s"},
		{time.Minute, "60.0 s"},
		{time.Hour, "1h0m0s"},
	} {
		if got := unit.Latency(tt.d); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ name, got, want string }{
		{"digits", unit.Digits(2.8), "2.80"},
		{"digits", unit.Digits(0.0812), "0.081"},
		{"digits", unit.Digits(0.0004), "<0.001"},
		{"digits", unit.Digits(12.34), "12.3"},
		{"digits", unit.Digits(99.96), "100"},
		{"digits", unit.Digits(12345.4), "12,345"},
		{"digits", unit.Digits(-12.34), "-12.3"},
		{"digits", unit.Digits(math.NaN()), "–"},
		{"digits", unit.Digits(math.Inf(1)), "–"},
		{"within", unit.LatencyWithin(1070*time.Microsecond, 1050*time.Microsecond, 1090*time.Microsecond), "1.07 ms [1.05, 1.09]"},
		{"within", unit.LatencyWithin(1070*time.Microsecond, 990*time.Microsecond, 1090*time.Microsecond), "1.07 ms [990 µs, 1.09 ms]"},
		{"within", unit.LatencyWithin(0, 0, 2*time.Microsecond), "0 [0, 2 µs]"},
		{"amount", unit.Amount(62), "62"},
		{"amount", unit.Amount(2.48), "2.48"},
		{"count", unit.Count(0), "0"},
		{"count", unit.Count(999), "999"},
		{"count", unit.Count(1000), "1,000"},
		{"count", unit.Count(-123456), "-123,456"},
		{"count", unit.Count(math.MinInt64), "-9,223,372,036,854,775,808"},
		{"bytes", unit.Bytes(0), "0 B"},
		{"bytes", unit.Bytes(2.4), "2 B"},
		{"bytes", unit.Bytes(999.4), "999 B"},
		{"bytes", unit.Bytes(999.6), "1.00 kB"},
		{"bytes", unit.Bytes(48_213), "48.2 kB"},
		{"bytes", unit.Bytes(999_600), "1.00 MB"},
		{"bytes", unit.Bytes(1.25e9), "1.25 GB"},
		{"percent", unit.Percent(0), "0%"},
		{"percent", unit.Percent(0.0004), "<0.1%"},
		{"percent", unit.Percent(0.987), "98.7%"},
		{"percent", unit.Percent(0.9996), ">99.9%"},
		{"percent", unit.Percent(1), "100%"},
		{"times", unit.Times(0.0005), "<0.001x"},
		{"times", unit.Times(0.0812), "0.081x"},
		{"times", unit.Times(1), "1.00x"},
		{"times", unit.Times(12.345), "12.3x"},
		{"times", unit.Times(1234.5), "1,235x"},
		{"length", unit.Length(850 * time.Millisecond), "850ms"},
		{"length", unit.Length(92 * time.Second), "1m32s"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
