package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Link forwards. It is one goroutine that waits for all sockets at once: two goroutines a connection, which the runtime wakes one after the
// other, cost twice the CPU and the latency.
type Link struct {
	cfg      Config
	listener net.Listener
	listen   int // the listener's own descriptor, for the loop
	target   unix.Sockaddr
	domain   int

	ep, timer, wake int
	sides           map[int]*side
	waiting         dueHeap
	armed           int64 // what the timer is set to, ns since epoch; 0 if it is not
	late            int64 // ns from an event to when the loop runs: the median of the timer's
	epoch           time.Time
	rng             *rand.Rand
	buf             []byte
	pool            [][]byte

	accepted, open, failed, bytes atomic.Int64
}

const (
	readSize = 64 << 10
	// maxQueued is how many bytes wait for one side before no more are read for it: what the buffers of a long wire hold.
	maxQueued = 4 << 20
	maxEvents = 64
	backlog   = 1024
)

// side is one end of a connection.
type side struct {
	fd         int
	peer       *side
	connecting bool
	events     uint32 // that are waited for
	readEnded  bool   // nothing more will be read from it
	out        queue  // what waits to be written to it
}

// Listen begins to listen. The caller runs Serve, which closes everything.
func Listen(ctx context.Context, cfg Config) (*Link, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Link{cfg: cfg, sides: map[int]*side{}, epoch: time.Now(), rng: rand.New(rand.NewPCG(cfg.Seed, 0x11c)), buf: make([]byte, readSize)}
	var err error
	if l.domain, l.target, err = resolve(ctx, cfg.Target); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	if l.listener, err = lc.Listen(ctx, cfg.Listen.Network, cfg.Listen.Address); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if err := l.prepare(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// Addr is where the link listens.
func (l *Link) Addr() Addr {
	return Addr{Network: l.cfg.Listen.Network, Address: l.listener.Addr().String()}
}

// Stats returns the totals so far. It may be called at any time.
func (l *Link) Stats() Stats {
	return Stats{Accepted: l.accepted.Load(), Open: l.open.Load(), Failed: l.failed.Load(), Bytes: l.bytes.Load()}
}

// resolve turns an address into what connect(2) takes.
func resolve(ctx context.Context, a Addr) (domain int, to unix.Sockaddr, err error) {
	if a.Network == "unix" {
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: a.Address}, nil
	}
	host, port, err := net.SplitHostPort(a.Address)
	if err != nil {
		return 0, nil, fmt.Errorf("link: %w", err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return 0, nil, fmt.Errorf("link: %w", err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return 0, nil, fmt.Errorf("link: %w", err)
	}
	ip := ips[0].Unmap()
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: number, Addr: ip.As4()}, nil
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: number, Addr: ip.As16()}, nil
}

// prepare makes the descriptors that the loop waits for.
func (l *Link) prepare() (err error) {
	file, err := l.listener.(interface{ SyscallConn() (rawConn, error) }).SyscallConn()
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	l.listen, l.timer, l.wake, l.ep = -1, -1, -1, -1
	if cerr := file.Control(func(fd uintptr) { l.listen, err = unix.Dup(int(fd)) }); cerr != nil || err != nil {
		return fmt.Errorf("link: %w", errors.Join(cerr, err))
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return fmt.Errorf("link: create a timer: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("link: create an event: %w", err)
	}
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("link: create a poller: %w", err)
	}
	for _, fd := range []int{l.listen, l.timer, l.wake} {
		if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil { //nolint:gosec // descriptors are small
			return fmt.Errorf("link: watch a descriptor: %w", err)
		}
	}
	return nil
}

// Serve forwards until ctx ends, and closes everything.
func (l *Link) Serve(ctx context.Context) error {
	runtime.LockOSThread() // the thread waits in the kernel for as long as the link lives
	defer runtime.UnlockOSThread()
	defer l.close()
	woken := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	defer func() {
		if !forget() {
			<-woken // after close its descriptor may be another's
		}
	}()
	events := make([]unix.EpollEvent, maxEvents)
	for ctx.Err() == nil {
		n, err := await(l.ep, events)
		if err != nil {
			return fmt.Errorf("link: wait for events: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			l.handle(int(e.Fd), e.Events)
		}
		l.deliver()
	}
	return nil
}

// await blocks until there are events. It does not tell the scheduler that the thread blocks, which would hand the thread's processor on and
// have to get one back for each wake-up: that costs more than all else that a link does. The garbage collector's signals interrupt it.
func await(ep int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
	if errno == unix.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil //nolint:gosec // at most len(events)
}

// handle does what an event asks for.
func (l *Link) handle(fd int, events uint32) {
	switch fd {
	case l.listen:
		l.accept()
		return
	case l.timer:
		var count [8]byte
		_, _ = unix.Read(l.timer, count[:])
		l.learn(l.now() - l.armed)
		l.armed = 0
		return
	case l.wake:
		return
	}
	s := l.sides[fd]
	if s == nil {
		return // closed by an event before this one
	}
	if s.connecting {
		l.connected(s)
		return
	}
	if s.readEnded && events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		// Both directions are over, and the kernel would report it for as long as the socket is open: until what it sent has arrived.
		_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, fd, nil)
		return
	}
	if events&unix.EPOLLOUT != 0 {
		l.flush(s, l.now())
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 && l.sides[fd] == s {
		l.read(s)
	}
}

// learn follows the median of how late the timer wakes the loop: a step up for each wake-up that was later, a step down for each that was
// sooner. A sleeping thread is woken some ten microseconds late, by the timer as by a socket, and a link that did not allow for that would
// be longer than it says.
func (l *Link) learn(late int64) {
	const step, most = int64(500 * time.Nanosecond), int64(200 * time.Microsecond)
	if late > l.late {
		l.late = min(l.late+step, most)
	} else {
		l.late = max(l.late-step, 0)
	}
}

// now is the time since the link began.
func (l *Link) now() int64 { return int64(time.Since(l.epoch)) }

// close closes all that is open.
func (l *Link) close() {
	_ = l.listener.Close() // removes a Unix socket's file
	for _, s := range l.sides {
		_ = unix.Close(s.fd)
	}
	clear(l.sides)
	for _, fd := range []int{l.listen, l.timer, l.wake, l.ep} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
