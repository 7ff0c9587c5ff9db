package housing_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"loadlab/app/internal/housing"
)

// BenchmarkDistance makes round trips of 1 ms and of no time, on one connection and on 20 at once, by the system's alarm and by the
// runtime's timers: how long they really are, and the CPU time of each, the statement's own included.
func BenchmarkDistance(b *testing.B) {
	for name, o := range map[string]housing.Options{"alarm": {}, "timer": housing.WithTimers(housing.Options{})} {
		for _, o.SQLiteRTT = range []time.Duration{0, time.Millisecond} {
			for _, o.Connections = range []int{1, 20} {
				b.Run(fmt.Sprintf("%s/rtt=%s/connections=%d", name, o.SQLiteRTT, o.Connections), func(b *testing.B) { benchmarkDistance(b, o) })
			}
		}
	}
}

func benchmarkDistance(b *testing.B, o housing.Options) {
	s := open(b, sqliteURL(b), o)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	all := make([][]time.Duration, o.Connections)
	each := b.N/o.Connections + 1
	runtime.GC()
	cpu := cpuTime(b)
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			var err error
			if all[i], err = s.Pings(ctx, each); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	cpu = cpuTime(b) - cpu
	took := slices.Concat(all...)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(len(took)), "cpu-ns/op")
}

// cpuTime is this process's, user and system.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
