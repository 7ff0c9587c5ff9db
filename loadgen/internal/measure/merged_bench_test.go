package measure_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

// BenchmarkMerged merges a phase of ten minutes that eight workers have driven in twelve modes, with 100 requests a second of each mode and
// worker, to results that can be written. MB is the memory in use after the last of its deltas, in which nothing was freed by hand.
func BenchmarkMerged(b *testing.B) {
	const workers, modes, seconds, each = 8, 12, 600, 100
	deltas := manySeconds(modes, each)
	for b.Loop() {
		runtime.GC()
		before := used(b)
		m := measure.NewMerged(measure.Config{Modes: modes}, workers)
		for second := range seconds {
			for w := range workers {
				d := deltas[(second*workers+w)%len(deltas)]
				d.Settled = second - 2
				for i := range d.Modes {
					of := &d.Modes[i]
					of.Settled, of.Scheduled, of.Seconds[0].At = second-2, int64(each*(second+1)), second
					of.Ended[measure.OK] = of.Scheduled
				}
				if err := m.Add(w, second, &d); err != nil {
					b.Fatal(err)
				}
			}
		}
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.HeapInuse)/1e6, "MB")
		results, err := m.Finish()
		b.ReportMetric((used(b) - before).Seconds(), "cpu-s")
		if err != nil || len(results) != modes || results[3].Response.Count != workers*seconds*each || len(results[3].Seconds) != seconds {
			b.Fatalf("%v: %d results", err, len(results))
		}
	}
}

// used is the CPU time of this process.
func used(b *testing.B) time.Duration {
	b.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// manySeconds are deltas of one second each, which differ.
func manySeconds(modes, each int) []measure.Delta {
	rng := rand.New(rand.NewPCG(1, 1))
	some := func() []byte {
		h := hist.New()
		for range each {
			h.Record(time.Duration((1 + rng.ExpFloat64()) * float64(5*time.Millisecond)))
		}
		return hist.AppendPlain(nil, h)
	}
	var all []measure.Delta
	for range 64 {
		var d measure.Delta
		for mode := range modes {
			d.Modes = append(d.Modes, measure.ModeDelta{Mode: mode, Seconds: []measure.SecondDelta{{Response: some(), Service: some(), Lag: some()}}})
		}
		all = append(all, d)
	}
	return all
}
