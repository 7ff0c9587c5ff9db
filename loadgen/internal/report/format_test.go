package report_test

import (
	"math"
	"testing"
	"time"

	"loadlab/loadgen/internal/report"
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
		if got := report.Latency(tt.d); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ name, got, want string }{
		{"digits", report.Digits(2.8), "2.80"},
		{"digits", report.Digits(0.0812), "0.081"},
		{"digits", report.Digits(0.0004), "<0.001"},
		{"digits", report.Digits(12.34), "12.3"},
		{"digits", report.Digits(99.96), "100"},
		{"digits", report.Digits(12345.4), "12,345"},
		{"digits", report.Digits(-12.34), "-12.3"},
		{"digits", report.Digits(math.NaN()), "–"},
		{"digits", report.Digits(math.Inf(1)), "–"},
		{"amount", report.Amount(62), "62"},
		{"amount", report.Amount(2.48), "2.48"},
		{"count", report.Count(0), "0"},
		{"count", report.Count(999), "999"},
		{"count", report.Count(1000), "1,000"},
		{"count", report.Count(-123456), "-123,456"},
		{"count", report.Count(math.MinInt64), "-9,223,372,036,854,775,808"},
		{"percent", report.Percent(0), "0%"},
		{"percent", report.Percent(0.0004), "<0.1%"},
		{"percent", report.Percent(0.987), "98.7%"},
		{"percent", report.Percent(0.9996), ">99.9%"},
		{"percent", report.Percent(1), "100%"},
		{"times", report.Times(0.0005), "<0.001x"},
		{"times", report.Times(0.0812), "0.081x"},
		{"times", report.Times(1), "1.00x"},
		{"times", report.Times(12.345), "12.3x"},
		{"times", report.Times(1234.5), "1,235x"},
		{"length", report.Length(850 * time.Millisecond), "850ms"},
		{"length", report.Length(92 * time.Second), "1m32s"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
