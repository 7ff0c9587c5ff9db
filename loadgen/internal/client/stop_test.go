package client_test

import (
	"context"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// hanging answers ok to the first request of each connection. Each later one it reports on asked, and never answers.
func hanging(t *testing.T) (s *server, asked chan struct{}) {
	asked = make(chan struct{}, 8)
	return serve(t, func(p *peer) {
		for i := 0; p.request() != nil; i++ {
			if i == 1 {
				asked <- struct{}{}
				p.hang()
			}
			p.send(ok)
		}
	}), asked
}

func TestContextEndsCall(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s, asked := hanging(t)
		h := newHarness(t, s.addr, client.Options{Transport: transport})
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			call := func() measure.Kind {
				h.Call(ctx, 0, time.Now().Add(patience), &h.out)
				return h.out.Kind
			}
			if got := call(); got != measure.OK {
				t.Fatalf("before: %v (%v)", got, h.firstError(got))
			}
			go func() { <-asked; cancel() }()
			if got := call(); got != measure.Timeout || h.out.Done.Sub(h.out.Sent) > patience/2 {
				t.Errorf("cancelled in flight: %v after %v", got, h.out.Done.Sub(h.out.Sent))
			}
			if got := call(); got != measure.Unsent || !h.out.Sent.IsZero() {
				t.Errorf("cancelled before: %v, sent %v", got, h.out.Sent)
			}
		}
	})
}

// TestFormerContext: the end of the context of an earlier call has no effect.
func TestFormerContext(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	s := serve(t, func(p *peer) {
		p.request()
		p.send(ok)
		p.request()
		asked <- struct{}{}
		<-answer
		p.send(ok)
	})
	h := newHarness(t, s.addr, client.Options{})
	former, cancel := context.WithCancel(t.Context())
	h.Call(former, 0, time.Now().Add(patience), &h.out)
	go func() {
		<-asked
		cancel()
		runtime.Gosched()
		answer <- struct{}{}
	}()
	h.want(0, measure.OK)
}

func TestCloseEndsCall(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s, asked := hanging(t)
		h := newHarness(t, s.addr, client.Options{Transport: transport})
		h.want(0, measure.OK)
		go func() { <-asked; h.Close() }()
		h.want(0, measure.Timeout)
		if took := h.out.Done.Sub(h.out.Sent); took > patience/2 {
			t.Errorf("the call ended after %v", took)
		}
		h.want(0, measure.Unsent)
		h.Close()
		h.want(0, measure.Unsent)
	})
}

// TestCloseAnyTime closes callers at whatever moment of their first calls: nothing may hang, and no connection may be left open.
func TestCloseAnyTime(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, answering(ok))
		for i := range 100 {
			h := newHarness(t, s.addr, client.Options{Transport: transport})
			closed := make(chan struct{})
			go func() {
				for range i * 20 {
					runtime.Gosched()
				}
				h.Close()
				close(closed)
			}()
			for h.call(0) == measure.OK {
			}
			<-closed
			h.want(0, measure.Unsent)
		}
	})
}

func TestDialEnds(t *testing.T) {
	addr := unaccepting(t)
	transports(t, func(t *testing.T, transport string) {
		t.Run("by the deadline", func(t *testing.T) {
			h := newHarness(t, addr, client.Options{Transport: transport})
			if got := h.callFor(100*time.Millisecond, 0); got != measure.Timeout || !h.out.Sent.IsZero() {
				t.Errorf("kind %v, sent %v; want timeout, never sent", got, h.out.Sent)
			}
		})
		t.Run("by the context", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			h := newHarness(t, addr, client.Options{Transport: transport})
			begin := time.Now()
			h.Call(ctx, 0, begin.Add(patience), &h.out)
			if took := time.Since(begin); h.out.Kind != measure.Unsent || took > patience/2 {
				t.Errorf("kind %v after %v, want unsent", h.out.Kind, took)
			}
		})
		t.Run("by Close", func(t *testing.T) {
			h := newHarness(t, addr, client.Options{Transport: transport})
			timer := time.AfterFunc(100*time.Millisecond, func() { h.Close() })
			defer timer.Stop()
			h.want(0, measure.Unsent)
		})
	})
}

func TestHandshakeEnds(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, (*peer).hang)
		h := newHarness(t, "https://"+s.addr, client.Options{Transport: transport})
		if got := h.callFor(100*time.Millisecond, 0); got != measure.Timeout || !h.out.Sent.IsZero() {
			t.Errorf("by the deadline: %v, sent %v", got, h.out.Sent)
		}
		timer := time.AfterFunc(100*time.Millisecond, func() { h.Close() })
		defer timer.Stop()
		h.want(0, measure.Unsent)
	})
}

// unaccepting is an address that never completes a connection: its listener's backlog is full.
func unaccepting(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 8 {
		nc, err := net.DialTimeout("tcp", addr, 500*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { nc.Close() })
	}
	t.Skip("this system's backlog has no end")
	return ""
}
