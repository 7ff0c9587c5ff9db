// Package field has a small server for tests that answers by path, rightly and wrongly, as services in the field do: what load generators were found to trip over. It writes
// its answers byte for byte, as no server of a library would.
package field

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Server is a server of answers. It ends with its test.
type Server struct {
	Addr string // host:port

	mu       sync.Mutex
	requests []string // the request lines, in the order in which they came
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// answers are sent, and the connection is kept.
func answers() map[string]string {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	return map[string]string{
		"/ok":       hello,
		"/404":      "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
		"/500":      "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nhello",
		"/redirect": "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
		"/loop":     "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
		"/nohead":   "hello there, no head at all\r\n\r\n",
		"/lengths":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",

		"/continue":  "HTTP/1.1 100 Continue\r\n\r\n" + hello,
		"/hints":     "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + hello,
		"/interim":   strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 200) + hello,
		"/trailers":  chunked + "5\r\nhello\r\n0\r\nX: y\r\nServer-Timing: sql;desc=\"7\"\r\n\r\n",
		"/extension": chunked + "5;a=b;c=\"d;e\"\r\nhello\r\n0;last\r\n\r\n",
		"/blanks":    chunked + "5   \r\nhello\r\n0 \r\n\r\n",
		"/204":       "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
		"/304":       "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n",
		"/case":      "HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:5\r\n\r\nhello",
		"/twice":     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"/noreason":  "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
		"/newlines":  "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
		"/http10":    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
		"/both":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"/leftover":  hello + "\r\n",
		"/two":       hello + hello,
		"/status0":   "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n",
		"/fold":      "HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
		"/colon":     "HTTP/1.1 200 OK\r\nX-Odd : a\r\nContent-Length: 5\r\n\r\nhello",
		"/zeros":     "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000000000005\r\n\r\nhello",
		"/longline":  "HTTP/1.1 200 OK\r\nSet-Cookie: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 5\r\n\r\nhello",
		"/longhead":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: aaaaaaaaaaaaaaaaaaaa\r\n", 3000) + "Content-Length: 5\r\n\r\nhello",
	}
}

// endings are sent, and the connection is closed.
func endings() map[string]string {
	return map[string]string{
		"/empty": "",
		"/html":  "<html>hello</html>",
		"/alert": "\x15\x03\x01\x00\x02\x02\x46",
		"/short": "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"/cut":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
		"/close": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
	}
}

// Serve starts a server, over TLS if config is not nil. /bigN answers with N bytes, and every path that it does not know with 200.
func Serve(tb testing.TB, config *tls.Config) *Server {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Addr: ln.Addr().String()}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			serving.Go(func() { s.serve(c) })
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close() // most are closed already
		}
		mu.Unlock()
		serving.Wait()
	})
	return s
}

// Requests returns the request lines that have come.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// serve answers on one connection until it ends, or an answer ends it.
func (s *Server) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, req.Method+" "+req.RequestURI)
		s.mu.Unlock()
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if !answer(c, req.URL.Path) {
			return
		}
	}
}

// answer answers a request, and reports whether another may follow.
func answer(w io.Writer, path string) bool {
	if text, ok := endings()[path]; ok {
		_, _ = io.WriteString(w, text) // the connection ends anyway
		return false
	}
	text, ok := answers()[path]
	if !ok {
		text = hello
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(path, "/big"), 10, 64); err == nil && strings.HasPrefix(path, "/big") {
		if _, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n); err != nil {
			return false
		}
		zeros := make([]byte, 1<<20)
		for left := n; left > 0; {
			k := min(left, int64(len(zeros)))
			if _, err := w.Write(zeros[:k]); err != nil {
				return false
			}
			left -= k
		}
		return true
	}
	_, err := io.WriteString(w, text)
	return err == nil
}
