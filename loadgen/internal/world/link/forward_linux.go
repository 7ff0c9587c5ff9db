package link

import (
	"container/heap"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type rawConn = syscall.RawConn

// accept takes a client's connection and begins to make its own to the server.
func (l *Link) accept() {
	for {
		fd, _, err := unix.Accept4(l.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // there are no more, or none can be had now
		}
		l.accepted.Add(1)
		far, err := unix.Socket(l.domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			l.failed.Add(1)
			_ = unix.Close(fd)
			continue
		}
		noDelay(fd)
		noDelay(far)
		near, server := &side{fd: fd}, &side{fd: far, connecting: true}
		near.peer, server.peer = server, near
		l.open.Add(1)
		l.watch(near, unix.EPOLLIN)
		err = unix.Connect(far, l.target)
		switch {
		case err == nil:
			l.watch(server, unix.EPOLLIN)
			server.connecting = false
		case errors.Is(err, unix.EINPROGRESS):
			l.watch(server, unix.EPOLLOUT)
		default:
			l.watch(server, unix.EPOLLOUT)
			l.failed.Add(1)
			l.reset(near)
		}
	}
}

// noDelay turns Nagle's algorithm off, which would add a delay of its own; Unix sockets have none.
func noDelay(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// connected ends the making of a connection to the server.
func (l *Link) connected(s *side) {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || code != 0 {
		l.failed.Add(1)
		l.reset(s)
		return
	}
	s.connecting = false
	l.watch(s, unix.EPOLLIN)
	l.flush(s, l.now())
}

// watch sets which events of a side are waited for.
func (l *Link) watch(s *side, events uint32) {
	op := unix.EPOLL_CTL_MOD
	if l.sides[s.fd] != s {
		l.sides[s.fd], op = s, unix.EPOLL_CTL_ADD
	} else if s.events == events {
		return
	}
	s.events = events
	_ = unix.EpollCtl(l.ep, op, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.fd)}) //nolint:gosec // fails only on a closed descriptor, which is watched no more
}

// read reads what there is and gives it to the other side's wire.
func (l *Link) read(s *side) {
	to := s.peer
	for to.out.bytes < maxQueued {
		n, err := unix.Read(s.fd, l.buf)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return
		case err != nil:
			l.reset(s)
			return
		case n == 0:
			s.readEnded = true
			l.watch(s, s.events&^unix.EPOLLIN)
			l.give(to, nil)
			return
		}
		l.bytes.Add(int64(n))
		l.give(to, l.buf[:n])
		if l.sides[s.fd] != s || n < len(l.buf) {
			return
		}
	}
	l.watch(s, s.events&^unix.EPOLLIN) // until some has been written
}

// give puts bytes, or the end of the stream, on the wire to a side. Without a delay they are written at once.
func (l *Link) give(to *side, data []byte) {
	now := l.now()
	q := &to.out
	due := now + max(int64(l.cfg.RTT/2)-l.late, 0) // they came that long before they were read
	if l.cfg.Jitter > 0 {
		due += l.rng.Int64N(int64(l.cfg.Jitter) + 1)
	}
	if l.cfg.Bandwidth > 0 {
		q.free = max(q.free, now) + int64(len(data))*int64(time.Second)/l.cfg.Bandwidth
		due += q.free - now
	}
	due = max(due, q.last)
	q.last = due
	if due <= now && q.empty() && !to.connecting {
		data = l.write(to, data)
		if data == nil {
			return
		}
	}
	q.chunks = append(q.chunks, chunk{due: due, data: l.keep(data)})
	q.bytes += len(data)
	if len(q.chunks) == 1 && due > now {
		heap.Push(&l.waiting, to)
	}
}

// keep copies bytes into a buffer of the pool.
func (l *Link) keep(data []byte) []byte {
	if n := len(l.pool); n > 0 && cap(l.pool[n-1]) >= len(data) {
		b := l.pool[n-1]
		l.pool = l.pool[:n-1]
		return append(b[:0], data...)
	}
	return append(make([]byte, 0, max(len(data), 4<<10)), data...)
}

// write writes what the socket takes of data, or the end of the stream if there is none. It returns what is left; nil if nothing is, also
// if the connection broke.
func (l *Link) write(s *side, data []byte) []byte {
	if len(data) == 0 {
		s.out.ended = true
		_ = unix.Shutdown(s.fd, unix.SHUT_WR) // fails if the connection is gone already
		if s.readEnded {
			l.hangUp(s)
		}
		return nil
	}
	for len(data) > 0 {
		n, err := unix.Write(s.fd, data)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			l.watch(s, s.events|unix.EPOLLOUT)
			return data
		case err != nil:
			l.reset(s)
			return nil
		}
		data = data[n:]
	}
	return nil
}

// slack is how much too soon bytes may leave: less than setting the timer once more would cost.
const slack = int64(15 * time.Microsecond)

// deliver writes all that is due by now, and sets the timer for what is due next.
func (l *Link) deliver() {
	now := l.now()
	for len(l.waiting) > 0 && l.waiting[0].out.chunks[0].due <= now+slack {
		l.flush(heap.Pop(&l.waiting).(*side), now+slack)
	}
	if len(l.waiting) == 0 {
		return // a timer that is still set does no harm
	}
	next := l.waiting[0].out.chunks[0].due
	if l.armed != 0 && l.armed <= next-l.late {
		return
	}
	l.armed = max(next-l.late, l.now()+1) // a timer that is set to no time is none
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(l.armed-l.now(), 1))}
	_ = unix.TimerfdSettime(l.timer, 0, &spec, nil) // cannot fail: the descriptor and the time are valid
}

// flush writes what is due to a side. It is in the heap after that if the rest is due later, and its socket is watched if it is full.
func (l *Link) flush(s *side, now int64) {
	q := &s.out
	if s.connecting {
		return // connected comes back
	}
	l.watch(s, s.events&^unix.EPOLLOUT)
	for !q.empty() && q.chunks[0].due <= now {
		first := &q.chunks[0]
		before := len(first.data)
		rest := l.write(s, first.data)
		if l.sides[s.fd] != s {
			return // the connection broke
		}
		q.bytes -= before - len(rest)
		if rest != nil {
			first.data = rest
			break
		}
		if cap(first.data) > 0 && len(l.pool) < maxEvents {
			l.pool = append(l.pool, first.data[:0])
		}
		q.chunks[0] = chunk{}
		q.chunks = q.chunks[1:]
	}
	if !q.empty() && q.chunks[0].due > now && q.index == 0 {
		heap.Push(&l.waiting, s)
	}
	if from := s.peer; !from.readEnded && !from.connecting && q.bytes < maxQueued {
		l.watch(from, from.events|unix.EPOLLIN)
	}
}

// hangUp closes both sides once both streams have ended.
func (l *Link) hangUp(s *side) {
	if s.out.ended && s.peer.out.ended && s.readEnded && s.peer.readEnded {
		l.drop(s)
		l.drop(s.peer)
		l.open.Add(-1)
	}
}

// reset breaks a connection: both sides get a reset instead of an end.
func (l *Link) reset(s *side) {
	if l.sides[s.fd] != s {
		return
	}
	for _, x := range []*side{s, s.peer} {
		_ = unix.SetsockoptLinger(x.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
		l.drop(x)
	}
	l.open.Add(-1)
}

// drop forgets and closes a side.
func (l *Link) drop(s *side) {
	if s.out.index > 0 {
		heap.Remove(&l.waiting, s.out.index-1)
	}
	delete(l.sides, s.fd)
	_ = unix.Close(s.fd)
}
