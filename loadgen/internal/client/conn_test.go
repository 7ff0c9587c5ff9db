package client_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

var (
	get  = client.Spec{Method: "GET", Path: "/"}
	post = client.Spec{Method: "POST", Path: "/", Body: []byte("{}")}
)

// TestIdleClose: a connection that the server closes after a response, without announcing it, is no error.
func TestIdleClose(t *testing.T) {
	stray := "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		name  string
		spec  client.Spec
		after func(*peer) // the first response of a connection
	}{
		{"GET after FIN", get, func(*peer) {}},
		{"GET after RST", get, (*peer).reset},
		{"POST after FIN", post, func(*peer) {}},
		{"POST after RST", post, (*peer).reset},
		{"POST after a stray response", post, func(p *peer) { p.send(stray) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			closed := make(chan struct{})
			s := serve(t, func(p *peer) {
				p.request()
				p.send(ok)
				tt.after(p)
				p.Close()
				closed <- struct{}{}
			})
			h := newHarness(t, s.addr, client.Options{}, tt.spec)
			for range 20 {
				h.want(0, measure.OK)
				<-closed
			}
			if n := s.conns.Load(); n != 20 {
				t.Errorf("%d connections, want 20", n)
			}
		})
	}
}

// TestReplay: what a connection does with its second request, and whether the request is made again.
func TestReplay(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spec  client.Spec
		then  func(*peer)
		limit time.Duration // within which a broken connection is an idle close
		want  measure.Kind
		conns int64
	}{
		{"GET and FIN at once", get, func(*peer) {}, patience, measure.OK, 2},
		{"GET and RST at once", get, (*peer).reset, patience, measure.OK, 2},
		{"POST and FIN at once", post, func(*peer) {}, patience, measure.Reset, 1},
		{"POST and RST at once", post, (*peer).reset, patience, measure.Reset, 1},
		{"GET and FIN after the limit", get, func(*peer) {}, -1, measure.Reset, 1},
		{"GET and half of a header", get, func(p *peer) { p.send(ok[:20]) }, patience, measure.Reset, 1},
		{"GET and half of a body", get, func(p *peer) { p.send(ok[:len(ok)-1]) }, patience, measure.Truncated, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				p.request()
				p.send(ok)
				if p.nth > 1 {
					p.hang()
				}
				p.request()
				tt.then(p)
			})
			h := newHarness(t, s.addr, client.Options{}, tt.spec)
			h.target.ReplayWithin(tt.limit)
			h.want(0, measure.OK)
			h.want(0, tt.want)
			if n := s.conns.Load(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}

func TestReplayIsNotReplayed(t *testing.T) {
	s := serve(t, func(p *peer) {
		if p.request(); p.nth == 1 {
			p.send(ok)
			p.request()
		}
	})
	h := newHarness(t, s.addr, client.Options{})
	h.want(0, measure.OK)
	h.want(0, measure.Reset)
	if n := s.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestDialsAgain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bad     func(*peer)
		timeout time.Duration
		kind    measure.Kind
	}{
		{"after a reset", (*peer).reset, patience, measure.Reset},
		{"after a bad response", func(p *peer) { p.send("garbage\r\n"); p.hang() }, patience, measure.BadResponse},
		{"after a timeout", (*peer).hang, 200 * time.Millisecond, measure.Timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				for p.request() != nil {
					if p.nth == 1 {
						tt.bad(p)
						return
					}
					p.send(ok)
				}
			})
			h := newHarness(t, s.addr, client.Options{})
			if got := h.callFor(tt.timeout, 0); got != tt.kind {
				t.Fatalf("kind %v, want %v", got, tt.kind)
			}
			h.want(0, measure.OK)
			h.want(0, measure.OK)
			if n := s.conns.Load(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

// TestDeadlines: the runtime's timer stays at the deadline of an earlier call, which must not be seen.
func TestDeadlines(t *testing.T) {
	first := time.Now().Add(300 * time.Millisecond)
	passed, cancel := context.WithDeadline(t.Context(), first.Add(10*time.Millisecond)) // its timer fires after the connection's
	defer cancel()
	s := serve(t, func(p *peer) {
		for i := 0; p.request() != nil; i++ {
			if i == 1 {
				<-passed.Done()
			}
			if i == 3 {
				p.hang()
			}
			p.send(ok)
		}
	})
	h := newHarness(t, s.addr, client.Options{})
	if got := h.callBy(first, 0); got != measure.OK {
		t.Fatalf("a call with a short deadline: %v", got)
	}
	if got := h.callFor(patience, 0); got != measure.OK {
		t.Errorf("a call across the deadline of the one before: %v (%v)", got, h.firstError(got))
	}
	h.want(0, measure.OK)
	if got := h.callFor(100*time.Millisecond, 0); got != measure.Timeout {
		t.Errorf("a call with a shorter deadline than the one before: %v", got)
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestDeadlineOverBeforeTheSend(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, answering(ok))
		h := newHarness(t, s.addr, client.Options{Transport: transport})
		for range 2 {
			if got := h.callFor(-time.Millisecond, 0); got != measure.Unsent || !h.out.Sent.IsZero() {
				t.Errorf("kind %v, sent %v; want unsent", got, h.out.Sent)
			}
			h.want(0, measure.OK)
		}
		if n := s.conns.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestDefaultTimeout(t *testing.T) {
	const timeout = 100 * time.Millisecond
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, func(p *peer) { p.hang() })
		h := newHarness(t, s.addr, client.Options{Transport: transport, Timeout: timeout})
		begin := time.Now()
		h.Call(t.Context(), 0, time.Time{}, &h.out)
		if took := h.out.Done.Sub(begin); h.out.Kind != measure.Timeout || took < timeout || took > client.DefaultTimeout/2 {
			t.Errorf("kind %v after %v, want timeout after %v", h.out.Kind, took, timeout)
		}
	})
}

// TestLargeRequest sends more than the socket's buffers hold.
func TestLargeRequest(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		got := make(chan int64, 2)
		s := serve(t, func(p *peer) {
			for {
				req := p.request()
				if req == nil {
					return
				}
				got <- req.ContentLength
				p.send(ok)
			}
		})
		body := []byte(strings.Repeat("x", 8<<20))
		h := newHarness(t, s.addr, client.Options{Transport: transport}, client.Spec{Method: "POST", Path: "/", Body: body})
		for range 2 {
			h.want(0, measure.OK)
			if n := <-got; n != int64(len(body)) {
				t.Errorf("the server read %d bytes, want %d", n, len(body))
			}
		}
	})
}

// TestRequestNotRead: a write that never ends is a timeout, and one that breaks is a reset unless there is an answer.
func TestRequestNotRead(t *testing.T) {
	body := []byte(strings.Repeat("x", 8<<20))
	large := client.Spec{Method: "POST", Path: "/", Body: body}
	t.Run("hang", func(t *testing.T) {
		h := newHarness(t, serve(t, (*peer).hang).addr, client.Options{}, large)
		if got := h.callFor(100*time.Millisecond, 0); got != measure.Timeout {
			t.Errorf("kind %v, want timeout", got)
		}
	})
	t.Run("reset", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			_, _ = p.in.Peek(1)
			p.reset()
		})
		h := newHarness(t, s.addr, client.Options{}, large)
		h.want(0, measure.Reset)
	})
	t.Run("answer and close", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			_, _ = p.in.Peek(1)
			p.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		})
		h := newHarness(t, s.addr, client.Options{}, large)
		h.want(0, measure.Status)
		if h.out.Status != 413 {
			t.Errorf("status %d, want 413", h.out.Status)
		}
	})
}
