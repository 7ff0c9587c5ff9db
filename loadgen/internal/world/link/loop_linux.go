package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Link forwards. It is one goroutine that waits for all sockets at once: two goroutines a connection, which the runtime wakes one after the
// other, cost twice the CPU and the latency.
type Link struct {
	cfg    Config
	wire   atomic.Pointer[Wire] // as it is; the loop stores it
	addr   Addr                 // where it listens
	listen int                  // -1 while connections are refused

	ep, wake int
	sides    []*side // by descriptor
	gen      int32   // counts sides: a descriptor of an event may be another side's by the time it is handled
	waiting  dueHeap
	clock    clock
	sounding atomic.Int64 // when the last sounding was made that the loop has not handled; 0 for none
	wait     waiter
	epoch    time.Time
	rng      *rand.Rand
	buf      []byte
	pool     [][]byte

	lookup  lookup
	to      []target      // of connect(2), to be tried in turn; at least one
	stale   chan struct{} // asks for the target to be looked up again
	full    bool          // no more connections can be accepted until one is closed
	fault   *effect       // the one that lasts; of the loop alone
	effect  atomic.Pointer[effect]
	reserve int // bound to addr and not listening, while connections are refused; otherwise -1

	mu    sync.Mutex // guards asked, over, and writing to wake
	asked []func()
	over  bool
	done  chan struct{} // closed when the loop has ended

	accepted, open, failed, bytes atomic.Int64
	failures                      failures
}

const (
	readSize = 64 << 10
	// maxQueued is how many bytes wait for one side before no more are read for it: what the buffers of a long wire hold.
	maxQueued = 4 << 20
	maxEvents = 64
	backlog   = 4096
)

// Listen begins to listen. The caller runs Serve, which closes everything.
func Listen(ctx context.Context, cfg Config) (*Link, error) { return listenWith(ctx, cfg, lookupIP) }

func listenWith(ctx context.Context, cfg Config, find lookup) (*Link, error) {
	if cfg.Name == "" {
		cfg.Name = "link"
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Link{cfg: cfg, lookup: find, epoch: time.Now(), rng: rand.New(rand.NewPCG(cfg.Seed, 0x11c)), buf: make([]byte, readSize),
		listen: -1, wake: -1, ep: -1, reserve: -1, stale: make(chan struct{}, 1), done: make(chan struct{})}
	l.wire.Store(&cfg.Wire)
	var err error
	if l.to, err = find.resolve(ctx, cfg.To); err != nil {
		return nil, fmt.Errorf("link %s: %w", cfg.Name, err)
	}
	if l.addr, l.listen, err = listen(ctx, cfg.Listen); err != nil {
		return nil, fmt.Errorf("link %s: %w", cfg.Name, err)
	}
	if err := l.prepare(); err != nil {
		l.shut()
		return nil, fmt.Errorf("link %s: %w", cfg.Name, err)
	}
	return l, nil
}

// prepare makes the descriptors that the loop waits for.
func (l *Link) prepare() (err error) {
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("create an event: %w", err)
	}
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("create a poller: %w", err)
	}
	l.wait = waiter{ep: l.ep, events: make([]unix.EpollEvent, maxEvents)}
	for _, fd := range []int{l.listen, l.wake} {
		if err := l.add(fd); err != nil {
			return fmt.Errorf("watch a descriptor: %w", err)
		}
	}
	return nil
}

// add watches a descriptor that is no side's.
func (l *Link) add(fd int) error {
	return unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}) //nolint:gosec // descriptors are small
}

// Serve forwards until ctx ends, and closes everything. It keeps a processor of the runtime (GOMAXPROCS) for itself.
func (l *Link) Serve(ctx context.Context) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer l.shut()
	defer context.AfterFunc(ctx, l.rouse)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	helpers.Go(func() { l.lookAgain(ctx) })
	helpers.Go(func() { l.sound(ctx) })
	runtime.LockOSThread() // what alert asks for is a thread's
	defer runtime.UnlockOSThread()
	alert()
	for ctx.Err() == nil {
		events, err := l.wait.await(l.clock.left(l.now()))
		if err != nil {
			return fmt.Errorf("link %s: wait for events: %w", l.cfg.Name, err)
		}
		if len(events) == 0 {
			l.clock.rang(l.now())
		}
		woken := false
		for _, e := range events {
			woken = l.handle(e) || woken
		}
		if woken {
			l.obey()
		}
		l.deliver()
	}
	return nil
}

// handle does what an event asks for, and reports whether somebody has called rouse.
func (l *Link) handle(e unix.EpollEvent) bool {
	fd, events := int(e.Fd), e.Events
	switch fd {
	case l.listen:
		l.accept()
		return false
	case l.wake:
		var count [8]byte
		_, _ = unix.Read(l.wake, count[:])
		if at := l.sounding.Swap(0); at != 0 {
			l.clock.sounded(at, l.now())
		}
		return true
	}
	if fd >= len(l.sides) || l.sides[fd] == nil || l.sides[fd].gen != e.Pad {
		return false // closed by an event before this one
	}
	s := l.sides[fd]
	if s.connecting {
		l.connected(s)
		return false
	}
	if events&unix.EPOLLOUT != 0 {
		l.flush(s, l.now())
	}
	if s.fd == fd && !s.readEnded && events&^unix.EPOLLOUT != 0 {
		l.read(s)
	}
	return false
}

// now is the time since the link began.
func (l *Link) now() int64 { return int64(time.Since(l.epoch)) }

// shut closes all that is open.
func (l *Link) shut() {
	for _, s := range l.sides {
		if s != nil {
			_ = unix.Close(s.fd)
		}
	}
	l.sides = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, fd := range []int{l.listen, l.reserve, l.wake, l.ep} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if l.addr.Network == "unix" {
		_ = unix.Unlink(l.addr.Address) // may be gone
	}
	close(l.done)
}

// errOver is the error of what is asked of a link whose loop has ended.
var errOver = errors.New("the link has ended")

// do lets the loop run f, and returns when it has. If ctx ends before that, f may still run.
func (l *Link) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	l.mu.Lock()
	l.asked = append(l.asked, func() { f(); close(ran) })
	l.mu.Unlock()
	l.rouse()
	select {
	case <-ran:
		return nil
	case <-l.done:
		return errOver
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// rouse wakes the loop.
func (l *Link) rouse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over { // its descriptor may be another's after that
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// obey runs what do was given.
func (l *Link) obey() {
	l.mu.Lock()
	asked := l.asked
	l.asked = nil
	l.mu.Unlock()
	for _, f := range asked {
		f()
	}
}
