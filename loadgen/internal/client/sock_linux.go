//go:build linux && (amd64 || arm64)

package client

import (
	"errors"
	"io"
	"syscall"
	"unsafe"
)

// fused is the longest request that goes out in one system call with the wait for its response.
const fused = 64 << 10

// direct is the part of a sock that makes its own system calls. They cannot block, the socket is non-blocking, so they are made without
// a call of the scheduler (RawSyscall), which costs as much again as a small read. The goroutine still waits in the runtime's poller.
//
// The closures are made once per connection and take their arguments from here, so that a request allocates nothing.
type direct struct {
	req, buf []byte
	want     int64
	n        int
	errno    syscall.Errno

	onExchange, onRead, onDrop, onPeek func(fd uintptr) bool
}

func (s *sock) prepare() {
	s.onExchange, s.onRead, s.onDrop, s.onPeek = s.doExchange, s.doRead, s.doDrop, s.doPeek
}

// exchange writes req and reads the first bytes of what comes back. The write happens inside of the wait for the read: the poller is
// edge-triggered, and a read that finds nothing is the only other way not to miss the edge between a write and its wait.
func (s *sock) exchange(req, buf []byte) (n int, err error) {
	if s.raw == nil || len(req) > fused {
		if _, err := s.Write(req); err != nil {
			return 0, &writeError{err}
		}
		return s.read(buf)
	}
	s.req, s.buf = req, buf
	n, err = s.wait(s.onExchange)
	if rest := s.req; len(rest) > 0 && err == nil { // the socket's buffer is full
		if _, err := s.Write(rest); err != nil {
			return 0, &writeError{err}
		}
		return s.read(buf)
	}
	if err != nil && len(s.req) > 0 {
		return 0, &writeError{err}
	}
	return n, err
}

// read reads what there is, at least one byte.
func (s *sock) read(buf []byte) (int, error) {
	if s.raw == nil {
		return s.Read(buf)
	}
	s.req, s.buf = nil, buf
	return s.wait(s.onRead)
}

// drop receives up to want bytes without copying them out of the kernel: MSG_TRUNC, see tcp(7).
func (s *sock) drop(want int64, scratch []byte) (int, error) {
	if s.raw == nil {
		return s.Read(scratch[:min(want, int64(len(scratch)))])
	}
	s.want = min(want, 1<<30)
	return s.wait(s.onDrop)
}

// idle reports whether the connection, on which no request is under way, is still open and has nothing to read.
func (s *sock) idle() bool {
	if s.raw == nil {
		return true
	}
	_, err := s.wait(s.onPeek)
	return errors.Is(err, syscall.EAGAIN)
}

// wait runs do until it reports true, and each time after the first only when the poller reports that the socket has changed.
func (s *sock) wait(do func(fd uintptr) bool) (int, error) {
	s.n, s.errno = 0, 0
	for {
		if err := s.raw.Read(do); err != nil {
			if s.early(err) {
				continue
			}
			return 0, err
		}
		switch {
		case s.errno != 0:
			return 0, s.errno
		case s.n == 0 && len(s.req) == 0:
			return 0, io.EOF
		}
		return s.n, nil
	}
}

func (s *sock) doExchange(fd uintptr) bool {
	if len(s.req) == 0 {
		return s.doRead(fd)
	}
	n, errno := send(fd, s.req)
	if errno != 0 && errno != syscall.EAGAIN {
		s.errno = errno
		return true
	}
	s.req = s.req[n:]
	return len(s.req) > 0
}

func (s *sock) doRead(fd uintptr) bool {
	s.n, s.errno = receive(fd, s.buf)
	return s.errno != syscall.EAGAIN
}

func (s *sock) doDrop(fd uintptr) bool {
	s.n, s.errno = call(syscall.SYS_RECVFROM, fd, nil, int(s.want), syscall.MSG_TRUNC)
	return s.errno != syscall.EAGAIN
}

func (s *sock) doPeek(fd uintptr) bool {
	var one [1]byte
	s.n, s.errno = call(syscall.SYS_RECVFROM, fd, &one[0], 1, syscall.MSG_PEEK)
	return true
}

// call sends or receives up to n bytes at p.
func call(trap, fd uintptr, p *byte, n int, flags uintptr) (int, syscall.Errno) {
	for {
		done, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(p)), uintptr(n), flags, 0, 0)
		if errno == 0 {
			return int(done), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}
