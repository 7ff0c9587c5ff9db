package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
)

func TestReadTiming(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for _, tc := range []struct {
		value string
		want  api.Timing
		found bool
	}{
		{`sql;desc="62";dur=38.2, redis;desc="2";dur=0.3, wait;dur=0, total;dur=44.1, traceparent;desc="00-4bf9-01"`,
			api.Timing{SQL: 62, SQLTime: 38200 * us, Redis: 2, RedisTime: 300 * us, Total: 44100 * us}, true},
		{` total ; dur = 2 ; x , wait; dur="1.5" ;;, cdn;desc="a, sql;dur=9"`,
			api.Timing{Total: 2 * ms, Wait: 1500 * us}, true},
		{`cdn;dur=5, edge;desc=HIT`, api.Timing{}, false},
		{`total`, api.Timing{}, false},
		{`total;dur=1e3`, api.Timing{}, false},
		{`total;dur=-1`, api.Timing{}, false},
		{`total;dur=`, api.Timing{}, false},
		{`total;dur=.`, api.Timing{}, false},
		{`sql;desc="\"62";dur=1`, api.Timing{SQLTime: ms}, true},
		{`sql;dur=0.0000019`, api.Timing{SQLTime: 1}, true},
	} {
		var got api.Timing
		found := got.Read([]byte(tc.value))
		if diff := cmp.Diff(tc.want, got); diff != "" || found != tc.found {
			t.Errorf("%s: found %t, want %t, (-want +got)\n%s", tc.value, found, tc.found, diff)
		}
	}
}

// TestReadTimingAgain reads a second header of the same response: it leaves alone what it does not name.
func TestReadTimingAgain(t *testing.T) {
	got, want := api.Timing{SQL: 2, Total: time.Second}, api.Timing{SQL: 2, Wait: time.Millisecond, Total: time.Second}
	if found := got.Read([]byte("wait;dur=1")); !found || got != want {
		t.Errorf("got %+v, found %t, want %+v", got, found, want)
	}
	if found := got.Read([]byte("cdn;dur=1")); found || got != want {
		t.Errorf("of another server: got %+v, found %t, want nothing changed", got, found)
	}
}

// FuzzTimingRoundTrip: what the app writes is what is read, to the microsecond.
func FuzzTimingRoundTrip(f *testing.F) {
	f.Add(62, int64(38200), 2, int64(300), int64(0), int64(44100), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add(0, int64(1), 0, int64(0), int64(999), int64(1000), "sql;dur=1, total")
	f.Fuzz(func(t *testing.T, sql int, sqlTime int64, redis int, redisTime, wait, total int64, traceparent string) {
		us := func(n int64) time.Duration { return time.Duration(n&(1<<40-1)) * time.Microsecond }
		want := api.Timing{SQL: sql & (1<<31 - 1), SQLTime: us(sqlTime), Redis: redis & (1<<31 - 1), RedisTime: us(redisTime), Wait: us(wait), Total: us(total)}
		written := want
		written.Traceparent = token(traceparent)
		var got api.Timing
		if value := written.Append(nil); !got.Read(value) || got != want {
			t.Errorf("%q: got %+v, want %+v", value, got, want)
		}
	})
}
