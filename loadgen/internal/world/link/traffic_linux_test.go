package link_test

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
)

// Every fault comes and goes under traffic: each has an effect, none leaves anything behind for those who connect after it, and what a client reads is
// what it sent, whatever happened to the others.
func TestFaultsUnderTraffic(t *testing.T) {
	networks(t, func(t *testing.T, l *link.Link) {
		var stop atomic.Bool
		var answered atomic.Int64
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for !stop.Load() {
					visit(t, l.Addr(), &answered)
				}
			})
		}
		defer clients.Wait()
		defer stop.Store(true)
		for _, share := range []float64{0, 0.5} {
			for _, kind := range link.Faults() {
				f := link.Fault{Kind: kind.Name, Share: share}
				if kind.Slow {
					f.Delay = 5 * time.Millisecond
				}
				begin(t, l, f)
				testkit.Eventually(t, kind.Name+" struck", func() bool { return !l.Status().Fault.Nothing() })
				if e := end(t, l); e.Nothing() {
					t.Errorf("%+v did nothing: %+v", f, e)
				}
				before := answered.Load()
				testkit.Eventually(t, "clients are answered after "+kind.Name, func() bool { return answered.Load() >= before+20 })
			}
		}
	})
}

// visit makes a connection and uses it a few times, until it is broken or silent for long.
func visit(t *testing.T, a link.Addr, answered *atomic.Int64) {
	conn, err := net.Dial(a.Network, a.Address)
	if err != nil {
		return
	}
	defer conn.Close()
	got := make([]byte, len("question"))
	for range 10 {
		if err := conn.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, "question"); err != nil {
			return
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			return
		}
		if string(got) != "question" {
			t.Errorf("got %q", got)
			return
		}
		answered.Add(1)
	}
}

// A server that is stopped takes up its backlog when it goes on: the link connects to it for new clients only then.
func TestHangConnectsLater(t *testing.T) {
	var connected atomic.Int64
	to := serve(t, "unix", filepath.Join(t.TempDir(), "server"), func(conn net.Conn) {
		connected.Add(1)
		_, _ = io.Copy(conn, conn)
	})
	l := start(t, link.Config{To: to})
	begin(t, l, link.Fault{Kind: "hang"})
	conn := dial(t, l.Addr())
	if _, err := io.WriteString(conn, "held"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "it is held", func() bool { return l.Status().Fault.Held == 4 })
	if got := connected.Load(); got != 0 {
		t.Errorf("got %d connections of the server while it hangs", got)
	}
	end(t, l)
	heard(t, conn, "held")
}
