package shard

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a Coordinator.
type Config struct {
	Workers  int
	Secret   []byte
	Program  string          // the hash that every worker's program must have
	Scenario string          // the same of its scenario
	Job      json.RawMessage // what every worker is to know of the run
	Limits   Limits
	// Ended returns how the process of a worker has ended, if it has, or soon does; nil if nobody can know.
	Ended func(index int) string
}

// Coordinator leads the workers of one run. Its methods are for one goroutine, except for Lose.
type Coordinator struct {
	Config
	listener net.Listener
	tls      *tls.Config
	all      sync.WaitGroup // goroutines
	done     chan struct{}  // closed when the run is over
	events   chan event
	refused  atomic.Int64 // connections without the secret

	mu      sync.Mutex    // guards all below
	members []*member     // by index; nil before they have registered
	missing int           // members that have not been welcomed yet
	joined  chan struct{} // closed when none is
	lost    error
	broken  chan struct{} // closed when a worker is lost
	conns   map[net.Conn]bool

	phase int
}

// event is what a member has sent that a phase waits for.
type event struct {
	*member
	ready  *ready
	report *Report
}

// Listen begins to wait for workers at an address.
func Listen(ctx context.Context, addr string, c Config) (*Coordinator, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for workers: %w", err)
	}
	co, err := New(ctx, l, c)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return co, nil
}

// New begins to wait for the connections of workers. Close closes the listener.
func New(ctx context.Context, l net.Listener, c Config) (*Coordinator, error) {
	c.Limits = c.Limits.complete()
	config, err := trust(c.Secret)
	if err != nil {
		return nil, err
	}
	co := &Coordinator{
		Config: c, listener: l, tls: config, done: make(chan struct{}), events: make(chan event, 4*c.Workers),
		members: make([]*member, c.Workers), missing: c.Workers, joined: make(chan struct{}), broken: make(chan struct{}), conns: map[net.Conn]bool{},
	}
	co.all.Go(func() { co.accept(context.WithoutCancel(ctx)) })
	return co, nil
}

// Addr is where it listens.
func (c *Coordinator) Addr() string { return c.listener.Addr().String() }

// accept takes connections until the listener is closed.
func (c *Coordinator) accept(ctx context.Context) {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns[conn] = true
		c.mu.Unlock()
		c.all.Go(func() {
			c.serve(ctx, tls.Server(conn, c.tls))
			conn.Close()
			c.mu.Lock()
			delete(c.conns, conn)
			c.mu.Unlock()
		})
	}
}

// over reports whether the run is.
func (c *Coordinator) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Lost is the worker that failed the run; nil if none has.
func (c *Coordinator) Lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Join waits until all workers have registered. An error names one that has not.
func (c *Coordinator) Join(ctx context.Context) error {
	limit := time.NewTimer(c.Limits.Join)
	defer limit.Stop()
	select {
	case <-c.joined:
		return nil
	case <-c.broken:
		return c.Lost()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-limit.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.members {
		if m == nil {
			reason := fmt.Sprintf("has not registered within %s", c.Limits.Join)
			if n := c.refused.Load(); n > 0 {
				reason += fmt.Sprintf("; connections without the secret of the run: %d", n)
			}
			return &LostError{Identity{Index: i}, reason}
		}
	}
	return errors.New("workers have registered, and could not be told what to do within " + c.Limits.Join.String())
}

// Members returns the workers that have registered.
func (c *Coordinator) Members() []Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Member
	for _, m := range c.members {
		if m != nil {
			all = append(all, Member{m.Identity, m.clock, m.broken(), m.left()})
		}
	}
	return all
}

// Close ends the run for all workers, and waits until nothing of it is left.
func (c *Coordinator) Close() {
	c.mu.Lock()
	members := c.members
	c.mu.Unlock()
	close(c.done)
	limit := time.NewTimer(partLimit)
	defer limit.Stop()
	for _, m := range members {
		if m != nil {
			_ = m.post(message{End: true}) // who has so much to hear that there is no room for it is not there
		}
	}
	for _, m := range members {
		if m != nil && !m.part(limit.C) {
			break
		}
	}
	_ = c.listener.Close() // nobody is let in any more, whatever it returns
	c.mu.Lock()
	for conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.all.Wait()
}

// partLimit is how long workers may take to acknowledge the end of the run, and a run to acknowledge that of a worker.
const partLimit = time.Second
