package link

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// begin is Begin, in the loop.
func (l *Link) begin(e *effect) error {
	if l.fault != nil {
		return fmt.Errorf("%w: %s since %s: end it first", ErrFault, l.fault.fault.Kind, l.fault.began.Format(time.RFC3339))
	}
	if e.closesListener() {
		if err := l.unlisten(); err != nil {
			return err
		}
	}
	e.began = time.Now()
	l.fault = e
	l.effect.Store(e)
	for _, s := range l.sides {
		if s != nil && s == s.near && e.fault.strikes(l.cfg.Seed, s.number) {
			l.strike(s.pair)
		}
	}
	return nil
}

// end is End, in the loop.
func (l *Link) end() error {
	e := l.fault
	if e == nil {
		return ErrNoFault
	}
	if l.reserve >= 0 {
		if err := l.relisten(); err != nil {
			return err
		}
	}
	l.fault = nil
	now := time.Now()
	e.ended.Store(&now)
	for _, s := range l.sides {
		if s != nil && s == s.near {
			s.slow = false
			l.release(s.pair)
		}
	}
	return nil
}

// strike does to a connection what the fault does.
func (l *Link) strike(p *pair) {
	e := l.fault
	if p.dead != nil {
		return // of a fault before this one
	}
	e.connections.Add(1)
	switch {
	case e.kind.resets:
		e.resets.Add(1)
		l.reset(p)
	case e.kind.holds:
		l.hold(p)
	case e.kind.drops:
		l.kill(p)
	case e.kind.Slow:
		p.slow = true
	}
}

// hold stops all deliveries of a connection.
func (l *Link) hold(p *pair) {
	p.held = true
	for _, s := range []*side{p.near, p.far} {
		l.unschedule(s)
		l.fault.held.Add(int64(s.out.bytes))
		if !s.connecting {
			l.watch(s, s.events&^unix.EPOLLOUT)
		}
	}
}

// release delivers what was held, and makes the connection to the server if the client came meanwhile, as a server that was stopped takes up
// who waits.
func (l *Link) release(p *pair) {
	if !p.held {
		return
	}
	p.held = false
	if p.far.fd < 0 {
		l.dial(p)
	}
	now := l.now()
	for _, s := range []*side{p.near, p.far} {
		if s.fd >= 0 {
			l.flush(s, now)
		}
	}
}

// kill makes a connection one that nothing passes any more, without either side hearing of it.
func (l *Link) kill(p *pair) {
	p.dead = l.fault
	for _, s := range []*side{p.near, p.far} {
		l.fault.dropped.Add(int64(l.discard(s)))
		if s.connecting {
			l.drop(s)
			s.connecting = false
		}
		if s.broken || s.readEnded {
			continue // its end was heard already
		}
		l.watch(s, unix.EPOLLIN)
	}
}

// bury closes a side of a dead connection that its end has closed. The other one stays open until its end closes it too.
func (l *Link) bury(s *side) {
	l.drop(s)
	if s.peer.fd < 0 {
		l.part(s.pair)
	}
}

// unlisten closes the listener: connecting is refused, and those who wait to be accepted are reset.
func (l *Link) unlisten() error {
	at, err := unix.Getsockname(l.listen)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	v6only, _ := unix.GetsockoptInt(l.listen, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY) // fails where there is none
	_ = unix.Close(l.listen)
	l.listen, l.full = -1, false
	if l.reserve, err = reserve(l.addr, at, v6only); err != nil {
		return fmt.Errorf("%w: the link does not listen any more", err)
	}
	return nil
}

// relisten listens again.
func (l *Link) relisten() error {
	if err := unix.Listen(l.reserve, backlog); err != nil {
		return os.NewSyscallError("listen", err)
	}
	if err := l.add(l.reserve); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	l.listen, l.reserve = l.reserve, -1
	return nil
}
