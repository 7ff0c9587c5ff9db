package pagecache_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/pagecache"
)

// gate is the wire of a client, on which what Redis sends to its stream of invalidations can be held back.
type gate struct {
	mu     sync.Mutex    // guards all below
	closed chan struct{} // nil while the gate is open
	stream net.Addr      // of the process' end of the stream that was opened last
}

// withGate gives the lab a cache whose client has a gate.
func (l *lab) withGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{}
	o := *l.rdb.Options()
	o.MaxRetries = -1
	dial := o.Dialer
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &gatedConn{Conn: conn, gate: g}, err
	}
	rdb := redis.NewClient(&o)
	rdb.AddHook(l.trips)
	l.cache = pagecache.New(rdb, l.prefix, l.config)
	l.cache.SetClock(l.clock.now, storySilence)
	t.Cleanup(func() {
		g.open()
		if err := l.cache.Close(testContext(t)); err != nil {
			t.Error(err)
		}
		_ = rdb.Close()
	})
	return g
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

func (g *gate) wait() {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

// streamID returns what Redis calls the stream.
func (g *gate) streamID(t *testing.T, rdb *redis.Client) string {
	t.Helper()
	g.mu.Lock()
	addr := g.stream.String()
	g.mu.Unlock()
	list, err := rdb.Do(testContext(t), "CLIENT", "LIST").Text()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines([]byte(list)) {
		fields := map[string]string{}
		for f := range bytes.FieldsSeq(line) {
			name, value, _ := bytes.Cut(f, []byte("="))
			fields[string(name)] = string(value)
		}
		if fields["addr"] == addr {
			return fields["id"]
		}
	}
	t.Fatalf("no client %s in %s", addr, list)
	return ""
}

type gatedConn struct {
	net.Conn

	gate   *gate
	stream atomic.Bool
}

func (c *gatedConn) Write(b []byte) (int, error) {
	if bytes.Contains(bytes.ToUpper(b), []byte("TRACKING")) && !c.stream.Swap(true) {
		c.gate.mu.Lock()
		c.gate.stream = c.LocalAddr()
		c.gate.mu.Unlock()
	}
	return c.Conn.Write(b)
}

// Read waits after it has read, too: it may have begun before the gate was closed.
func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.stream.Load() {
		c.gate.wait()
	}
	return n, err
}
