package link

import (
	"container/heap"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// read reads what there is and gives it to the other side's wire.
func (l *Link) read(s *side) {
	to := s.peer
	for to.out.bytes < maxQueued {
		n, errno := receive(s.fd, l.buf)
		switch {
		case errno == unix.EAGAIN || errno == unix.EINTR:
			return
		case s.dead != nil && (errno != 0 || n == 0):
			l.bury(s)
			return
		case errno != 0:
			l.broke(s)
			return
		case n == 0:
			s.readEnded = true
			l.watch(s, s.events&^unix.EPOLLIN)
			l.give(to, nil, markEnd)
			return
		}
		l.bytes.Add(int64(n))
		if s.dead != nil {
			s.dead.dropped.Add(int64(n))
			continue
		}
		l.give(to, l.buf[:n], markBytes)
		if s.closed || s.broken || n < len(l.buf) {
			return
		}
	}
	l.watch(s, s.events&^unix.EPOLLIN) // until some has been written
}

// broke sends the reset that a side got to the other one, after what is under way already.
func (l *Link) broke(s *side) {
	if s.broken || s.closed {
		return
	}
	s.broken, s.readEnded = true, true
	l.watch(s, 0)
	l.discard(s)
	l.give(s.peer, nil, markReset)
}

// give puts a chunk on the wire to a side. What is due at once is written at once.
func (l *Link) give(to *side, data []byte, mark mark) {
	if to.broken {
		if mark == markReset {
			l.reset(to.pair) // by both
		}
		return
	}
	now := l.now()
	q := &to.out
	due := l.due(to, now, len(data))
	if due <= now && q.empty() && !to.connecting && !to.held {
		data = l.write(to, data, mark)
		if data == nil {
			return
		}
	}
	q.chunks = append(q.chunks, chunk{due: due, data: l.keep(data), mark: mark})
	q.bytes += len(data)
	if to.held {
		l.fault.held.Add(int64(len(data)))
		return
	}
	if len(q.chunks)-q.head == 1 && due > now {
		heap.Push(&l.waiting, to)
	}
}

// due returns when what is given to a side now leaves.
func (l *Link) due(to *side, now int64, n int) int64 {
	w := l.wire.Load()
	q := &to.out
	due := now + max(int64(w.RTT/2)-int64(l.clock.read), 0) // it came that long before it was read
	if w.Jitter > 0 {
		due += l.rng.Int64N(int64(w.Jitter) + 1)
	}
	if w.Bandwidth > 0 {
		q.free = max(q.free, now) + int64(n)*int64(time.Second)/w.Bandwidth
		due += q.free - now
	}
	if to.slow && to == to.near {
		due += int64(l.fault.fault.Delay)
		if j := l.fault.fault.Jitter; j > 0 {
			due += l.rng.Int64N(int64(j) + 1)
		}
		l.fault.delayed.Add(1)
	}
	q.last = max(due, q.last)
	return q.last
}

// keep copies bytes into a buffer of the pool.
func (l *Link) keep(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	if n := len(l.pool); n > 0 && cap(l.pool[n-1]) >= len(data) {
		b := l.pool[n-1]
		l.pool = l.pool[:n-1]
		return append(b[:0], data...)
	}
	return append(make([]byte, 0, max(len(data), 4<<10)), data...)
}

// write writes what the socket takes of data, or the mark. It returns what is left; nil if nothing is, also if the connection broke.
func (l *Link) write(s *side, data []byte, mark mark) []byte {
	switch mark {
	case markReset:
		l.reset(s.pair)
		return nil
	case markEnd:
		s.out.ended = true
		_ = unix.Shutdown(s.fd, unix.SHUT_WR) // fails if the connection is gone already
		l.hangUp(s.pair)
		return nil
	case markBytes:
	}
	for len(data) > 0 {
		n, errno := send(s.fd, data)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			l.watch(s, s.events|unix.EPOLLOUT)
			return data
		case errno != 0:
			l.broke(s)
			return nil
		}
		data = data[n:]
	}
	return nil
}

// slack is how much too soon bytes may leave: less than waiting once more would cost.
const slack = int64(5 * time.Microsecond)

// deliver writes all that is due by now, and sets the clock for what is due next.
func (l *Link) deliver() {
	if len(l.waiting) == 0 {
		l.clock.set(0)
		return
	}
	until := l.now() + slack + int64(l.clock.send)
	for len(l.waiting) > 0 && l.waiting[0].out.first().due <= until {
		l.flush(heap.Pop(&l.waiting).(*side), until)
		l.clock.sent(l.now())
	}
	next := int64(0)
	if len(l.waiting) > 0 {
		next = l.waiting[0].out.first().due
	}
	l.clock.set(next)
}

// flush writes what is due to a side. It is in the heap after that if the rest is due later, and its socket is watched if it is full.
func (l *Link) flush(s *side, now int64) {
	q := &s.out
	if s.connecting || s.held || s.dead != nil || s.broken {
		return // what ends that comes back
	}
	l.unschedule(s) // its socket may have become ready before its time came round
	l.watch(s, s.events&^unix.EPOLLOUT)
	for !q.empty() && q.first().due <= now {
		first := q.first()
		rest := l.write(s, first.data, first.mark)
		if s.closed || s.broken {
			return
		}
		q.bytes -= len(first.data) - len(rest)
		if rest != nil {
			first.data = rest
			break
		}
		if cap(first.data) > 0 && len(l.pool) < maxEvents {
			l.pool = append(l.pool, first.data[:0])
		}
		q.pop()
	}
	if !q.empty() && q.first().due > now {
		heap.Push(&l.waiting, s)
	}
	if from := s.peer; !from.readEnded && !from.connecting && q.bytes < maxQueued {
		l.watch(from, from.events|unix.EPOLLIN)
	}
}

// unschedule takes a side out of those that are waited for.
func (l *Link) unschedule(s *side) {
	if s.out.index > 0 {
		heap.Remove(&l.waiting, s.out.index-1)
	}
}

// receive is recv(2). A raw call of the kernel tells the scheduler nothing: it never blocks.
func receive(fd int, buf []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno //nolint:gosec // at most len(buf)
}

// send is send(2).
func send(fd int, data []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno //nolint:gosec // at most len(data)
}
