package shard_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/shard"
)

// many is how many workers are simulated, in a process of their own, and crowd the argument by which the test's program is that process.
const (
	many  = 100
	crowd = "simulate workers at "
)

// simulate is that process: every worker reports a second of 1,000 requests, every second, until the run ends.
func simulate(addr string) {
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			w := &simulated{rng: rand.New(rand.NewPCG(uint64(i), 1)), each: 1000}
			_ = shard.Work(context.Background(), shard.WorkerConfig{
				Addr: addr, Secret: []byte(secret), Identity: shard.Identity{Index: i, UID: string(rune('a' + i)), Program: program, Scenario: scenario},
			}, w)
		})
	}
	all.Wait()
}

// simulated is a worker that only reports.
type simulated struct {
	rng    *rand.Rand
	each   int // requests a second
	second int
	sent   int64
}

func (w *simulated) Join(context.Context, json.RawMessage) error { return nil }

func (w *simulated) Prepare(json.RawMessage) (shard.Load, error) {
	w.second, w.sent = 0, 0
	return w, nil
}

// Drive begins as a loop does, and notes how late.
func (w *simulated) Drive(ctx context.Context, at time.Time) (d shard.Done) {
	wait := time.NewTimer(time.Until(at))
	defer wait.Stop()
	<-wait.C
	d.Result.Begun = time.Since(at)
	<-ctx.Done()
	return d
}

func (w *simulated) Flush(last bool) (measure.Delta, []shard.Seen) {
	some := func() []byte {
		h := hist.New()
		for range w.each {
			h.Record(time.Duration((1 + w.rng.ExpFloat64()) * float64(5*time.Millisecond)))
		}
		return hist.AppendPlain(nil, h)
	}
	w.sent += int64(w.each)
	m := measure.ModeDelta{Settled: w.second - 2, Counts: measure.Counts{Scheduled: w.sent, Ended: [measure.Kinds]int64{w.sent}}}
	m.Seconds = []measure.SecondDelta{{At: w.second, Response: some(), Service: some(), Lag: some()}}
	if last {
		m.Sums = &measure.Sums{}
	}
	w.second++
	return measure.Delta{Settled: w.second - 2, Modes: []measure.ModeDelta{m}}, nil
}

// merging is a sink that merges.
type merging struct{ merged *measure.Merged }

func (m merging) Begin(time.Time) {}
func (m merging) Lost(int)        {}
func (m merging) Report(worker int, r *shard.Report) error {
	return m.merged.Add(worker, r.Second, &r.Delta)
}

// BenchmarkCoordinator is what a coordinator of a hundred workers uses of one processor while a phase of ten seconds is driven.
func BenchmarkCoordinator(b *testing.B) {
	c, err := shard.Listen(b.Context(), "127.0.0.1:0", shard.Config{Workers: many, Secret: []byte(secret), Program: program, Scenario: scenario, Job: json.RawMessage(`{}`),
		Limits: shard.Limits{Silence: time.Minute, Prepare: time.Minute, Stop: time.Minute}})
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0], crowd+c.Addr())
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if err := c.Join(b.Context()); err != nil {
		b.Fatal(err)
	}
	const length = 10 * time.Second
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), length)
		before := used(b)
		sink := merging{measure.NewMerged(measure.Config{}, many)}
		if err := c.Drive(ctx, json.RawMessage(`{}`), sink); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*(used(b)-before).Seconds()/length.Seconds(), "%cpu")
		cancel()
		if results, err := sink.merged.Finish(); err != nil || results[0].Ledger.Scheduled < many*5000 {
			b.Fatalf("%v: %+v", err, results[0].Ledger)
		}
	}
	c.Close()
	_ = cmd.Wait()
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

// isSimulated reports whether this process is that of the simulated workers, and of which coordinator.
func isSimulated() (addr string, ok bool) {
	return strings.CutPrefix(os.Args[len(os.Args)-1], crowd)
}
