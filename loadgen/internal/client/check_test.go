package client_test

import (
	"strings"
	"testing"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

func TestCheck(t *testing.T) {
	doc := `{"count": 5000, "next": null, "ok": true, "results": [{"price": "450000.00", "area": 12.50, "a.b": 1}], "big": 1e400}`
	size := int64(len(doc))
	for _, tt := range []struct {
		check client.Check
		why   string // "" passes
	}{
		{client.Check{Length: size}, ""},
		{client.Check{Length: size - 1}, "want "},
		{client.Check{MinLength: size}, ""},
		{client.Check{MinLength: size + 1}, "at least"},
		{client.Check{Field: "count", Equals: "5000"}, ""},
		{client.Check{Field: "count", Equals: "5000.0"}, ""},
		{client.Check{Field: "count", Equals: "5001"}, "count is 5000, want 5001"},
		{client.Check{Field: "count", Equals: "many"}, "count is 5000"},
		{client.Check{Field: "next", Equals: "null"}, ""},
		{client.Check{Field: "next", Equals: ""}, "next is"},
		{client.Check{Field: "ok", Equals: "true"}, ""},
		{client.Check{Field: "ok", Equals: "false"}, "ok is true"},
		{client.Check{Field: "results.0.price", Equals: "450000.00"}, ""},
		{client.Check{Field: "results.0.price", Equals: "450000"}, "450000.00"},
		{client.Check{Field: "results.0.area", Equals: "12.5"}, ""},
		{client.Check{Field: "results.1.price", Equals: "1"}, `no element "1" of 1`},
		{client.Check{Field: "results.-1", Equals: "1"}, "no element"},
		{client.Check{Field: "results.price", Equals: "1"}, "no element"},
		{client.Check{Field: "results", Equals: "1"}, "want 1"},
		{client.Check{Field: "count.x", Equals: "1"}, "nothing below"},
		{client.Check{Field: "price", Equals: "1"}, "no field"},
		{client.Check{Field: "big", Equals: "1e400"}, ""},
		{client.Check{Field: "big", Equals: "1e999999999"}, "big is"},
		{client.Check{Length: size, Field: "count", Equals: "5000"}, ""},
		{client.Check{Fields: []client.Field{{"count", "5000"}, {"ok", "true"}}}, ""},
		{client.Check{Fields: []client.Field{{"count", "5000"}, {"ok", "false"}}}, "ok is true"},
		{client.Check{Field: "count", Equals: "1", Fields: []client.Field{{"ok", "true"}}}, "count is 5000"},
		{client.Check{Length: 7, Field: "count", Equals: "5000"}, "want 7"},
	} {
		s := serve(t, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"+doc[:5]+"\r\n"+
			"6f\r\n"+doc[5:5+0x6f]+"\r\n"+hexLen(doc[5+0x6f:])+"\r\n"+doc[5+0x6f:]+"\r\n0\r\n\r\n"))
		transports(t, func(t *testing.T, transport string) {
			h := newHarness(t, s.addr, client.Options{Transport: transport}, client.Spec{Path: "/", Check: tt.check})
			for range 2 { // the second body must not follow the first in the buffer
				got := h.call(0)
				err := h.firstError(measure.Check)
				if tt.why == "" && got != measure.OK || tt.why != "" && (got != measure.Check || !strings.Contains(err.Error(), tt.why)) {
					t.Errorf("%+v: %v, %v; want %q", tt.check, got, err, tt.why)
				}
			}
		})
	}
}

func hexLen(s string) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[len(s)>>4&15], digits[len(s)&15]})
}

func TestCheckOfGarbage(t *testing.T) {
	for _, body := range []string{"", "{", "<html>", "nul"} {
		s := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: "+string(rune('0'+len(body)))+"\r\n\r\n"+body))
		h := newHarness(t, s.addr, client.Options{}, client.Spec{Path: "/", Check: client.Check{Field: "a", Equals: "1"}})
		h.want(0, measure.Check)
	}
}
