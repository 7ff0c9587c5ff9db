package shard_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/shard"
)

// network is where workers and their coordinator find each other in virtual time. A test breaks it.
type network struct {
	accepted chan net.Conn
	closed   chan struct{}
	stop     sync.Once
	// lives returns how many bytes a connection carries either way, of the first, second, ... of a worker; what is sent beyond is lost, and the connection ends. nil, or 0, is any number.
	lives func(worker, n int) int

	mu    sync.Mutex // guards all below
	down  map[int]bool
	bytes map[int]int  // that a worker was sent and has sent
	hole  map[int]bool // what a worker sends or is sent is lost, and nobody hears of it
	conns map[int][]*cable
}

func newNetwork() *network {
	return &network{accepted: make(chan net.Conn), closed: make(chan struct{}), down: map[int]bool{}, hole: map[int]bool{}, bytes: map[int]int{}, conns: map[int][]*cable{}}
}

// Accept, Close and Addr are those of the coordinator's listener.
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accepted:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error { n.stop.Do(func() { close(n.closed) }); return nil }

func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "network"} }

var errDown = errors.New("no route")

// dial connects a worker.
func (n *network) dial(worker int) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		n.mu.Lock()
		down := n.down[worker]
		n.mu.Unlock()
		if down {
			return nil, errDown
		}
		near, far := net.Pipe()
		c := &cable{network: n, worker: worker, ends: [2]net.Conn{near, far}}
		n.mu.Lock()
		n.conns[worker] = append(n.conns[worker], c)
		if n.lives != nil {
			c.left = n.lives(worker, len(n.conns[worker]))
		}
		c.mortal = c.left > 0
		n.mu.Unlock()
		select {
		case n.accepted <- &plug{far, c}:
			return &plug{near, c}, nil
		case <-n.closed:
			return nil, errDown
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// cut breaks a worker's connection. It can be dialled again after a time; never, if that is negative.
func (n *network) cut(worker int, heals time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[worker] = heals != 0
	for _, c := range n.conns[worker] {
		c.end()
	}
	if heals > 0 {
		time.AfterFunc(heals, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.down[worker] = false
		})
	}
}

// swallow loses what a worker sends and is sent, for a time; new connections end likewise.
func (n *network) swallow(worker int, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hole[worker] = true
	time.AfterFunc(d, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hole[worker] = false
	})
}

// dialled is how many connections a worker has made.
func (n *network) dialled(worker int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns[worker])
}

// carried is how many bytes a worker was sent and has sent.
func (n *network) carried(worker int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.bytes[worker]
}

// cable is a connection, and plug its two ends.
type cable struct {
	*network
	worker int
	ends   [2]net.Conn

	mortal bool
	left   int // bytes; network.mu guards it
}

func (c *cable) end() {
	for _, e := range c.ends {
		e.Close()
	}
}

type plug struct {
	net.Conn
	cable *cable
}

// Close ends the connection. In a hole, the other end does not hear of it.
func (p *plug) Close() error {
	c := p.cable
	c.mu.Lock()
	hole := c.hole[c.worker]
	c.mu.Unlock()
	if hole {
		return p.SetDeadline(time.Now())
	}
	return p.Conn.Close()
}

// Write writes what the connection still carries. As with TCP, the writer does not learn that the rest is lost.
func (p *plug) Write(b []byte) (int, error) {
	c := p.cable
	c.mu.Lock()
	if c.hole[c.worker] {
		c.mu.Unlock()
		return len(b), nil
	}
	n := len(b)
	if c.mortal {
		n = min(n, c.left)
		c.left -= n
	}
	c.bytes[c.worker] += n
	dies := c.mortal && c.left == 0
	c.mu.Unlock()
	if _, err := p.Conn.Write(b[:n]); err != nil {
		return 0, err
	}
	if dies {
		c.end()
	}
	return len(b), nil
}

// lead leads n workers over a network, in virtual time.
func lead(t *testing.T, nw *network, n int) *shard.Coordinator {
	t.Helper()
	c, err := shard.New(t.Context(), nw, shard.Config{Workers: n, Secret: []byte(secret), Program: program, Scenario: scenario, Job: []byte(`"the job"`), Limits: shard.Limits{Prepare: 5 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// over has a worker dial over a network.
func over(nw *network, change func(*hand)) func(*hand) {
	return func(h *hand) {
		h.Dial = nw.dial(h.Index)
		if change != nil {
			change(h)
		}
	}
}

// virtually runs a test in virtual time.
func virtually(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}
