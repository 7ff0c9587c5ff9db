package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
)

// echo answers every connection with what it sent.
func echo(t testing.TB, network, address string) link.Addr {
	t.Helper()
	return serve(t, network, address, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
}

// serve handles every connection, and closes it then.
func serve(t testing.TB, network, address string, handle func(net.Conn)) link.Addr {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		open.Wait()
	})
	return link.Addr{Network: network, Address: ln.Addr().String()}
}

// start runs a link until the test ends.
func start(t testing.TB, cfg link.Config) *link.Link {
	t.Helper()
	if cfg.Listen.Network == "" {
		cfg.Listen = link.Addr{Network: "tcp", Address: "127.0.0.1:0"}
	}
	l, err := link.Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l)
	return l
}

func run(t testing.TB, l *link.Link) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func dial(t testing.TB, a link.Addr) net.Conn {
	t.Helper()
	conn, err := net.Dial(a.Network, a.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func wires() map[string]link.Wire {
	return map[string]link.Wire{
		"no distance": {}, "distance": {RTT: 3 * time.Millisecond}, "jitter": {RTT: time.Millisecond, Jitter: 2 * time.Millisecond},
		"narrow": {RTT: time.Millisecond, Bandwidth: 40 << 20},
	}
}

// What goes in comes out, in order, both ways at once, however it is cut into pieces; and the end of each direction arrives after its bytes.
func TestBytesArriveInOrder(t *testing.T) {
	for name, wire := range wires() {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+" "+network, func(t *testing.T) {
				t.Parallel()
				cfg := link.Config{Wire: wire}
				address := "127.0.0.1:0"
				if network == "unix" {
					address = filepath.Join(t.TempDir(), "server")
					cfg.Listen = link.Addr{Network: "unix", Address: filepath.Join(t.TempDir(), "link")}
				}
				cfg.To = echo(t, network, address)
				l := start(t, cfg)
				var all sync.WaitGroup
				for seed := range uint64(4) {
					conn := dial(t, l.Addr())
					all.Go(func() { roundTrip(t, conn, seed) })
				}
				all.Wait()
				testkit.Eventually(t, "no connection is open", func() bool { return l.Stats().Open == 0 })
				if s := l.Stats(); s.Accepted != 4 || s.Failed != 0 || s.Bytes != 2*4*payload {
					t.Errorf("got %+v, want 4 accepted, none failed, and every byte twice", s)
				}
			})
		}
	}
}

const payload = 1 << 20

func roundTrip(t *testing.T, conn net.Conn, seed uint64) {
	bytesOf := rand.NewChaCha8([32]byte{byte(seed)})
	sent := make([]byte, payload)
	_, _ = bytesOf.Read(sent)
	rng := rand.New(bytesOf)
	var writing sync.WaitGroup
	writing.Go(func() {
		for rest := sent; len(rest) > 0; {
			n := min(1+rng.IntN(100_000), len(rest))
			if _, err := conn.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	got, err := io.ReadAll(conn)
	writing.Wait()
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes (%v), want the %d that were sent", len(got), err, len(sent))
	}
}

// A round trip takes at least as long as it is said to, but for what the link allows for its own wake-ups.
func TestARoundTripTakesItsTime(t *testing.T) {
	const rtt = 20 * time.Millisecond
	cfg := link.Config{Listen: link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, To: echo(t, "tcp", "127.0.0.1:0"), Wire: link.Wire{RTT: rtt}}
	for _, old := range []bool{false, true} {
		l, err := link.Listen(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if old {
			l.OnOldKernel()
		}
		run(t, l)
		takes(t, dial(t, l.Addr()), rtt)
	}
}

func takes(t *testing.T, conn net.Conn, rtt time.Duration) {
	t.Helper()
	buf := make([]byte, 4)
	for range 5 {
		begun := time.Now()
		if _, err := conn.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, buf); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < rtt-time.Millisecond {
			t.Errorf("got a round trip of %v, want at least %v", took, rtt)
		}
	}
}

// A client of a server that refuses is reset, and so is a client whose server resets.
func TestResets(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := link.Addr{Network: "tcp", Address: ln.Addr().String()}
	ln.Close()
	resets := serve(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, 1))
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	missing := link.Addr{Network: "unix", Address: filepath.Join(t.TempDir(), "missing")}
	for name, target := range map[string]link.Addr{"refused": nobody, "reset": resets, "no socket": missing} {
		l := start(t, link.Config{To: target, Wire: link.Wire{RTT: time.Millisecond}})
		conn, err := net.Dial("tcp", l.Addr().Address)
		if err == nil {
			defer conn.Close()
			if name == "reset" { // the server waits for a byte
				_, err = conn.Write([]byte("x"))
			}
			if err == nil {
				_, err = conn.Read(make([]byte, 1))
			}
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: got %v, want a reset", name, err)
		}
		testkit.Eventually(t, "the connection is gone", func() bool { return l.Stats().Open == 0 })
		if failed := l.Stats().Failed; (failed == 1) != (name != "reset") {
			t.Errorf("%s: got %d connections that the server was not reached for", name, failed)
		}
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	good := link.Addr{Network: "tcp", Address: "127.0.0.1:0"}
	for _, cfg := range []link.Config{
		{}, {Listen: good}, {Listen: good, To: link.Addr{Network: "tcp", Address: "nowhere"}}, {Listen: good, To: good, Wire: link.Wire{RTT: -1}},
		{Listen: good, To: good, Wire: link.Wire{Jitter: time.Hour}}, {Listen: good, To: good, Wire: link.Wire{Bandwidth: -1}}, {Listen: good, To: link.Addr{Network: "udp", Address: "x:1"}},
	} {
		if _, err := link.Listen(t.Context(), cfg); err == nil {
			t.Errorf("%+v: got no error", cfg)
		}
	}
}

// A link learns how late it is at what there is to read before anything comes.
func TestLearnsHowLateItReads(t *testing.T) {
	l := start(t, link.Config{To: echo(t, "tcp", "127.0.0.1:0")})
	testkit.Eventually(t, "the link has learnt it", func() bool {
		late, err := l.ReadsLate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return late > 0
	})
}
