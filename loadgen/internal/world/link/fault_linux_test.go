package link_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
)

// networks runs a test over TCP and over Unix sockets, with an echo server and a link to it.
func networks(t *testing.T, test func(t *testing.T, l *link.Link)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			cfg := link.Config{Listen: link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, Wire: link.Wire{RTT: time.Millisecond}, Seed: 1}
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "server")
				cfg.Listen = link.Addr{Network: "unix", Address: filepath.Join(t.TempDir(), "link")}
			}
			cfg.To = echo(t, network, address)
			test(t, start(t, cfg))
		})
	}
}

func begin(t *testing.T, l *link.Link, f link.Fault) link.Effect {
	t.Helper()
	e, err := l.Begin(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func end(t *testing.T, l *link.Link) link.Effect {
	t.Helper()
	e, err := l.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Ended == nil || e.Ended.Before(e.Began) {
		t.Errorf("got a fault from %v to %v", e.Began, e.Ended)
	}
	return e
}

// counts is an effect without its times, so that it can be compared.
func counts(e link.Effect) link.Effect {
	e.Began, e.Ended = time.Time{}, nil
	return e
}

// answers reports whether the server echoes through a connection.
func answers(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	heard(t, conn, text)
}

func heard(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

// silent reports whether nothing can be read from a connection, not even its end. A deadline that has passed already would read nothing ever.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes, %v; want nothing", n, err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// broken reports whether a connection has been reset. A Unix socket's reader sees that as the end, if what it wrote was read.
func broken(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	if tcp := conn.LocalAddr().Network() == "tcp"; !errors.Is(err, syscall.ECONNRESET) && (tcp || !errors.Is(err, io.EOF)) {
		t.Errorf("got %v, want a reset", err)
	}
}

// resetAtOnce connects and is reset: when it connects already, or when it reads.
func resetAtOnce(t *testing.T, a link.Addr) {
	t.Helper()
	conn, err := net.Dial(a.Network, a.Address)
	if err == nil {
		defer conn.Close()
		broken(t, conn)
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

// A killed server: open connections are reset, connecting is refused, and all is well after it at the same address.
func TestRefuse(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		open := dial(t, l.Addr())
		answers(t, open, "before")
		want := link.Effect{Fault: link.Fault{Kind: "refuse"}, Refused: 1, Connections: 1, Resets: 1}
		if got := counts(begin(t, l, link.Fault{Kind: "refuse"})); got != want {
			t.Errorf("begun: got %+v, want %+v", got, want)
		}
		broken(t, open)
		for range 3 {
			conn, err := net.Dial(l.Addr().Network, l.Addr().Address)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("connecting: got %v, %v; want a refusal", conn, err)
			}
		}
		want.Refused = 2
		if got := counts(end(t, l)); got != want {
			t.Errorf("ended: got %+v, want %+v", got, want)
		}
		answers(t, dial(t, l.Addr()), "after")
	})
}

// A stopped server: nothing arrives, nothing is closed, and all of it arrives when it goes on, also what a client sent that was gone by then.
func TestHang(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		open := dial(t, l.Addr())
		answers(t, open, "before")
		begin(t, l, link.Fault{Kind: "hang"})
		made, gone := dial(t, l.Addr()), dial(t, l.Addr())
		for _, conn := range []net.Conn{open, made, gone} {
			if _, err := io.WriteString(conn, "held"); err != nil {
				t.Fatal(err)
			}
		}
		gone.Close()
		testkit.Eventually(t, "all is held", func() bool { return l.Status().Fault.Held == 12 })
		silent(t, open)
		silent(t, made)
		want := link.Effect{Fault: link.Fault{Kind: "hang"}, Connections: 3, Held: 12}
		if got := counts(end(t, l)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		heard(t, open, "held")
		heard(t, made, "held")
		answers(t, open, "after")
		testkit.Eventually(t, "the third is closed", func() bool { return l.Stats().Open == 2 })
		if got := l.Stats().Bytes; got < int64(2*len("before")+5*len("held")+2*len("after")) {
			t.Errorf("got %d bytes: what the third had sent did not reach the server", got)
		}
	})
}

// What is larger than a link's buffers is held where it is, and arrives whole.
func TestHangIsWhole(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		conn := dial(t, l.Addr())
		answers(t, conn, "before")
		begin(t, l, link.Fault{Kind: "hang"})
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
		var writing sync.WaitGroup
		writing.Go(func() {
			if _, err := conn.Write(sent); err != nil {
				t.Error(err)
			}
		})
		testkit.Eventually(t, "the buffer is full", func() bool { return l.Status().Fault.Held >= 4<<20 })
		end(t, l)
		got := make([]byte, len(sent))
		_, err := io.ReadFull(conn, got)
		writing.Wait()
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("got %v, want the %d bytes that were sent", err, len(sent))
		}
	})
}

