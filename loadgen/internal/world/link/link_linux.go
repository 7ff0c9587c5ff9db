package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Addr is where the link listens.
func (l *Link) Addr() Addr { return l.addr }

// Name is its name.
func (l *Link) Name() string { return l.cfg.Name }

// Stats returns the totals so far. It may be called at any time.
func (l *Link) Stats() Stats {
	return Stats{Accepted: l.accepted.Load(), Open: l.open.Load(), Failed: l.failed.Load(), Bytes: l.bytes.Load(), Failure: l.failures.load()}
}

// Status returns what the link is and what it did so far. It may be called at any time.
func (l *Link) Status() Status {
	return Status{Name: l.cfg.Name, Listen: l.addr, To: l.cfg.To, Wire: *l.wire.Load(), Fault: l.effect.Load().snapshot(), Stats: l.Stats()}
}

// Set makes the wire another, for bytes that are read after it. They do not overtake those that are under way.
func (l *Link) Set(ctx context.Context, w Wire) error {
	if err := w.Validate(); err != nil {
		return fmt.Errorf("link %s: %w", l.cfg.Name, err)
	}
	if err := l.do(ctx, func() { l.wire.Store(&w) }); err != nil {
		return fmt.Errorf("link %s: set the wire: %w", l.cfg.Name, err)
	}
	return nil
}

// Begin begins a fault, and returns what it did to the connections that were open. A link has one fault at a time: with another one the error
// is ErrFault.
func (l *Link) Begin(ctx context.Context, f Fault) (Effect, error) {
	if err := f.Validate(); err != nil {
		return Effect{}, fmt.Errorf("link %s: %w", l.cfg.Name, err)
	}
	kind, _ := KindNamed(f.Kind)
	e := &effect{fault: f, kind: kind}
	var err error
	if derr := l.do(ctx, func() { err = l.begin(e) }); derr != nil {
		err = derr
	}
	if err != nil {
		return Effect{}, fmt.Errorf("link %s: begin fault %s: %w", l.cfg.Name, f.Kind, err)
	}
	l.probe(ctx, e)
	return *e.snapshot(), nil
}

// End ends the fault, and returns all that it did. Without a fault the error is ErrNoFault.
func (l *Link) End(ctx context.Context) (Effect, error) {
	if e := l.effect.Load(); e != nil && e.ended.Load() == nil {
		l.probe(ctx, e)
	}
	var e *effect
	var err error
	if derr := l.do(ctx, func() {
		e = l.fault
		err = l.end()
	}); derr != nil {
		err = derr
	}
	if err != nil {
		return Effect{}, fmt.Errorf("link %s: end the fault: %w", l.cfg.Name, err)
	}
	return *e.snapshot(), nil
}

// probe counts whether a connect to a closed listener is refused: those of clients cannot be counted.
func (l *Link) probe(ctx context.Context, e *effect) {
	if !e.closesListener() {
		return
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, l.addr.Network, l.addr.Address)
	if err == nil {
		_ = conn.Close()
		return
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		e.refused.Add(1)
	}
}

// closesListener reports whether the fault closes the listener: nobody can be told apart there.
func (e *effect) closesListener() bool {
	return e.kind.closes && (e.fault.Share == 0 || e.fault.Share == 1)
}
