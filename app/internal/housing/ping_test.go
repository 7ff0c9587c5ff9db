package housing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/internal/housing"
)

// turnstile forwards connections to a server and counts the round trips on them: how often a client speaks after the server has.
type turnstile struct {
	net.Listener
	trips, connections atomic.Int64
}

func newTurnstile(t *testing.T, target string) *turnstile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ts := &turnstile{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			ts.connections.Add(1)
			var answered atomic.Bool
			answered.Store(true)
			go pass(far, near, func() {
				if answered.Swap(false) {
					ts.trips.Add(1)
				}
			})
			go pass(near, far, func() { answered.Store(true) })
		}
	}()
	return ts
}

// pass copies what it reads, after it has called back.
func pass(to io.WriteCloser, from io.ReadCloser, read func()) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			read()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Each ping is one round trip on one connection, seen from the wire.
func TestPingsAreRoundTrips(t *testing.T) {
	address, err := url.Parse(postgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	ts := newTurnstile(t, address.Host)
	address.Host = ts.Addr().String()
	s := open(t, address.String(), housing.Options{Connections: 3})
	if s.Simulated() {
		t.Error("the distance of PostgreSQL is simulated")
	}
	if _, err := s.Pings(t.Context(), 1); err != nil { // connects
		t.Fatal(err)
	}
	const pings = 50
	connections, trips := ts.connections.Load(), ts.trips.Load()
	took, err := s.Pings(t.Context(), pings)
	if err != nil || len(took) != pings || slices.Min(took) <= 0 {
		t.Errorf("got %d of %d, %v", len(took), pings, err)
	}
	// One more: that of the first, which is not measured. After a second of idleness the driver makes another.
	if got := ts.trips.Load() - trips; got != pings+1 && got != pings+2 || ts.connections.Load() != connections {
		t.Errorf("%d round trips on %d new connections, want %d on none", got, ts.connections.Load()-connections, pings+1)
	}
}

// Pings wait as statements do, are shown to no hook, and end with their context: what there was until then is returned.
func TestPingsOfSQLite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqliteURL(t), housing.WithTimers(housing.Options{SQLiteRTT: rtt, Hook: func(string) bun.QueryHook { return refuse{t} }}))
		if !s.Simulated() {
			t.Error("the distance of SQLite is not simulated")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*rtt+rtt/2)
		defer cancel()
		took, err := s.Pings(ctx, 100)
		if !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(took, slices.Repeat([]time.Duration{rtt}, 9)) {
			t.Errorf("got %v, %v, want 9 of %s and %v", took, err, rtt, context.DeadlineExceeded)
		}
	})
}

// refuse is a hook that shall see nothing.
type refuse struct{ *testing.T }

// BeforeQuery implements bun.QueryHook.
func (r refuse) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	r.Errorf("the hook was shown %q", event.Query)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (refuse) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestPingsOfADatabaseThatIsGone(t *testing.T) {
	address, err := url.Parse(postgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	ts := newTurnstile(t, address.Host)
	address.Host = ts.Addr().String()
	s := open(t, address.String(), housing.Options{})
	ts.Close()
	if took, err := s.Pings(t.Context(), 5); err == nil || len(took) > 0 || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, %v, want an error of one line", took, err)
	}
}
