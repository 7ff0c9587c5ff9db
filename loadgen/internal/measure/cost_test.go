package measure_test

import (
	"testing"
	"testing/synctest"
	"time"

	"loadlab/internal/testkit"

	"loadlab/loadgen/internal/measure"
)

// TestMemoryIsFlat records for 20 seconds and on to 200, ten times as many requests: what is live grows by less than 5%.
func TestMemoryIsFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, short, long = 500, 20, 200
		start := time.Now()
		r := measure.NewRecorder(measure.Config{MaxSeconds: short / 2})
		r.Start(start)
		o := outcome(start, measure.OK, 0, ms, ms)
		record := func(from, to int) {
			for k := from * perSecond; k < to*perSecond; k++ {
				due := time.Duration(k) * time.Second / perSecond
				r.Scheduled(0, due)
				o.Sent = start.Add(due + time.Duration(k%50)*time.Microsecond)
				o.Done = o.Sent.Add(time.Duration(k%700) * 10 * time.Microsecond)
				r.Record(0, due, o)
				if k%perSecond == 0 {
					synctest.Wait() // a second passes, in which the encoder comes to its work
				}
			}
		}
		record(0, short)
		first := testkit.LiveHeap()
		record(short, long)
		second := testkit.LiveHeap()
		if got := finish(t, r)[0]; got.Ledger.Completed != perSecond*long {
			t.Errorf("got %d requests, want %d", got.Ledger.Completed, perSecond*long)
		}
		t.Logf("heap: %d kB after %d requests, %d kB after %d", first>>10, perSecond*short, second>>10, perSecond*long)
		if second > first+first/20 {
			t.Errorf("heap grew from %d kB to %d kB", first>>10, second>>10)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	o := outcome(start, measure.OK, 0, ms, ms)
	b.ReportAllocs()
	for b.Loop() {
		r.Scheduled(0, 0)
		r.Record(0, 0, o)
	}
	finish(b, r)
}

func BenchmarkSnapshot(b *testing.B) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{Modes: 2})
	r.Start(start)
	for i := range 10_000 {
		r.Scheduled(i%2, 0)
		r.Record(i%2, 0, outcome(start, measure.OK, 0, ms, time.Duration(i)*10*time.Microsecond))
	}
	for b.Loop() {
		r.Snapshot()
	}
	finish(b, r)
}
