package measure_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

// TestFlushConnecting checks that a delta has how long it took to connect since the one before it, of requests that had to, and the bytes that were sent.
func TestFlushConnecting(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{Modes: 1, Deltas: true})
	r.Start(start)
	request := func(connect, shake time.Duration) {
		r.Scheduled(0, 0)
		r.Record(0, 0, &measure.Outcome{Sent: start, Done: start.Add(time.Second), Wrote: 10, Connect: connect, TLS: shake})
	}
	check := func(when string, wrote, connects, shakes int64) {
		t.Helper()
		d := r.Flush(start, false).Modes[0]
		if d.Wrote != wrote {
			t.Errorf("%s: got %d bytes, want %d", when, d.Wrote, wrote)
		}
		for name, x := range map[string]struct {
			plain []byte
			want  int64
		}{"connect": {d.Connect, connects}, "TLS": {d.TLS, shakes}} {
			var n int64
			if err := hist.Each(x.plain, func(d time.Duration, of int64) {
				if n += of; d.Round(time.Millisecond) != 20*time.Millisecond {
					t.Errorf("%s: got %s %v, want 20ms", when, name, d)
				}
			}); err != nil || n != x.want {
				t.Errorf("%s: got %s of %d requests, %v, want %d", when, name, n, err, x.want)
			}
		}
	}
	request(20*time.Millisecond, 20*time.Millisecond)
	request(20*time.Millisecond, 0)
	request(0, 0)
	check("at first", 30, 2, 1)
	request(0, 0)
	check("of connections that there are", 40, 0, 0)
}
