package client_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// server is a raw TCP server; the test defines what it does with a connection.
type server struct {
	addr  string
	conns atomic.Int64 // accepted so far
}

// peer is the server's end of a connection.
type peer struct {
	*net.TCPConn
	in  *bufio.Reader
	nth int64 // of the server's connections, from 1
	t   *testing.T
}

func serve(t *testing.T, handle func(p *peer)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: ln.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			p := &peer{nc.(*net.TCPConn), bufio.NewReader(nc), s.conns.Add(1), t}
			open.Go(func() {
				defer p.Close()
				defer context.AfterFunc(t.Context(), func() { p.Close() })()
				handle(p)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		open.Wait()
	})
	return s
}

// request reads a request and its body; nil at the end of the connection.
func (p *peer) request() *http.Request {
	req, err := http.ReadRequest(p.in)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil
	}
	return req
}

func (p *peer) send(s string) { _, _ = io.WriteString(p, s) }

// reset closes the connection with RST.
func (p *peer) reset() {
	_ = p.SetLinger(0)
	p.Close()
}

// hang keeps the connection open until the test ends.
func (p *peer) hang() { <-p.t.Context().Done() }

// answering answers every request of a connection with the same bytes.
func answering(response string) func(*peer) {
	return func(p *peer) {
		for p.request() != nil {
			p.send(response)
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// harness is one caller of a server.
type harness struct {
	t *testing.T
	client.Caller
	target *client.Target
	out    measure.Outcome
	errs   map[measure.Kind]error // the first of each kind
}

func newHarness(t *testing.T, base string, opts client.Options, specs ...client.Spec) *harness {
	t.Helper()
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	target, err := client.NewTarget(base, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(specs) == 0 {
		specs = []client.Spec{{Path: "/"}}
	}
	var reqs []*client.Request
	for _, spec := range specs {
		req, err := target.Prepare(spec)
		if err != nil {
			t.Fatal(err)
		}
		reqs = append(reqs, req)
	}
	target.ReplayWithin(patience) // a busy machine may take longer than 50 ms
	h := &harness{t: t, Caller: client.New(target, 1, reqs), target: target}
	t.Cleanup(func() { h.Close() })
	return h
}

// patience is the timeout of calls that must not reach it, and how late any other may be before the test fails.
const patience = 20 * time.Second

// call makes the request of the mode and returns its kind.
func (h *harness) call(mode int) measure.Kind {
	return h.callFor(patience, mode)
}

func (h *harness) callFor(timeout time.Duration, mode int) measure.Kind {
	h.t.Helper()
	return h.callBy(time.Now().Add(timeout), mode)
}

func (h *harness) callBy(deadline time.Time, mode int) measure.Kind {
	h.t.Helper()
	h.out = measure.Outcome{Kind: measure.Unsent, Status: 1, Bytes: 1, Version: 1, Stored: true} // must all be reset
	h.Call(h.t.Context(), mode, deadline, &h.out)
	if late := time.Since(deadline); late > patience {
		h.t.Errorf("the call returned %v after its deadline", late)
	}
	if h.out.Done.IsZero() || h.out.Done.Before(h.out.Sent) {
		h.t.Errorf("sent %v, done %v", h.out.Sent, h.out.Done)
	}
	if h.errs == nil {
		h.errs = map[measure.Kind]error{}
	}
	if h.errs[h.out.Kind] == nil {
		h.errs[h.out.Kind] = h.out.Err
	}
	return h.out.Kind
}

// firstError returns the first error of that kind, of any request.
func (h *harness) firstError(kind measure.Kind) error {
	if err := h.errs[kind]; err != nil || h.out.Kind != kind {
		return err
	}
	return h.out.Err // of a call that was made without callBy
}

// want makes a call and compares its kind.
func (h *harness) want(mode int, want measure.Kind) {
	h.t.Helper()
	if got := h.call(mode); got != want {
		h.t.Fatalf("kind %v (%v), want %v; outcome %+v", got, h.firstError(got), want, h.out)
	}
}

// transports runs a test with both.
func transports(t *testing.T, test func(t *testing.T, transport string)) {
	for _, transport := range []string{client.Raw, client.NetHTTP} {
		t.Run(strings.ReplaceAll(transport, "/", "-"), func(t *testing.T) { test(t, transport) })
	}
}
