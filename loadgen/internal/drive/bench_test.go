package drive_test

import (
	"context"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// perRequest reports what a loop costs for each of n requests beside making them.
func perRequest(b *testing.B, n int64, run func(c drive.Common) error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runs := 0.0
	for b.Loop() {
		c := quick()
		if err := run(c); err != nil {
			b.Fatal(err)
		}
		finish(b, c.Recorder)
		runs++
	}
	runtime.ReadMemStats(&after)
	requests := runs * float64(n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/requests, "ns/request")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/requests, "allocs/request")
}

func BenchmarkOpen(b *testing.B) {
	const n = 200_000
	perRequest(b, n, func(c drive.Common) error {
		_, err := drive.Open(b.Context(), drive.OpenConfig{Common: c, Stream: burst(n), Connections: 50})
		return err
	})
}

func BenchmarkClosed(b *testing.B) {
	const n = 200_000
	perRequest(b, n, func(c drive.Common) error {
		_, err := drive.Closed(b.Context(), drive.ClosedConfig{Common: c, Users: 50, Requests: n})
		return err
	})
}

// BenchmarkLag releases 1000/s on the real clock for a second a time, and reports the median over the times of the lag's p50 and p99
// and of the coefficient of variation of the gaps between sends: 0 is perfectly regular, 1 is Poisson. Run it with -benchtime 5x.
func BenchmarkLag(b *testing.B) {
	for name, newAlarm := range map[string]func(context.Context) (drive.Alarm, error){"system": drive.SystemAlarm, "timer": drive.TimerAlarm} {
		b.Run(name, func(b *testing.B) {
			var p50, p99, cov []float64
			for b.Loop() {
				c := quick()
				c.NewAlarm = newAlarm
				sends := make([]time.Time, 0, 1000)
				c.NewCaller = func() drive.Caller {
					return callerFunc(func(out *measure.Outcome) {
						now := time.Now()
						sends = append(sends, now)
						*out = measure.Outcome{Sent: now, Done: now}
					})
				}
				if _, err := drive.Open(b.Context(), drive.OpenConfig{Common: c, Stream: constant(b, 1000, time.Second), Connections: 1}); err != nil {
					b.Fatal(err)
				}
				got := finish(b, c.Recorder)[0]
				p50 = append(p50, float64(got.Lag.P50.Microseconds()))
				p99 = append(p99, float64(got.Lag.P99.Microseconds()))
				cov = append(cov, variation(sends))
			}
			b.ReportMetric(median(p50), "lag-p50-us")
			b.ReportMetric(median(p99), "lag-p99-us")
			b.ReportMetric(median(cov), "gap-CoV")
		})
	}
}

// variation is the coefficient of variation of the gaps between moments.
func variation(at []time.Time) float64 {
	var sum, squares float64
	for i := 1; i < len(at); i++ {
		gap := at[i].Sub(at[i-1]).Seconds()
		sum += gap
		squares += gap * gap
	}
	n := float64(len(at) - 1)
	mean := sum / n
	return math.Sqrt(max(0, squares/n-mean*mean)) / mean
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
