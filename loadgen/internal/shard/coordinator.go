package shard

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
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

// member is a worker that has registered.
type member struct {
	Identity
	*wire
	clock Clock
	stop  chan struct{} // its signs of life
}

// event is what a member has sent that a phase waits for.
type event struct {
	*member
	ready  *ready
	report *Report
}

// Listen begins to wait for workers at an address.
func Listen(ctx context.Context, addr string, c Config) (*Coordinator, error) {
	c.Limits = c.Limits.complete()
	config, err := trust(c.Secret)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for workers: %w", err)
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

// serve registers who connects, and hears it to its end.
func (c *Coordinator) serve(ctx context.Context, conn *tls.Conn) {
	w := &wire{conn: conn, silence: c.Limits.Silence}
	if conn.SetDeadline(time.Now().Add(c.Limits.Silence)) != nil || conn.HandshakeContext(ctx) != nil {
		c.refused.Add(1)
		return
	}
	hello, _, err := w.receive()
	if err != nil || hello.Hello == nil {
		c.refused.Add(1)
		return
	}
	m := &member{Identity: *hello.Hello, wire: w, stop: make(chan struct{})}
	if reason := c.register(m); reason != "" {
		_ = w.send(message{Refused: reason}) // it will notice anyway
		return
	}
	defer close(m.stop)
	if err := w.send(message{Welcome: c.Job}); err != nil {
		c.Lose(m.Index, "cannot be reached: "+err.Error())
		return
	}
	c.all.Go(func() { w.beat(m.stop) })
	c.welcomed()
	if err := c.hear(m); err != nil {
		reason := why(err, c.Limits.Silence)
		if c.Ended != nil {
			reason = cmp.Or(c.Ended(m.Index), reason)
		}
		c.Lose(m.Index, reason)
	}
}

// register makes a worker a member, or returns why not. A worker that has the secret and is not what it should be fails the run.
func (c *Coordinator) register(m *member) (refused string) {
	if m.Index < 0 || m.Index >= c.Workers {
		return fmt.Sprintf("there is no worker %d in a run of %d", m.Index, c.Workers)
	}
	switch {
	case m.Scenario != c.Scenario:
		refused = "has another scenario, or other data, than the coordinator"
	case m.Program != c.Program:
		refused = "is another program than the coordinator"
	}
	c.mu.Lock()
	other := c.members[m.Index]
	if refused == "" && other == nil {
		c.members[m.Index] = m
	}
	c.mu.Unlock()
	switch {
	case refused != "":
		c.lose(&LostError{m.Identity, refused})
	case other != nil:
		refused = fmt.Sprintf("was started twice: uid %s came after uid %s", m.UID, other.UID)
		c.lose(&LostError{Identity{Index: m.Index}, refused})
	}
	return refused
}

// welcomed counts a member that has its job.
func (c *Coordinator) welcomed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.missing--; c.missing == 0 {
		close(c.joined)
	}
}

// hear answers a member and passes on what a phase waits for, until its connection ends. The end is an error unless the run is over.
func (c *Coordinator) hear(m *member) error {
	for {
		got, at, err := m.receive()
		if err != nil {
			select {
			case <-c.done:
				return nil
			default:
				return err
			}
		}
		switch {
		case got.Ask != nil:
			got.Ask.Received, got.Ask.Answered = at.UnixNano(), time.Now().UnixNano()
			if err := m.send(message{Time: got.Ask}); err != nil {
				return err
			}
		case got.Failed != "":
			return errors.New("reports: " + got.Failed)
		case got.Ready != nil, got.Report != nil:
			select {
			case c.events <- event{m, got.Ready, got.Report}:
			case <-c.done:
				return nil
			}
		}
	}
}

// why says in words how a connection ended.
func why(err error, silence time.Duration) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("was silent for %s", silence)
	}
	if errors.Is(err, errLong) {
		return err.Error()
	}
	return "ended its connection: " + err.Error()
}

// Lose fails the run, as a worker does not do its part for a reason; only the first such reason counts. It may be called at any time.
func (c *Coordinator) Lose(index int, reason string) {
	id := Identity{Index: index}
	c.mu.Lock()
	if m := c.members[index]; m != nil {
		id = m.Identity
	}
	c.mu.Unlock()
	c.lose(&LostError{id, reason})
}

func (c *Coordinator) lose(err *LostError) {
	select {
	case <-c.done:
		return
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = err
		close(c.broken)
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

// Members returns the workers that have registered, with what they knew of the clock when the last phase began.
func (c *Coordinator) Members() (ids []Identity, clocks []Clock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if m != nil {
			ids, clocks = append(ids, m.Identity), append(clocks, m.clock)
		}
	}
	return ids, clocks
}

// Close ends the run for all workers, and waits until nothing of it is left.
func (c *Coordinator) Close() {
	c.mu.Lock()
	members := c.members
	c.mu.Unlock()
	close(c.done)
	for _, m := range members {
		if m != nil {
			_ = m.send(message{End: true}) // one that is gone needs none
		}
	}
	_ = c.listener.Close() // nobody is let in any more, whatever it returns
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.all.Wait()
	}()
	limit := time.NewTimer(partLimit)
	defer limit.Stop()
	select {
	case <-gone:
		return
	case <-limit.C:
	}
	c.mu.Lock()
	for conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	<-gone
}

// partLimit is how long workers may take to end their connections. A connection that is closed before may take the message about the end with it.
const partLimit = time.Second
