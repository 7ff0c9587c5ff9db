package client_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

func seeds(f *testing.F, add func(response []byte)) {
	f.Helper()
	for _, s := range []string{
		ok,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\nConnection: keep-alive, x\nContent-Length: 3\n\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer-Timing: total;dur=1\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\nmore",
		"HTTP/1.1 304 No\r\nAge: 3\r\nCache-Status: a; hit\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nuntil close",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nServer-Timing:\r\n total;dur=1\r\nX : y\r\nContent-Length: 1, 01\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + string(bytes.Repeat([]byte("x"), 100<<10+1)),
	} {
		add([]byte(s))
	}
}

// FuzzParse: the result does not depend on how a response is cut into reads, nothing behind a response is consumed, and what is behind it
// changes nothing.
func FuzzParse(f *testing.F) {
	seeds(f, func(response []byte) { f.Add(response, []byte{1, 2, 3}, false, true) })
	f.Fuzz(func(t *testing.T, data, steps []byte, head, keep bool) {
		whole := client.Parse(data, head, keep)
		var cuts []int
		for at, i := 0, 0; len(steps) > 0 && at < len(data); i++ {
			at = min(at+1+int(steps[i%len(steps)]), len(data))
			cuts = append(cuts, at)
		}
		same := func(what string, got client.Parsed, used bool) {
			t.Helper()
			if !used {
				got.Used = whole.Used // it is undefined for a broken response
			}
			if got != whole {
				t.Errorf("%s: %+v\nwhole: %+v", what, got, whole)
			}
		}
		same("in pieces", client.Parse(data, head, keep, cuts...), whole.Kind != measure.BadResponse)
		if whole.Used > len(data) || !whole.Whole && whole.Kind != measure.BadResponse && whole.Used != len(data) {
			t.Errorf("used %d of %d bytes: %+v", whole.Used, len(data), whole)
		}
		if int64(whole.Used) < whole.Outcome.Bytes || keep && int64(len(whole.Body)) != whole.Outcome.Bytes {
			t.Errorf("%d bytes of body, %d kept, %d read", whole.Outcome.Bytes, len(whole.Body), whole.Used)
		}
		if whole.Reuse { // so it has an end of its own
			same("alone", client.Parse(data[:whole.Used], head, keep), true)
			same("followed", client.Parse(slices.Concat(data[:whole.Used], []byte("HTTP/1.1 500\r\n\r\n0")), head, keep), true)
		}
	})
}

// FuzzAgainstNetHTTP: a response that both parsers accept is the same response. Chunks in HTTP/1.0, which it does not have, are an
// exception: net/http takes them for the body.
func FuzzAgainstNetHTTP(f *testing.F) {
	seeds(f, func(response []byte) { f.Add(response, false) })
	f.Fuzz(func(t *testing.T, data []byte, head bool) {
		got := client.Parse(data, head, true)
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), req)
		if err != nil || resp.StatusCode < 200 || got.Kind != measure.OK ||
			!resp.ProtoAtLeast(1, 1) && bytes.Contains(bytes.ToLower(data), []byte("transfer-encoding")) {
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		if got.Outcome.Status != resp.StatusCode || got.Body != string(body) {
			t.Errorf("status %d, body %q; net/http: %d, %q", got.Outcome.Status, got.Body, resp.StatusCode, body)
		}
		if got.Reuse && resp.Close {
			t.Errorf("the connection would be used again; net/http closes it")
		}
	})
}
