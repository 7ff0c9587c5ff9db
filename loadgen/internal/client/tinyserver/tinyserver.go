// Package tinyserver is the smallest server that a load generator can be measured against: it answers /N with a body of N bytes, on
// connections it keeps, and does nothing else. It is no HTTP server for any other use: it takes a query, and a sized body, and looks at neither.
package tinyserver

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
)

// maxRequest is the longest request that is understood, and maxBody the longest body that is served.
const (
	maxRequest = 64 << 10
	maxBody    = 64 << 20
)

// Server is the server. The zero value answers, and calls nothing.
type Server struct {
	// Seen, if not nil, is called with each request before it is answered: with its line and headers, without the empty line. It is called
	// concurrently, and must not keep the bytes.
	Seen func(request []byte)
}

// Serve serves with the zero Server.
func Serve(ctx context.Context, ln net.Listener) error { return (&Server{}).Serve(ctx, ln) }

// Serve answers on the listener until ctx is done, closes it, and returns when every connection is closed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			open.Go(func() { s.serve(ctx, nc) })
		case ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// serve answers one connection's requests. The last response is kept ready to send, for requests of a load are mostly alike.
func (s *Server) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { _ = nc.Close() })()
	buf := make([]byte, maxRequest)
	var path, response []byte
	for filled := 0; ; {
		n, err := nc.Read(buf[filled:])
		if err != nil {
			return
		}
		filled += n
		for {
			end := bytes.Index(buf[:filled], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			whole := end + len("\r\n\r\n") + bodyOf(buf[:end])
			if filled < whole {
				break
			}
			if s.Seen != nil {
				s.Seen(buf[:end])
			}
			if asked := pathOf(buf[:end]); path == nil || !bytes.Equal(asked, path) {
				path, response = bytes.Clone(asked), answer(string(asked))
			}
			if _, err := nc.Write(response); err != nil {
				return
			}
			filled = copy(buf, buf[whole:filled])
		}
		if filled == len(buf) {
			return
		}
	}
}

// pathOf returns the second word of the request line, without its query.
func pathOf(request []byte) []byte {
	_, rest, _ := bytes.Cut(request, []byte{' '})
	path, _, _ := bytes.Cut(rest, []byte{' '})
	path, _, _ = bytes.Cut(path, []byte{'?'})
	return path
}

// bodyOf returns the length of a request's body. GET, which most requests are, has none.
func bodyOf(request []byte) int {
	if bytes.HasPrefix(request, []byte("GET ")) {
		return 0
	}
	_, rest, _ := bytes.Cut(request, []byte("\r\nContent-Length: "))
	digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
	n, err := strconv.Atoi(string(digits))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func answer(path string) []byte {
	n, err := strconv.Atoi(strings.TrimPrefix(path, "/"))
	if err != nil || n < 0 || n > maxBody {
		return []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	}
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Status: loadlab; hit; ttl=41\r\nAge: 19\r\n" +
		`Server-Timing: sql;desc="62";dur=38.2, redis;desc="2";dur=0.3, wait;dur=0, total;dur=44.1` + "\r\n" +
		"Content-Length: " + strconv.Itoa(n) + "\r\n\r\n"
	return append([]byte(head), bytes.Repeat([]byte{'x'}, n)...)
}
