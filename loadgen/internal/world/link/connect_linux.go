package link

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// accept takes clients' connections.
func (l *Link) accept() {
	for l.listen >= 0 {
		fd, _, err := unix.Accept4(l.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
			l.failures.add(fmt.Errorf("accept a connection: %w", err))
			l.full = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, l.listen, nil) == nil // or it would be reported without end
			return
		}
		if err != nil {
			return // there are no more
		}
		p := &pair{number: l.accepted.Add(1)}
		l.open.Add(1)
		p.near, p.far = &side{pair: p, fd: -1}, &side{pair: p, fd: -1, connecting: true}
		p.near.peer, p.far.peer = p.far, p.near
		l.own(p.near, fd)
		if f := l.fault; f != nil && f.fault.strikes(l.cfg.Seed, p.number) {
			l.strike(p)
		}
		if p.closed {
			continue
		}
		l.watch(p.near, unix.EPOLLIN)
		if !p.held && p.dead == nil {
			l.dial(p)
		}
	}
}

// own gives a side its descriptor.
func (l *Link) own(s *side, fd int) {
	if grow := fd + 1 - len(l.sides); grow > 0 {
		l.sides = append(l.sides, make([]*side, grow)...)
	}
	l.gen++
	s.fd, s.gen = fd, l.gen
	l.sides[fd] = s
	// Nagle's algorithm would add a delay of its own. Unix sockets have none, and refuse the option.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

// dial begins to make a connection to the server.
func (l *Link) dial(p *pair) {
	to := l.to[min(p.tried, len(l.to)-1)] // there may be others meanwhile
	fd, err := unix.Socket(to.domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.unreached(p, os.NewSyscallError("socket", err))
		return
	}
	l.own(p.far, fd)
	switch err = unix.Connect(fd, to.address); {
	case err == nil:
		p.far.connecting = false
		l.watch(p.far, unix.EPOLLIN)
		l.flush(p.far, l.now())
	case errors.Is(err, unix.EINPROGRESS):
		l.watch(p.far, unix.EPOLLOUT)
	default:
		l.unreached(p, os.NewSyscallError("connect", err))
	}
}

// connected ends the making of a connection to the server.
func (l *Link) connected(s *side) {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = os.NewSyscallError("connect", unix.Errno(code))
	}
	if err != nil {
		l.unreached(s.pair, err)
		return
	}
	s.connecting = false
	l.watch(s, unix.EPOLLIN)
	l.flush(s, l.now())
}

// unreached tries the next address of the server. If that was the last one, it resets the client, and the addresses are looked up again.
func (l *Link) unreached(p *pair, err error) {
	if p.tried++; p.tried < len(l.to) {
		l.close(p.far)
		l.dial(p)
		return
	}
	l.failed.Add(1)
	l.failures.add(fmt.Errorf("%s: %w", l.cfg.To, err))
	select {
	case l.stale <- struct{}{}:
	default: // it is being looked up
	}
	l.reset(p)
}

// watch sets which events of a side are waited for. With none it is not watched at all: the kernel would report that both directions are over
// for as long as the socket is open.
func (l *Link) watch(s *side, events uint32) {
	if s.events == events || s.fd < 0 {
		return
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case s.events == 0:
		op = unix.EPOLL_CTL_ADD
	case events == 0:
		op = unix.EPOLL_CTL_DEL
	}
	s.events = events
	_ = unix.EpollCtl(l.ep, op, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.fd), Pad: s.gen}) //nolint:gosec // fails only on a closed descriptor, which is watched no more
}

// hangUp closes both sides once both streams have ended.
func (l *Link) hangUp(p *pair) {
	if p.near.out.ended && p.far.out.ended && p.near.readEnded && p.far.readEnded {
		l.part(p)
	}
}

// reset breaks a connection: both sides get a reset instead of an end. A Unix socket has none: its reader gets ECONNRESET if what it wrote was not
// read, and otherwise the end.
func (l *Link) reset(p *pair) {
	for _, s := range []*side{p.near, p.far} {
		if s.fd >= 0 {
			_ = unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
		}
	}
	l.part(p)
}

// part closes both sides of a connection.
func (l *Link) part(p *pair) {
	if p.closed {
		return
	}
	p.closed = true
	l.drop(p.near)
	l.drop(p.far)
	l.open.Add(-1)
}

// drop forgets and closes a side.
func (l *Link) drop(s *side) {
	l.discard(s)
	l.close(s)
}

// close closes the descriptor of a side.
func (l *Link) close(s *side) {
	if s.fd < 0 {
		return
	}
	l.sides[s.fd] = nil
	_ = unix.Close(s.fd)
	s.fd, s.events = -1, 0
	if l.full && l.listen >= 0 {
		l.full = l.add(l.listen) != nil
	}
}

// discard empties what waits for a side, and returns how many bytes those were.
func (l *Link) discard(s *side) int {
	l.unschedule(s)
	n := s.out.bytes
	s.out.chunks, s.out.head, s.out.bytes = nil, 0, 0
	return n
}
