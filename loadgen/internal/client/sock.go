package client

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sock is a TCP connection whose deadline costs nothing per request. Moving a deadline means moving a timer of the runtime, so the timer
// stays at the deadline of an earlier request for as long as that is not later than the one in force; when it fires early it is moved
// then, once per timeout instead of once per request. Nothing waits beyond the deadline in force.
type sock struct {
	net.Conn
	raw   syscall.RawConn
	stop  *stopper
	due   time.Time // the deadline in force
	armed time.Time // the deadline that the runtime knows of
	direct
}

func newSock(nc net.Conn, stop *stopper) (*sock, error) {
	s := &sock{Conn: nc, stop: stop}
	if tcp, ok := nc.(*net.TCPConn); ok {
		raw, err := tcp.SyscallConn()
		if err != nil {
			return nil, err
		}
		s.raw = raw
	}
	s.prepare()
	return s, nil
}

// until puts a deadline in force.
func (s *sock) until(deadline time.Time) {
	s.due = deadline
	if s.armed.IsZero() || s.armed.After(deadline) {
		s.arm()
	}
}

func (s *sock) arm() {
	s.armed = s.due
	_ = s.SetDeadline(s.due) // it fails only on a closed connection, and then so does what follows
}

// early reports whether err is only a timer that fired before the deadline in force, or for a call that is over; it is then set anew.
// The order matters: a stopper first raises its flag and then sets a deadline in the past, so here the flag is looked at last.
func (s *sock) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(s.due) {
		return false
	}
	s.arm()
	return !s.stop.stopped()
}

// Read is the portable read, and the one under TLS.
func (s *sock) Read(p []byte) (int, error) {
	for {
		n, err := s.Conn.Read(p)
		if n > 0 || !s.early(err) {
			return n, err
		}
	}
}

// Write is the portable write, and the one under TLS.
func (s *sock) Write(p []byte) (n int, err error) {
	for {
		var k int
		k, err = s.Conn.Write(p[n:])
		if n += k; !s.early(err) {
			return n, err
		}
	}
}

// stopper ends what its caller is waiting for, from another goroutine: because the caller was closed, or because its context is done.
type stopper struct {
	closed atomic.Bool
	done   <-chan struct{} // of the context of the call; the caller's own

	mu     sync.Mutex
	conn   net.Conn    // to wake
	cancel func()      // ends the dial that is under way
	forget func() bool // undoes the watch over the last context
}

// stopped is for the caller's goroutine.
func (s *stopper) stopped() bool {
	if s.closed.Load() {
		return true
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// wake makes the caller look at stopped.
func (s *stopper) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Unix(1, 0))
	}
	if s.cancel != nil {
		s.cancel()
	}
}

// attach names the connection to wake, or nil. It reports false if it is too late: the caller has been closed.
func (s *stopper) attach(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	s.conn = conn
	return true
}

// dialling names the function that ends the dial under way, or nil.
func (s *stopper) dialling(cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
}

// close stops the caller for good.
func (s *stopper) close() error {
	s.closed.Store(true)
	s.wake()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forget != nil {
		s.forget()
	}
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}
