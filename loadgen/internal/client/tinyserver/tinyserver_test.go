package tinyserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"loadlab/loadgen/internal/client/tinyserver"
)

func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var lines []string // of the requests; written before each is answered
	server := tinyserver.Server{Seen: func(request []byte) {
		line, _, _ := strings.Cut(string(request), "\r\n")
		lines = append(lines, line)
	}}
	go func() { ended <- server.Serve(ctx, ln) }()

	for _, tt := range []struct {
		path   string
		status int
		bytes  int
	}{{"/0", 200, 0}, {"/200", 200, 200}, {"/48000", 200, 48000}, {"/x", 404, 0}, {"/-1", 404, 0}, {"/200", 200, 200}} {
		resp, err := http.Get("http://" + ln.Addr().String() + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || len(body) != tt.bytes {
			t.Errorf("%s: status %d, %d bytes, %v; want %d, %d", tt.path, resp.StatusCode, len(body), err, tt.status, tt.bytes)
		}
	}
	for range 2 {
		resp, err := http.Post("http://"+ln.Addr().String()+"/5?x=1", "text/plain", strings.NewReader(strings.Repeat("GET /9 HTTP/1.1\r\n\r\n", 1000)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(body) != 5 {
			t.Errorf("POST: %d bytes, %v", len(body), err)
		}
	}
	want := "GET /0 HTTP/1.1,GET /200 HTTP/1.1,GET /48000 HTTP/1.1,GET /x HTTP/1.1,GET /-1 HTTP/1.1,GET /200 HTTP/1.1,POST /5?x=1 HTTP/1.1,POST /5?x=1 HTTP/1.1"
	if got := strings.Join(lines, ","); got != want {
		t.Errorf("seen: got %s, want %s", got, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
