package client_test

import (
	"strconv"
	"strings"
	"testing"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// TestFraming makes two calls of each response: the second shows whether the first was read to its end and no further.
func TestFraming(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	const keep, fresh = 1, 2                         // connections for two calls
	for _, tt := range []struct {
		name, method, response string
		bytes                  int64
		conns                  int64
		closes                 bool // the server, after each response
	}{
		{"sized", "GET", ok, 2, keep, false},
		{"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, keep, false},
		{"no reason phrase", "GET", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"bare line feeds", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 2, keep, false},
		{"case and blanks", "GET", "HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:\t 2 \r\n\r\nok", 2, keep, false},
		{"length given twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"length given as a list", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 2, keep, false},
		{"length with zeros", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000000000002\r\n\r\nok", 2, keep, false},
		{"folded header", "GET", "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"folded length", "GET", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\t2\r\n \r\n\r\nok", 2, keep, false},
		{"folded trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n", 2, keep, false},
		{"blank before the colon", "GET", "HTTP/1.1 200 OK\r\nA b \t: c\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"blank before the colon of a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 9\r\n\r\nok", 2, fresh, true},
		{"coding of old", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"huge header line", "GET", "HTTP/1.1 200 OK\r\nA: " + big[:100_000] + "\r\nContent-Length: 2\r\n\r\nok", 2, keep, false},
		{"huge header", "GET", "HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: aaaaaaaaaaaaaaaaaaaa\r\n", 8000) + "Content-Length: 2\r\n\r\nok", 2, keep, false},
		{"large", "GET", "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(big)) + "\r\n\r\n" + big, int64(len(big)), keep, false},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3;a=b\r\nyes\r\n0\r\n\r\n", 5, keep, false},
		{"chunked with trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\nC: d\r\n\r\n", 2, keep, false},
		{"large chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + big + "\r\n100000\r\n" + big + "\r\n0\r\n\r\n",
			2 * int64(len(big)), keep, false},
		{"chunked and sized", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 2, fresh, false},
		{"until close", "GET", "HTTP/1.1 200 OK\r\n\r\n" + big, int64(len(big)), fresh, true},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2, fresh, false},
		{"HTTP/1.0 keep-alive", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok", 2, keep, false},
		{"Connection: close", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nok", 2, fresh, false},
		{"interim", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 77\r\nAge: 9\r\n\r\n" + ok, 2, keep, false},
		{"204", "GET", "HTTP/1.1 204 No\r\n\r\n", 0, keep, false},
		{"304 with a length", "GET", "HTTP/1.1 304 No\r\nContent-Length: 2000\r\n\r\n", 0, keep, false},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", 0, keep, false},
		{"HEAD of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, keep, false},
		{"more than announced", "GET", ok + "ok", 2, fresh, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, check := range []client.Check{{}, {MinLength: 1}} {
				if tt.bytes == 0 && check.MinLength > 0 {
					continue
				}
				s := serve(t, func(p *peer) {
					for p.request() != nil {
						if p.send(tt.response); tt.closes {
							return
						}
					}
				})
				h := newHarness(t, s.addr, client.Options{}, client.Spec{Method: tt.method, Path: "/", Check: check})
				for range 2 {
					h.want(0, measure.OK)
					if h.out.Bytes != tt.bytes || h.out.Age != 0 {
						t.Errorf("%d bytes, age %v; want %d, 0", h.out.Bytes, h.out.Age, tt.bytes)
					}
				}
				if n := s.conns.Load(); n != tt.conns {
					t.Errorf("%d connections, want %d", n, tt.conns)
				}
			}
		})
	}
}

// TestBytewise sends responses in pieces of one byte, each a packet of its own.
func TestBytewise(t *testing.T) {
	responses := []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLoadlab-Version: 7\r\n\r\n\"ok\"",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nLoadlab-Version: 7\r\n\r\n2\r\n\"o\r\n2\r\nk\"\r\n0\r\nA: b\r\n\r\n",
	}
	s := serve(t, func(p *peer) {
		for i := 0; p.request() != nil; i++ {
			for _, b := range []byte(responses[i%len(responses)]) {
				p.send(string(b))
			}
		}
	})
	h := newHarness(t, s.addr, client.Options{})
	for range 4 {
		h.want(0, measure.OK)
		if h.out.Bytes != 4 || h.out.Version != 7 {
			t.Errorf("outcome %+v", h.out)
		}
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
