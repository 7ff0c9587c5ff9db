package measure_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// sample is a request and what it came to.
type sample struct {
	mode int
	due  time.Duration
	measure.Outcome
}

// samples are n requests of three modes, the last of which is a session, over some seconds from start on, in the order in which they ended.
func samples(rng *rand.Rand, start time.Time, n int) []sample {
	var list []sample
	for k := range n {
		s := sample{mode: rng.IntN(3), due: time.Duration(k) * 8 * time.Second / time.Duration(n)}
		o := &s.Outcome
		o.Kind = measure.OK
		if rng.IntN(10) == 0 {
			o.Kind = measure.Kind(rng.IntN(int(measure.Kinds)))
		}
		o.Done = start.Add(s.due + time.Duration(rng.ExpFloat64()*float64(100*time.Millisecond)))
		if o.Kind != measure.Unsent {
			o.Sent = start.Add(s.due + o.Done.Sub(start.Add(s.due))/4)
		}
		if rng.IntN(500) == 0 {
			o.Done = o.Done.Add(2 * time.Minute) // out of range
		}
		o.Bytes, o.Wrote, o.Status, o.Replica = rng.Int64N(1000), rng.Int64N(40), 200+rng.IntN(4), rng.IntN(2)
		o.Conditional, o.NotModified, o.Saved = rng.IntN(3) == 0, rng.IntN(5) == 0, 10
		o.Timed, o.Cache, o.Stored = rng.IntN(4) > 0, api.CacheResult(rng.IntN(int(api.CacheResults))), rng.IntN(50) == 0
		o.Timing = api.Timing{SQL: rng.IntN(62), SQLTime: ms, Redis: 2, RedisTime: ms, Wait: ms, Total: time.Duration(rng.IntN(50)+1) * ms}
		list = append(list, s)
	}
	return list
}

// TestMergedIsExact checks that what several workers have recorded is, merged, what one recorder records of the same requests: counts, sums, herds, and
// every histogram of every second to the byte. A delta that comes twice does not count twice.
func TestMergedIsExact(t *testing.T) {
	for _, workers := range []int{1, 3, 8} {
		t.Run(strconv.Itoa(workers), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(workers), 1))
			start := time.Now()
			config := measure.Config{Modes: 4, Sessions: []bool{false, false, true, false}, Replicas: 2}
			one := measure.NewRecorder(config)
			merged := measure.NewMerged(config, workers)
			config.Deltas = true
			var parts []*measure.Recorder
			for range workers {
				parts = append(parts, measure.NewRecorder(config))
			}
			for _, r := range append(parts, one) {
				r.Start(start)
			}
			merged.Start()
			<-merged.Began()
			list := samples(rng, start, 1600)
			for k, s := range list {
				for _, r := range []*measure.Recorder{one, parts[k%workers]} {
					r.Scheduled(s.mode, s.due)
				}
				if k < 200 {
					continue
				}
				end(list[k-200], one, parts[(k-200)%workers])
				if k%200 == 0 {
					flush(t, merged, parts, k/200-1, start.Add(s.due), false)
				}
			}
			for k := len(list) - 200; k < len(list); k++ {
				end(list[k], one, parts[k%workers])
			}
			flush(t, merged, parts, 7, start.Add(10*time.Second), true)

			if diff := cmp.Diff(one.Snapshot(), merged.Snapshot()); diff != "" {
				t.Errorf("snapshot: got (+), want (-):\n%s", diff)
			}
			want, err := one.Finish()
			if err != nil {
				t.Fatal(err)
			}
			got, err := merged.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
}

func end(s sample, recorders ...*measure.Recorder) {
	for _, r := range recorders {
		r.Record(s.mode, s.due, &s.Outcome)
	}
}

// flush adds what every recorder has, twice, as it arrives over a network.
func flush(t *testing.T, merged *measure.Merged, parts []*measure.Recorder, second int, now time.Time, last bool) {
	t.Helper()
	for i, part := range parts {
		text, err := json.Marshal(part.Flush(now, last))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var d measure.Delta
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			if err := merged.Add(i, second, &d); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMergedWithoutAWorker checks that the ledger balances when a worker is lost: what it had under way is in no count.
func TestMergedWithoutAWorker(t *testing.T) {
	merged := measure.NewMerged(measure.Config{}, 2)
	done := measure.ModeDelta{Counts: measure.Counts{Scheduled: 10, Ended: [measure.Kinds]int64{10}}, Sums: &measure.Sums{}}
	under := measure.ModeDelta{Counts: measure.Counts{Scheduled: 7, Ended: [measure.Kinds]int64{4}}}
	for i, d := range []measure.ModeDelta{done, under} {
		if err := merged.Add(i, 0, &measure.Delta{Modes: []measure.ModeDelta{d}}); err != nil {
			t.Fatal(err)
		}
	}
	merged.Lost(1)
	if err := merged.Add(1, 1, &measure.Delta{Modes: []measure.ModeDelta{under}}); err != nil {
		t.Error(err)
	}
	results, err := merged.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if l := results[0].Ledger; !l.Balanced() || l.Scheduled != 14 {
		t.Errorf("the ledger is %+v, want 14 that are accounted for", l)
	}
}

// TestMergedRefuses checks that what no worker of this run can have measured is an error.
func TestMergedRefuses(t *testing.T) {
	for name, add := range map[string]struct {
		second int
		delta  measure.Delta
	}{
		"a second is missing": {second: 1},
		"no such mode":        {delta: measure.Delta{Modes: []measure.ModeDelta{{Mode: 1}}}},
		"a negative mode":     {delta: measure.Delta{Modes: []measure.ModeDelta{{Mode: -1}}}},
		"no histogram":        {delta: measure.Delta{Modes: []measure.ModeDelta{{Seconds: []measure.SecondDelta{{Response: []byte("x")}}}}}},
		"no such replica":     {delta: measure.Delta{Modes: []measure.ModeDelta{{Sums: &measure.Sums{Replicas: make([]measure.ReplicaDelta, 3)}}}}},
	} {
		merged := measure.NewMerged(measure.Config{Replicas: 2}, 1)
		if err := merged.Add(0, add.second, &add.delta); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
