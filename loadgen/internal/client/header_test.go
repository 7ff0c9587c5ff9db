package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

func TestHeaders(t *testing.T) {
	ms := time.Millisecond
	timed := func(timing api.Timing) measure.Outcome { return measure.Outcome{Timed: true, Timing: timing} }
	cache := func(c api.CacheResult, stored bool) measure.Outcome { return measure.Outcome{Cache: c, Stored: stored} }
	for _, tt := range []struct {
		name, value string
		want        measure.Outcome
	}{
		{"Age", "19", measure.Outcome{Age: 19 * time.Second}},
		{"age", "-1", measure.Outcome{}},
		{"Age", "99999999999999999999", measure.Outcome{}},
		{"LOADLAB-VERSION", "4711", measure.Outcome{Version: 4711}},
		{"Loadlab-Version", "x", measure.Outcome{}},

		{"Server-Timing", `sql;desc="62";dur=38.2, redis;desc="2";dur=0.3, wait;dur=0, total;dur=44.1, traceparent;desc="00-4bf9-01"`,
			timed(api.Timing{SQL: 62, SQLTime: 38200 * time.Microsecond, Redis: 2, RedisTime: 300 * time.Microsecond, Total: 44100 * time.Microsecond})},
		{"Server-Timing", ` total ; dur = 2 ; x , wait; dur="1.5" ;;, cdn;desc="a, sql;dur=9"`, timed(api.Timing{Total: 2 * ms, Wait: 1500 * time.Microsecond})},
		{"Server-Timing", `cdn;dur=5, edge;desc=HIT`, measure.Outcome{}},
		{"Server-Timing", `total`, measure.Outcome{}},
		{"Server-Timing", `total;dur=1e3`, measure.Outcome{}},
		{"Server-Timing", `total;dur=-1`, measure.Outcome{}},
		{"Server-Timing", `total;dur=`, measure.Outcome{}},
		{"Server-Timing", `total;dur=.`, measure.Outcome{}},
		{"Server-Timing", `sql;desc="\"62";dur=1`, timed(api.Timing{SQLTime: ms})},
		{"Server-Timing", `sql;dur=0.0000019`, timed(api.Timing{SQLTime: 1})},

		{"Cache-Status", `loadlab; hit; ttl=41`, cache(api.CacheHit, false)},
		{"Cache-Status", `loadlab;hit=?1`, cache(api.CacheHit, false)},
		{"Cache-Status", `loadlab; hit=?0`, measure.Outcome{}},
		{"Cache-Status", `loadlab; hit; ttl=-3`, cache(api.CacheStale, false)},
		{"Cache-Status", `loadlab; fwd=stale; stored`, cache(api.CacheStale, true)},
		{"Cache-Status", `loadlab; hit; fwd=stale; detail=refreshing`, cache(api.CacheStale, false)},
		{"Cache-Status", `loadlab; fwd=miss; stored; ttl=60`, cache(api.CacheMiss, true)},
		{"Cache-Status", `loadlab; fwd=uri-miss; stored=?0`, cache(api.CacheMiss, false)},
		{"Cache-Status", `loadlab; fwd=miss; collapsed`, cache(api.CacheCoalesced, false)},
		{"Cache-Status", `loadlab; fwd=bypass; detail="redis; hit"`, cache(api.CacheBypass, false)},
		{"Cache-Status", `"load, lab"; hit, CDN; fwd=miss`, cache(api.CacheHit, false)},
		{"Cache-Status", `loadlab`, measure.Outcome{}},
		{"Cache-Status", ``, measure.Outcome{}},
		{"X-Cache-Status", `loadlab; hit`, measure.Outcome{}},
	} {
		if diff := cmp.Diff(tt.want, client.Record(tt.name, tt.value)); diff != "" {
			t.Errorf("%s: %s: (-want +got)\n%s", tt.name, tt.value, diff)
		}
	}
}

func TestOutcomeOfHeaders(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nServer-Timing: total;dur=44.1\r\nserver-timing: sql;desc=\"2\";dur=1\r\nCache-Status: loadlab; fwd=miss; stored\r\n" +
		"Cache-Status: cdn; hit\r\nAge: 3\r\nLoadlab-Version: 8\r\n"
	want := measure.Outcome{Status: 200, Bytes: 2, Timed: true, Cache: api.CacheMiss, Stored: true, Age: 3 * time.Second, Version: 8,
		Timing: api.Timing{SQL: 2, SQLTime: time.Millisecond, Total: 44100 * time.Microsecond}}
	trailed := want
	trailed.Timing.Wait = time.Second
	transports(t, func(t *testing.T, transport string) {
		for _, tt := range []struct {
			response string
			want     measure.Outcome
		}{
			{head + "Content-Length: 2\r\n\r\nok", want},
			{head + "Trailer: Server-Timing\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nServer-Timing: wait;dur=1000\r\n\r\n", trailed},
		} {
			h := newHarness(t, serve(t, answering(tt.response)).addr, client.Options{Transport: transport})
			h.want(0, measure.OK)
			got := h.out
			got.Sent, got.Done, got.TraceID, got.SpanID = time.Time{}, time.Time{}, [16]byte{}, [8]byte{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got)\n%s", diff)
			}
			plain := newHarness(t, serve(t, answering(ok)).addr, client.Options{Transport: transport})
			plain.out = h.out
			if plain.want(0, measure.OK); plain.out.Timed || plain.out.Version != 0 || plain.out.Cache != api.CacheNone {
				t.Errorf("a response without these headers: %+v", plain.out)
			}
		}
	})
}

// FuzzTiming: what the app writes is what is read, to the microsecond.
func FuzzTiming(f *testing.F) {
	f.Add(62, int64(38200), 2, int64(300), int64(0), int64(44100))
	f.Fuzz(func(t *testing.T, sql int, sqlTime int64, redis int, redisTime, wait, total int64) {
		us := func(n int64) time.Duration { return time.Duration(n&(1<<40-1)) * time.Microsecond }
		want := api.Timing{SQL: sql & (1<<31 - 1), SQLTime: us(sqlTime), Redis: redis & (1<<31 - 1), RedisTime: us(redisTime), Wait: us(wait), Total: us(total)}
		if got := client.Record("Server-Timing", string(want.Append(nil))); !got.Timed || got.Timing != want {
			t.Errorf("got %+v, want %+v", got.Timing, want)
		}
	})
}

// FuzzHeader: no value of a header makes the reader fail, and a member that is appended changes nothing of a Cache-Status.
func FuzzHeader(f *testing.F) {
	f.Add("Cache-Status", `loadlab; hit; ttl=41, "x\"y"; fwd=miss`)
	f.Add("Server-Timing", `sql;desc="62";dur=38.2, a=b;;=,;"`)
	f.Fuzz(func(t *testing.T, name, value string) {
		got := client.Record(name, value)
		if got.Timing.SQL < 0 || got.Timing.Total < 0 || got.Timing.SQLTime < 0 || got.Age < 0 || got.Version < 0 {
			t.Errorf("negative: %+v", got)
		}
		if name == "Cache-Status" && !strings.Contains(value, `"`) && got.Cache != api.CacheNone {
			if more := client.Record(name, value+", cdn; hit; stored; collapsed"); more.Cache != got.Cache {
				t.Errorf("%q: %v, with another member %v", value, got.Cache, more.Cache)
			}
		}
	})
}