func TestSlow(t *testing.T) {
	const delay = 30 * time.Millisecond
	networks(t, func(t *testing.T, l *link.Link) {
		open := dial(t, l.Addr())
		answers(t, open, "before")
		begin(t, l, link.Fault{Kind: "slow", Delay: delay, Jitter: time.Millisecond})
		for _, conn := range []net.Conn{open, dial(t, l.Addr())} {
			begun := time.Now()
			answers(t, conn, "slow")
			if took := time.Since(begun); took < delay {
				t.Errorf("got a round trip of %v, want at least %v", took, delay)
			}
		}
		want := link.Effect{Fault: link.Fault{Kind: "slow", Delay: delay, Jitter: time.Millisecond}, Connections: 2, Delayed: 2}
		if got := counts(end(t, l)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		answers(t, open, "after")
		if got := l.Status().Fault.Delayed; got != 2 {
			t.Errorf("got %d delayed chunks after the fault has ended, want 2", got)
		}
	})
}

func TestCut(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		open := dial(t, l.Addr())
		answers(t, open, "before")
		begin(t, l, link.Fault{Kind: "cut"})
		broken(t, open)
		resetAtOnce(t, l.Addr())
		want := link.Effect{Fault: link.Fault{Kind: "cut"}, Connections: 2, Resets: 2}
		if got := counts(end(t, l)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		answers(t, dial(t, l.Addr()), "after")
	})
}

// A lost entry of a NAT: what is sent is dropped for ever, neither side hears of the other's end, and connections made after it work.
func TestHalfOpen(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		open := dial(t, l.Addr())
		answers(t, open, "before")
		begin(t, l, link.Fault{Kind: "half-open"})
		made := dial(t, l.Addr())
		for _, conn := range []net.Conn{open, made} {
			if _, err := io.WriteString(conn, "lost"); err != nil {
				t.Fatal(err)
			}
		}
		testkit.Eventually(t, "all is dropped", func() bool { return l.Status().Fault.Dropped == 8 })
		want := link.Effect{Fault: link.Fault{Kind: "half-open"}, Connections: 2, Dropped: 8}
		if got := counts(end(t, l)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if _, err := io.WriteString(open, "and after"); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "that is dropped too", func() bool { return l.Status().Fault.Dropped == int64(8+len("and after")) })
		silent(t, open)
		silent(t, made)
		answers(t, dial(t, l.Addr()), "after")
		begin(t, l, link.Fault{Kind: "cut"}) // is of connections that live
		silent(t, open)
		made.Close()
		testkit.Eventually(t, "the one that was made is gone", func() bool { return l.Stats().Open == 1 })
	})
}

// A share strikes that share of connections, the same ones for the same seed, and leaves the others alone.
func TestShare(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		const n = 20
		struck := func(conns []net.Conn) (all []int) {
			for i, conn := range conns {
				if conn == nil {
					all = append(all, i)
				} else if _, err := io.WriteString(conn, "x"); err != nil {
					all = append(all, i)
				} else if _, err := conn.Read(make([]byte, 1)); err != nil {
					all = append(all, i)
				}
			}
			return all
		}
		var open []net.Conn
		for range n {
			conn := dial(t, l.Addr())
			answers(t, conn, "before")
			open = append(open, conn)
		}
		e := begin(t, l, link.Fault{Kind: "refuse", Share: 0.5})
		if got := struck(open); len(got) < n/2-2 || len(got) > n/2+2 || int64(len(got)) != e.Resets || e.Refused != 0 {
			t.Errorf("open ones: %v were struck; the fault says %+v", got, e)
		}
		var made []net.Conn
		for range n {
			conn, err := net.Dial(l.Addr().Network, l.Addr().Address)
			if err == nil {
				defer conn.Close()
			} else if !errors.Is(err, syscall.ECONNRESET) {
				t.Fatal(err)
			}
			made = append(made, conn)
		}
		got := struck(made)
		all := end(t, l)
		if len(got) < n/2-2 || len(got) > n/2+2 || int64(len(got)) != all.Resets-e.Resets {
			t.Errorf("those that were made: %v were struck; the fault says %+v after %+v", got, all, e)
		}
	})
}

// A fault that strikes nobody says so.
func TestNothing(t *testing.T) {
	l := start(t, link.Config{To: echo(t, "tcp", "127.0.0.1:0")})
	for _, kind := range link.Faults() {
		f := link.Fault{Kind: kind.Name, Share: 0.5}
		if kind.Slow {
			f.Delay = time.Millisecond
		}
		if _, err := l.Begin(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Begin(t.Context(), f); !errors.Is(err, link.ErrFault) {
			t.Errorf("a second fault: got %v, want %v", err, link.ErrFault)
		}
		if e := end(t, l); !e.Nothing() || e.Connections != 0 {
			t.Errorf("got %+v, want nothing", e)
		}
	}
	if _, err := l.End(t.Context()); !errors.Is(err, link.ErrNoFault) {
		t.Errorf("the end of no fault: got %v, want %v", err, link.ErrNoFault)
	}
}
