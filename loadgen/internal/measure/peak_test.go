package measure_test

import (
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// TestPeak: the most recomputes in a second, wherever that begins, by when their requests were due and in whatever order they end.
func TestPeak(t *testing.T) {
	for _, tt := range []struct {
		name string
		due  []time.Duration
		want int64
	}{
		{"none", nil, 0},
		{"one", []time.Duration{3 * time.Second}, 1},
		{"across two seconds", []time.Duration{800 * ms, 900 * ms, 1000 * ms, 1700 * ms}, 4},
		{"of a longer time", []time.Duration{0, 500 * ms, 1000 * ms, 1500 * ms, 2000 * ms}, 2},
		{"out of order", []time.Duration{9 * time.Second, 100 * ms, 200 * ms, 8 * time.Second}, 2},
	} {
		start := time.Now()
		r := measure.NewRecorder(measure.Config{})
		r.Start(start)
		for _, due := range tt.due {
			o := outcome(start, measure.OK, due, 0, 40*ms)
			o.Timed, o.Stored, o.Cache = true, true, api.CacheMiss
			r.Scheduled(0, due)
			r.Record(0, due, o)
		}
		hit := outcome(start, measure.OK, 0, 0, ms)
		hit.Timed, hit.Cache = true, api.CacheHit
		r.Scheduled(0, 0)
		r.Record(0, 0, hit)
		results, err := r.Finish()
		if err != nil || results[0].Peak != tt.want {
			t.Errorf("%s: got %d, %v, want %d", tt.name, results[0].Peak, err, tt.want)
		}
	}
}
