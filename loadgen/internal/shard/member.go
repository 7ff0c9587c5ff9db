package shard

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Member is a worker that has registered.
type Member struct {
	Identity
	Clock Clock // what it knew when the last phase began
	Cuts  Cuts
	Lost  bool
}

// member is the coordinator's end of what it and a worker have to say to each other.
type member struct {
	*line
	Identity
	instance string
	clock    Clock
	welcomed bool
	leave    sync.Once
	gone     chan struct{} // closed when it is given up
	turn     sync.Mutex    // is held by who serves its present connection: messages of two are not mixed
}

// left reports whether it was given up.
func (m *member) left() bool {
	select {
	case <-m.gone:
		return true
	default:
		return false
	}
}

// serve hears who connects until the connection ends, and then waits for the next of the same worker.
func (c *Coordinator) serve(ctx context.Context, conn *tls.Conn) {
	w := newWire(conn, c.Limits.Silence)
	h, ok := c.greet(ctx, w)
	if !ok {
		return
	}
	m, refused := c.register(h)
	if refused != "" {
		_ = w.send(message{Refused: refused}) // it will notice anyway
		return
	}
	m.cut() // a worker that dials has no other connection, whether or not this end has noticed
	since, times, err := c.carry(m, w, h)
	switch {
	case c.over():
	case errors.As(err, new(fatal)):
		c.giveUp(m, err.Error())
	default:
		c.await(m, since, times, err)
	}
}

// greet has both ends show that they have the secret, and reads who connects.
func (c *Coordinator) greet(ctx context.Context, w *wire) (h *hello, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, w.quiet)
	defer cancel()
	if err := w.conn.HandshakeContext(ctx); err != nil {
		if !isCut(err) {
			c.refused.Add(1)
		}
		return nil, false
	}
	m, _, err := w.receive()
	return m.Hello, err == nil && m.Hello != nil
}

// isCut reports whether a connection has ended, rather than said something wrong.
func isCut(err error) bool {
	op := new(net.OpError)
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &op) && op.Op == "read"
}

// register finds the member that a worker is, or makes it one, or returns why not. A worker that has the secret and is not what it should be fails the run.
func (c *Coordinator) register(h *hello) (m *member, refused string) {
	if h.Index < 0 || h.Index >= c.Workers {
		return nil, fmt.Sprintf("there is no worker %d in a run of %d", h.Index, c.Workers)
	}
	switch {
	case h.Scenario != c.Scenario:
		refused = "has another scenario, or other data, than the coordinator"
	case h.Program != c.Program:
		refused = "is another program than the coordinator"
	}
	if refused != "" {
		c.lose(&LostError{h.Identity, refused})
		return nil, refused
	}
	m = c.memberOf(h)
	switch {
	case m == nil:
		refused = "comes after the end of the run"
	case m.instance != h.Instance:
		refused = fmt.Sprintf("was started twice: uid %s came after uid %s", h.UID, m.UID)
		c.lose(&LostError{Identity{Index: m.Index}, refused})
	case m.left():
		refused = "was given up"
	}
	return m, refused
}

// memberOf returns the member of an index; nil if there is none, and the run is over.
func (c *Coordinator) memberOf(h *hello) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[h.Index]
	if m == nil && !c.over() {
		m = &member{line: newLine(c.Limits.Silence), Identity: h.Identity, instance: h.Instance, gone: make(chan struct{})}
		c.members[h.Index] = m
	}
	return m
}

// carry uses a connection of a member until it ends. It returns since when the member has none, how many it has had with this one, and why this one ended.
func (c *Coordinator) carry(m *member, w *wire, h *hello) (since time.Time, times int, err error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	m.attach(w, h.Received, h.Away)
	if err = w.send(message{Welcome: &welcome{c.Job, m.has()}}); err == nil {
		c.welcomed(m)
		err = m.carry(w, func(a arrived) error { return c.hear(m, a) })
	}
	times = m.state().times
	return m.detach(err), times, err
}

// welcomed counts a member that has its job.
func (c *Coordinator) welcomed(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.welcomed {
		return
	}
	m.welcomed = true
	if c.missing--; c.missing == 0 {
		close(c.joined)
	}
}

// hear answers a member, or passes on what a phase waits for.
func (c *Coordinator) hear(m *member, a arrived) error {
	switch {
	case a.Ask != nil:
		a.Ask.Received, a.Ask.Answered = a.at.UnixNano(), time.Now().UnixNano()
		m.say(message{Time: a.Ask})
	case a.Failed != "":
		m.acknowledge()
		return fatal{errors.New("reports: " + a.Failed)}
	case a.Ready != nil, a.Report != nil:
		select {
		case c.events <- event{m, a.Ready, a.Report}:
		case <-c.done:
		}
	}
	return nil
}

// await gives a member up when it has been without a connection for as long as it may be silent.
func (c *Coordinator) await(m *member, since time.Time, times int, err error) {
	limit := time.NewTimer(time.Until(since.Add(c.Limits.Silence)))
	defer limit.Stop()
	for s := m.state(); s.times == times; s = m.state() {
		select {
		case <-s.changed:
		case <-m.gone:
			return
		case <-c.done:
			return
		case <-limit.C:
			c.giveUp(m, why(err, c.Limits.Silence))
			return
		}
	}
}

// why says in words why a member without a connection is given up.
func why(err error, silence time.Duration) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("was silent for %s", silence)
	}
	return fmt.Sprintf("was cut off (%v), and did not come back within %s", err, silence)
}

// giveUp loses a member for a reason, or for the better one that its process has ended.
func (c *Coordinator) giveUp(m *member, reason string) {
	if c.Ended != nil {
		reason = cmp.Or(c.Ended(m.Index), reason)
	}
	c.Lose(m.Index, reason)
}

// part waits until a member has acknowledged all that it was sent, if it may still do so, and reports false at a limit.
func (m *member) part(limit <-chan time.Time) bool {
	for s := m.state(); s.kept > 0 && (s.connected || !m.left()); s = m.state() {
		select {
		case <-s.changed:
		case <-limit:
			return false
		}
	}
	return true
}

// Lose fails the run, as a worker does not do its part for a reason; only the first such reason counts. It may be called at any time.
func (c *Coordinator) Lose(index int, reason string) {
	id := Identity{Index: index}
	c.mu.Lock()
	if m := c.members[index]; m != nil {
		id = m.Identity
		m.leave.Do(func() { close(m.gone) })
	}
	c.mu.Unlock()
	c.lose(&LostError{id, reason})
}

func (c *Coordinator) lose(err *LostError) {
	if c.over() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = err
		close(c.broken)
	}
}
