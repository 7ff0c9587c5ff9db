// Package unit renders numbers for people: latencies, counts, rates, shares and ratios. It knows nothing of what they measure.
package unit

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// None stands for what was not measured.
const None = "–"

// AtLeast marks a lower bound: a quantile of too few samples, a time beyond what is recorded.
const AtLeast = "≥"

// Latency renders d with three digits in the unit that suits it: 850 µs, 12.3 ms, 1.25 s. The histograms know whole microseconds.
func Latency(d time.Duration) string {
	us := d.Round(time.Microsecond).Microseconds()
	switch {
	case us == 0:
		return "0"
	case us < 1000:
		return strconv.FormatInt(us, 10) + " µs"
	case us < 999_500:
		return Digits(float64(us)/1e3) + " ms"
	case us < 999_500_000:
		return Digits(float64(us)/1e6) + " s"
	}
	return Length(d)
}

// Length renders how long something took: 850 ms, 9.3 s, 1m32s.
func Length(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Digits renders x with three significant digits, and with more where it is above 999: 0.0812, 2.8 as 2.80, 12.3, 123, 12,345.
func Digits(x float64) string {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return None
	case a >= 99.95:
		return Count(int64(math.Round(math.Min(math.Max(x, -1e15), 1e15))))
	case a >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case a >= 0.9995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case a >= 0.001:
		return strconv.FormatFloat(x, 'f', 3, 64)
	case a == 0:
		return "0"
	}
	return "<0.001"
}

// Amount renders a mean of counts: 62 and not 62.0, but 2.48.
func Amount(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return Count(int64(x))
	}
	return Digits(x)
}

// Count renders n with a comma before each three digits.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted renders n of something: 1 request, 12,345 requests.
func Counted(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return Count(n) + " " + what
}

// Bytes renders an amount of memory or traffic in thousands: 12 B, 48.2 kB, 1.25 MB.
func Bytes(x float64) string {
	switch {
	case x < 999.5:
		return Count(int64(math.Round(x))) + " B"
	case x < 999.5e3:
		return Digits(x/1e3) + " kB"
	case x < 999.5e6:
		return Digits(x/1e6) + " MB"
	}
	return Digits(x/1e9) + " GB"
}

// Percent renders a share between 0 and 1. Neither 0% nor 100% is ever the work of rounding: 99.96% is not all.
func Percent(x float64) string {
	switch {
	case x == 0 || x == 1:
		return strconv.Itoa(int(x)*100) + "%"
	case x < 0.001:
		return "<0.1%"
	case x > 0.999:
		return ">99.9%"
	}
	return strconv.FormatFloat(x*100, 'f', 1, 64) + "%"
}

// TimesWithin renders a ratio and the interval about it, with digits that tell them apart: 0.12x [0.10, 0.15].
func TimesWithin(x, low, high float64) string { return Times(x) + " " + TimesInterval(low, high) }

// TimesInterval renders an interval of ratios: [0.10, 0.15].
func TimesInterval(low, high float64) string {
	bound := func(x float64) string { return strings.TrimSuffix(Times(x), "x") }
	return "[" + bound(low) + ", " + bound(high) + "]"
}

// LatencyWithin renders d and the interval about it, with the unit once if all have the same: 1.07 ms [1.05, 1.09].
func LatencyWithin(d, low, high time.Duration) string {
	value, from, to := Latency(d), Latency(low), Latency(high)
	_, of, _ := strings.Cut(value, " ")
	if shortFrom, ok := strings.CutSuffix(from, " "+of); ok {
		if shortTo, ok := strings.CutSuffix(to, " "+of); ok {
			from, to = shortFrom, shortTo
		}
	}
	return value + " [" + from + ", " + to + "]"
}

// Times renders a ratio: 0.081x, 1.25x, 12.3x.
func Times(x float64) string {
	switch {
	case x < 0.001:
		return "<0.001x"
	case x < 0.0995:
		return strconv.FormatFloat(x, 'f', 3, 64) + "x"
	case x < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64) + "x"
	case x < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64) + "x"
	}
	return Count(int64(math.Min(math.Round(x), 1e15))) + "x"
}
