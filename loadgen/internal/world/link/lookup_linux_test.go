package link_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
)

// found starts a link to the host "server" and the port of an echo server on 127.0.0.1, where the host's addresses are what find returns.
func found(t *testing.T, find func() ([]netip.Addr, error)) *link.Link {
	t.Helper()
	_, port, err := net.SplitHostPort(echo(t, "tcp", "127.0.0.1:0").Address)
	if err != nil {
		t.Fatal(err)
	}
	cfg := link.Config{Listen: link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, To: link.Addr{Network: "tcp", Address: "server:" + port}}
	l, err := link.ListenWith(t.Context(), cfg, func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "server" {
			t.Errorf("got the host %q, want server", host)
		}
		return find()
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, l)
	return l
}

var (
	nowhere  = netip.MustParseAddr("127.0.0.2")
	loopback = netip.MustParseAddr("127.0.0.1")
)

// A server that comes back at another address is found there, once it was not reached at the old one. That there is none meanwhile is reported.
func TestAnotherAddress(t *testing.T) {
	var asked atomic.Int64
	l := found(t, func() ([]netip.Addr, error) {
		switch asked.Add(1) {
		case 1:
			return []netip.Addr{nowhere}, nil
		case 2:
			return nil, &net.DNSError{Err: "no such host", Name: "server", IsNotFound: true}
		}
		return []netip.Addr{loopback}, nil
	})
	resetAtOnce(t, l.Addr())
	testkit.Eventually(t, "it has been looked up in vain", func() bool {
		f := l.Stats().Failure
		return f != nil && f.Error == "lookup server: no such host"
	})
	resetAtOnce(t, l.Addr())
	testkit.Eventually(t, "it has been looked up", func() bool { return asked.Load() == 3 })
	testkit.Eventually(t, "the server is reached", func() bool {
		conn, err := net.Dial("tcp", l.Addr().Address)
		if err != nil {
			return false
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("x")); err != nil {
			return false
		}
		_, err = conn.Read(make([]byte, 1))
		return err == nil
	})
}

// A server with several addresses is reached at the one where it listens.
func TestSeveralAddresses(t *testing.T) {
	l := found(t, func() ([]netip.Addr, error) { return []netip.Addr{nowhere, netip.MustParseAddr("::1"), loopback}, nil })
	answers(t, dial(t, l.Addr()), "found")
	if got := l.Stats().Failed; got != 0 {
		t.Errorf("got %d connections that failed", got)
	}
}
