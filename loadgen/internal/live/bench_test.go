package live_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/result"
)

// BenchmarkViewers drives 4,000 requests a second for two seconds with a page that nobody, one, or twenty look at, of whom one reads nothing, and without a page.
// Throughput and lag must be the same within noise: compare with benchstat, -count 5.
func BenchmarkViewers(b *testing.B) {
	for _, viewers := range []int{-1, 0, 1, 20} {
		name := fmt.Sprintf("viewers=%d", viewers)
		if viewers < 0 {
			name = "none"
		}
		b.Run(name, func(b *testing.B) {
			var rates, lags, cpu []float64
			for b.Loop() {
				rate, lag, share := driven(b, viewers)
				rates, lags, cpu = append(rates, rate), append(lags, lag), append(cpu, share)
			}
			b.ReportMetric(median(rates), "req/s")
			b.ReportMetric(median(lags), "lag-p99-us")
			b.ReportMetric(median(cpu), "cpu-%")
		})
	}
}

// BenchmarkTestViewers does the same for an A/B test, whose page is drawn before each epoch: how long that takes, and what the load that follows it at once has of it. In a test the
// processes of an epoch are started in between.
func BenchmarkTestViewers(b *testing.B) {
	for _, viewers := range []int{-1, 0, 1, 20} {
		name := fmt.Sprintf("viewers=%d", viewers)
		if viewers < 0 {
			name = "none"
		}
		b.Run(name, func(b *testing.B) {
			var shown *live.Test // of nil nothing is drawn
			test := *abtest.All()["slower"]
			if viewers >= 0 {
				s, url, err := live.Serve(b.Context(), "127.0.0.1:0", page.Live, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close(context.Background())
				shown = s.Test(func(test *ab.Test, doing, token string) ([]byte, []byte, error) {
					drawn, err := page.LiveAB(test, doing, token)
					return drawn.File, drawn.Event, err
				}, func(err error) { b.Error(err) })
				shown.Now(&test, "measuring epoch 1")
				look(b, url, viewers)
			}
			var draws, rates, lags, cpu []float64
			for b.Loop() {
				began := time.Now()
				shown.Now(&test, "measuring the next epoch")
				draws = append(draws, float64(time.Since(began).Microseconds())/1000)
				rate, lag, share := drivenFor(b, nil)
				rates, lags, cpu = append(rates, rate), append(lags, lag), append(cpu, share)
			}
			b.ReportMetric(median(draws), "draw-ms")
			b.ReportMetric(median(rates), "req/s")
			b.ReportMetric(median(lags), "lag-p99-us")
			b.ReportMetric(median(cpu), "cpu-%")
		})
	}
}

func driven(b *testing.B, viewers int) (rate, lag, cpu float64) {
	var observer measure.Observer
	if viewers >= 0 {
		s, url, err := live.Serve(b.Context(), "127.0.0.1:0", underWay, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close(context.Background())
		s.Started(&result.Run{ID: "r1"})
		defer s.Stopped()
		look(b, url, viewers)
		s.Begin(warm)
		defer s.End()
		observer = s
	}
	return drivenFor(b, observer)
}

// drivenFor drives the load, which an observer looks at if there is one.
func drivenFor(b *testing.B, observer measure.Observer) (rate, lag, cpu float64) {
	const perSecond, seconds = 4000, 2
	p, err := arrival.New(arrival.Constant(perSecond, seconds*time.Second)...)
	if err != nil {
		b.Fatal(err)
	}
	r := measure.NewRecorder(measure.Config{Observer: observer})
	got, err := drive.Open(b.Context(), drive.OpenConfig{
		Common: drive.Common{NewCaller: func() drive.Caller { return instant{} }, Recorder: r}, Connections: 4, For: seconds * time.Second,
		Stream: func() arrival.Stream { return arrival.NewConstant(p) },
	})
	if err != nil {
		b.Fatal(err)
	}
	results, err := r.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return float64(results[0].Ledger.Completed) / got.Took.Seconds(), float64(results[0].Lag.P99.Microseconds()), 100 * got.Self.CPU()
}

// look opens viewers, the first of whom reads nothing if there are several.
func look(b *testing.B, url string, n int) {
	for i := range n {
		conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		if n == 1 || i > 0 {
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}
}

// instant answers at once.
type instant struct{}

func (instant) Call(_ context.Context, _ int, _ time.Time, o *measure.Outcome) {
	now := time.Now()
	*o = measure.Outcome{Sent: now, Done: now.Add(time.Millisecond)}
}
func (instant) Close() error { return nil }

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

func BenchmarkRecord(b *testing.B) {
	s, _, err := live.Serve(b.Context(), "127.0.0.1:0", underWay, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.Background())
	s.Begin(warm)
	start := time.Now()
	o := &measure.Outcome{Kind: measure.OK, Sent: start, Done: start.Add(20 * ms)}
	b.ReportAllocs()
	for b.Loop() {
		s.Record(0, 0, start, o)
	}
}
