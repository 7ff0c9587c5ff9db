package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// TestHeaders: which headers are recognised. What their values mean is tested in package api.
func TestHeaders(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        measure.Outcome
	}{
		{"Age", "19", measure.Outcome{Age: 19 * time.Second}},
		{"age", "-1", measure.Outcome{}},
		{"Age", "99999999999999999999", measure.Outcome{}},
		{"LOADLAB-VERSION", "4711", measure.Outcome{Version: 4711}},
		{"Loadlab-Version", "x", measure.Outcome{}},

		{"Server-Timing", `sql;desc="62";dur=38.2, cdn;dur=5`,
			measure.Outcome{Timed: true, Timing: api.Timing{SQL: 62, SQLTime: 38200 * time.Microsecond}}},
		{"server-timing", `cdn;dur=5`, measure.Outcome{}},
		{"Cache-Status", `loadlab; fwd=miss; stored`, measure.Outcome{Cache: api.CacheMiss, Stored: true}},
		{"CACHE-status", `loadlab`, measure.Outcome{}},
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
			got.Sent, got.Done, got.Connect, got.TraceID, got.SpanID = time.Time{}, time.Time{}, 0, [16]byte{}, [8]byte{}
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
