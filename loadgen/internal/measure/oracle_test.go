package measure_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/measure"
)

func TestOracle(t *testing.T) {
	start := time.Now()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * ms) }
	type write struct {
		version int64
		at      int
	}
	type read struct {
		version int64
		sent    int
	}
	tests := []struct {
		name   string
		writes []write
		reads  []read
		stale  int64
		max    time.Duration
	}{
		{"no writes", nil, []read{{1, 5}}, 0, 0},
		{"fresh", []write{{2, 10}}, []read{{2, 20}, {3, 20}}, 0, 0},
		{"sent before the commit", []write{{2, 10}}, []read{{1, 9}, {1, 10}}, 0, 0},
		{"one behind", []write{{2, 10}}, []read{{1, 25}}, 1, 15 * ms},
		{"counted from the first that it lacks", []write{{2, 10}, {3, 20}, {4, 30}}, []read{{2, 35}, {4, 35}}, 1, 15 * ms},
		{"lacks all", []write{{2, 10}, {3, 20}, {4, 30}}, []read{{1, 35}}, 1, 25 * ms},
		{"the newest commit was not yet made", []write{{2, 10}, {3, 20}}, []read{{2, 15}}, 0, 0},
		{"answers out of order: 2 was committed before 3", []write{{3, 10}, {2, 12}}, []read{{1, 20}}, 1, 10 * ms},
		{"told of an older time later", []write{{2, 12}, {3, 10}}, []read{{1, 20}}, 1, 10 * ms},
	}
	for _, tt := range tests {
		var o measure.Oracle
		for _, w := range tt.writes {
			o.Committed(w.version, at(w.at))
		}
		for _, r := range tt.reads {
			o.Read(r.version, at(r.sent))
		}
		got := o.Stale(start)
		got.Changes = nil
		want := result.Stale{Writes: int64(len(tt.writes)), Reads: int64(len(tt.reads)), Stale: tt.stale, Max: tt.max}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestOracleAgainstSearch compares with the definition, spelt out.
func TestOracleAgainstSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	start := time.Now()
	for range 100 {
		var o measure.Oracle
		var commits []time.Time
		at := start
		for v := range int64(20) {
			at = at.Add(time.Duration(1+rng.IntN(20)) * ms)
			commits = append(commits, at)
			o.Committed(v+2, at)
		}
		var want result.Stale
		for range 200 {
			version := int64(1 + rng.IntN(21))
			sent := start.Add(time.Duration(rng.IntN(400)) * ms)
			o.Read(version, sent)
			for i, c := range commits {
				if int64(i)+2 > version && c.Before(sent) {
					want.Stale++
					want.Max = max(want.Max, sent.Sub(c))
					break
				}
			}
		}
		if got := o.Stale(start); got.Stale != want.Stale || got.Max != want.Max || len(got.Changes) != 20 || got.Changes[0] != commits[0].Sub(start) {
			t.Fatalf("got %d stale, max %v, want %d, %v", got.Stale, got.Max, want.Stale, want.Max)
		}
	}
}

// TestOracleIsBounded: however many changes, memory is bounded, and a read that lacks them all is still stale by about the right time.
func TestOracleIsBounded(t *testing.T) {
	var o measure.Oracle
	start := time.Now()
	const n = 300_000
	for v := range int64(n) {
		o.Committed(v+2, start.Add(time.Duration(v)*ms))
	}
	o.Read(1, start.Add(n*ms))
	o.Read(n, start.Add(n*ms))
	o.Read(n+1, start.Add(n*ms))
	got := o.Stale(start)
	if len(got.Changes) > 1<<16 {
		t.Errorf("got %d changes kept", len(got.Changes))
	}
	if got.Writes != n || got.Stale != 2 || got.Max < 0.9*n*ms {
		t.Errorf("got %d writes, %d stale, max %v, want %d, 2, about %v", got.Writes, got.Stale, got.Max, n, n*ms)
	}
}

// TestRecorderAsksOracle: only completed reads that carried a version are judged.
func TestRecorderAsksOracle(t *testing.T) {
	start := time.Now()
	var o measure.Oracle
	o.Committed(2, start.Add(-ms))
	r := measure.NewRecorder(measure.Config{Modes: 2, Oracles: []*measure.Oracle{&o}})
	r.Start(start)
	for mode, outcomes := range [][]measure.Outcome{
		{{Version: 1}, {Version: 0}, {Version: 2}, {Kind: measure.Status, Version: 1}},
		{{Version: 1}},
	} {
		for _, out := range outcomes {
			out.Sent, out.Done = start, start.Add(ms)
			r.Scheduled(mode, 0)
			r.Record(mode, 0, &out)
		}
	}
	finish(t, r)
	if got := o.Stale(start); got.Reads != 2 || got.Stale != 1 || got.Max != ms {
		t.Errorf("got %+v, want 2 reads, 1 stale by 1ms", got)
	}
}
