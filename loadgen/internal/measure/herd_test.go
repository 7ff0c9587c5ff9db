package measure_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

func TestHerds(t *testing.T) {
	type miss struct{ done, total, redis time.Duration }
	for _, tt := range []struct {
		name   string
		misses []miss
		want   []result.Herd
	}{
		{"none", nil, nil},
		{"one", []miss{{50 * ms, 45 * ms, 0}}, []result.Herd{{At: 5 * ms, First: 45 * ms, Last: 45 * ms, Mean: 45 * ms, Size: 1}}},
		{"what Redis takes before and after is not of it", []miss{{50 * ms, 45 * ms, 4 * ms}},
			[]result.Herd{{At: 6 * ms, First: 43 * ms, Last: 41 * ms, Mean: 43 * ms, Size: 1}}},
		{"more time in Redis than in all", []miss{{50 * ms, 4 * ms, 8 * ms}}, []result.Herd{{At: 47 * ms, First: 2 * ms, Mean: 2 * ms, Size: 1}}},
		{"three that slow each other down", []miss{{60 * ms, 50 * ms, 0}, {80 * ms, 65 * ms, 0}, {90 * ms, 60 * ms, 0}},
			[]result.Herd{{At: 10 * ms, First: 50 * ms, Spread: 30 * ms, Last: 60 * ms, Mean: 175 * ms / 3, Size: 3}}},
		{"the first to begin is not the first to end", []miss{{50 * ms, 20 * ms, 0}, {60 * ms, 55 * ms, 0}},
			[]result.Herd{{At: 5 * ms, First: 45 * ms, Spread: 10 * ms, Last: 55 * ms, Mean: 75 * ms / 2, Size: 2}}},
		{"two expiries", []miss{{50 * ms, 45 * ms, 0}, {1095 * ms, 40 * ms, 0}}, []result.Herd{
			{At: 5 * ms, First: 45 * ms, Last: 45 * ms, Mean: 45 * ms, Size: 1},
			{At: 1055 * ms, First: 40 * ms, Last: 40 * ms, Mean: 40 * ms, Size: 1, Age: 1005 * ms, Took: 45 * ms}}},
		{"one whose record comes late joins two", []miss{{20 * ms, 10 * ms, 0}, {50 * ms, 10 * ms, 0}, {45 * ms, 30 * ms, 0}},
			[]result.Herd{{At: 10 * ms, First: 10 * ms, Spread: 30 * ms, Last: 10 * ms, Mean: 50 * ms / 3, Size: 3}}},
	} {
		var h measure.Herds
		for _, m := range tt.misses {
			h.Add(m.done, m.total, m.redis)
		}
		if diff := cmp.Diff(tt.want, h.Finish()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestHerdsInAnyOrder: responses are recorded by many goroutines, so not quite in the order in which they end.
func TestHerdsInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var h measure.Herds
		for herd := range 20 {
			at := time.Duration(herd) * time.Second
			for _, i := range rng.Perm(30) {
				h.Add(at+40*ms+time.Duration(i)*ms, 40*ms, 0)
			}
		}
		got := h.Finish()
		if len(got) != 20 {
			t.Fatalf("got %d herds, want 20", len(got))
		}
		for i, g := range got {
			want := result.Herd{At: time.Duration(i) * time.Second, First: 40 * ms, Spread: 29 * ms, Last: 40 * ms, Mean: 40 * ms, Size: 30}
			if i > 0 {
				want.Age, want.Took = 931*ms, 40*ms
			}
			if g != want {
				t.Fatalf("herd %d: got %+v, want %+v", i, g, want)
			}
		}
	}
}

// TestHerdsAreBounded: a phase of any length keeps a thousand.
func TestHerdsAreBounded(t *testing.T) {
	var h measure.Herds
	for i := range 5000 {
		h.Add(time.Duration(i)*time.Second, 10*ms, 0)
	}
	if got := h.Finish(); len(got) != 1000 || got[999].At != 999*time.Second-10*ms {
		t.Errorf("got %d herds, the last at %v, want the first 1000", len(got), got[len(got)-1].At)
	}
}

// TestRecorderHerds: a response that stored its page is of a herd; others, and those that failed, are of none.
func TestRecorderHerds(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	for i, o := range []*measure.Outcome{
		outcome(start, measure.OK, 0, 0, 52*ms), outcome(start, measure.OK, 0, 0, 2*ms), outcome(start, measure.Status, 0, 0, 70*ms),
	} {
		o.Timed, o.Stored = true, i != 1
		o.Timing.Total = 50 * ms
		r.Scheduled(0, 0)
		r.Record(0, 0, o)
	}
	want := []result.Herd{{At: 2 * ms, First: 50 * ms, Last: 50 * ms, Mean: 50 * ms, Size: 1}}
	if diff := cmp.Diff(want, finish(t, r)[0].Herds); diff != "" {
		t.Errorf("herds (-want +got):\n%s", diff)
	}
}
