package client_test

import (
	"strings"
	"testing"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// field is the check of one field.
func field(path, equals string) []client.Field { return []client.Field{{Path: path, Equals: equals}} }

func TestCheck(t *testing.T) {
	doc := `{"count": 5000, "next": null, "ok": true, "results": [{"price": "450000.00", "area": 12.50, "id": 9007199254740993}], "big": 1e401}`
	size := int64(len(doc))
	for _, tt := range []struct {
		check client.Check
		why   string // "" passes
	}{
		{client.Check{MinLength: size}, ""},
		{client.Check{MinLength: size + 1}, "at least"},
		{client.Check{Fields: field("count", "5000")}, ""},
		{client.Check{Fields: field("count", "5000.0")}, ""},
		{client.Check{Fields: field("count", "5001")}, "count is 5000, want 5001"},
		{client.Check{Fields: field("count", "many")}, "count is 5000"},
		{client.Check{Fields: field("next", "null")}, ""},
		{client.Check{Fields: field("next", "")}, "next is"},
		{client.Check{Fields: field("ok", "true")}, ""},
		{client.Check{Fields: field("ok", "false")}, "ok is true"},
		{client.Check{Fields: field("results.0.price", "450000.00")}, ""},
		{client.Check{Fields: field("results.0.price", "450000")}, "450000.00"},
		{client.Check{Fields: field("results.0.area", "12.5")}, ""},
		{client.Check{Fields: field("results.1.price", "1")}, `no element "1" of 1`},
		{client.Check{Fields: field("results.-1", "1")}, "no element"},
		{client.Check{Fields: field("results.price", "1")}, "no element"},
		{client.Check{Fields: field("results", "1")}, "want 1"},
		{client.Check{Fields: field("count.x", "1")}, "nothing below"},
		{client.Check{Fields: field("price", "1")}, "no field"},
		{client.Check{Fields: field("big", "1e401")}, ""},
		{client.Check{Fields: field("big", "10e400")}, "big is 1e401"},
		{client.Check{Fields: field("count", "5e3")}, ""},
		{client.Check{Fields: field("count", "0.5E+4")}, ""},
		{client.Check{Fields: field("results.0.id", "9007199254740993")}, ""},
		{client.Check{Fields: field("results.0.id", "9007199254740992")}, "results.0.id is 9007199254740993"},
		{client.Check{Fields: field("big", "1e999999999")}, "big is"},
		{client.Check{MinLength: size, Fields: field("count", "5000")}, ""},
		{client.Check{Fields: []client.Field{{"count", "5000"}, {"ok", "true"}}}, ""},
		{client.Check{Fields: []client.Field{{"count", "5000"}, {"ok", "false"}}}, "ok is true"},
		{client.Check{Fields: []client.Field{{"count", "1"}, {"ok", "true"}}}, "count is 5000"},
		{client.Check{MinLength: size + 1, Fields: field("count", "5000")}, "at least"},
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
		h := newHarness(t, s.addr, client.Options{}, client.Spec{Path: "/", Check: client.Check{Fields: field("a", "1")}})
		h.want(0, measure.Check)
	}
}
