package link

import (
	"context"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// clock is the moment for which the loop waits, and how late the loop is at it: a sleeping thread is woken some tens of microseconds late, by the
// time and by a socket, and a link that did not allow for that would be longer than it says. All is in ns since the link began.
type clock struct {
	due  int64  // of what is waited for; 0 if nothing is
	wake median // from the moment when the loop should have been woken to when it was
	send median // from then to when the first of what was due had been written
	woke int64  // when it was woken by the time; 0 after it has written
	read median // from when there is something to read to when the loop handles it; see sound
}

// set waits for a moment, or with 0 for none.
func (c *clock) set(due int64) { c.due = due }

// left returns how long there is to wait now; below 0 is without end.
func (c *clock) left(now int64) time.Duration {
	if c.due == 0 {
		return -1
	}
	return time.Duration(max(c.due-int64(c.wake)-int64(c.send)-now, 0))
}

// rang is called when the loop was woken and there were no events: by the time, or by a signal.
func (c *clock) rang(now int64) {
	late := now - (c.due - int64(c.wake) - int64(c.send))
	if c.due == 0 || late < 0 {
		return
	}
	c.wake.learn(late)
	c.woke = now
}

// sent is called when something has been written.
func (c *clock) sent(now int64) {
	if c.woke != 0 {
		c.send.learn(now - c.woke)
		c.woke = 0
	}
}

// sounded is called when the loop handles a sounding that was made at a moment.
func (c *clock) sounded(at, now int64) { c.read.learn(now - at) }

// median follows the median of what it learns: a step up for each value that is greater, a step down for each that is smaller.
type median int64

func (m *median) learn(late int64) {
	const step, most = int64(500 * time.Nanosecond), int64(200 * time.Microsecond)
	if late > int64(*m) {
		*m = median(min(int64(*m)+step, most))
	} else {
		*m = median(max(int64(*m)-step, 0))
	}
}

// sound wakes the loop now and then, until ctx ends, so that it learns how late it is at what there is to read: a virtual machine may be woken by
// the time far later than by a socket, and nothing tells when bytes came to one. It begins with as many soundings as the median needs.
func (l *Link) sound(ctx context.Context) {
	const first, quick, slow = 200, time.Millisecond, 100 * time.Millisecond
	for n := 0; ; n++ {
		pause := slow
		if n < first {
			pause = quick
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		l.sounding.Store(l.now())
		l.rouse()
	}
}

// waiter waits for events.
type waiter struct {
	ep     int
	events []unix.EpollEvent
	limit  unix.Timespec
	old    bool // there is no epoll_pwait2: the kernel is before 5.11, or a sandbox does not know it
}

// await blocks until there are events, or for so long; below 0 is without end. It does not tell the scheduler that the thread blocks, which would
// hand the thread's processor on and have to get one back for each wake-up: that costs more than all else that a link does. The runtime's
// signals interrupt it: then it returns none, too soon.
func (w *waiter) await(wait time.Duration) ([]unix.EpollEvent, error) {
	w.limit = unix.NsecToTimespec(int64(max(wait, 0)))
	limit := &w.limit
	if wait < 0 {
		limit = nil
	}
	n, errno := 0, unix.ENOSYS
	if !w.old {
		n, errno = epoll(unix.SYS_EPOLL_PWAIT2, w.ep, w.events, uintptr(unsafe.Pointer(limit)))
	}
	if errno == unix.ENOSYS || errno == unix.EPERM {
		w.old = true
		poll := unix.PollFd{Fd: int32(w.ep), Events: unix.POLLIN} //nolint:gosec // descriptors are small
		_, _, errno = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(limit)), 0, 0, 0)
		if errno == 0 {
			n, errno = epoll(unix.SYS_EPOLL_PWAIT, w.ep, w.events, 0)
		}
	}
	if errno == unix.EINTR {
		return nil, nil
	}
	if errno != 0 {
		return nil, errno
	}
	return w.events[:n], nil
}

// epoll is one of the calls that wait for events.
func epoll(call uintptr, ep int, events []unix.EpollEvent, limit uintptr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(call, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), limit, 0, 0)
	return int(n), errno //nolint:gosec // at most len(events)
}

// alert asks the kernel to wake this thread when it should be woken: by the time without the 50 microseconds that it may be late otherwise, and
// by the scheduler before threads that compute, as one that runs for a short time only (since Linux 6.12) and, for who may ask for it, with a
// higher priority: a wire does not wait for a processor. A kernel that refuses makes the link later, which a ping shows.
func alert() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	const slice = 100 * time.Microsecond // the shortest that there is
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return
	}
	attr.Runtime = uint64(slice)
	_ = unix.SchedSetAttr(0, attr, 0)
	attr.Nice = min(attr.Nice, -10)
	_ = unix.SchedSetAttr(0, attr, 0)
}
