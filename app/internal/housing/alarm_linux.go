package housing

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// newAlarm returns the most precise alarm of the system: a timerfd, which the runtime's poller waits for as it waits for sockets. The kernel
// fires it within some ten microseconds, where the runtime's own timers round up to the next millisecond (golang/go#44343). Where there is
// none left to be had, it is a timer.
func newAlarm() alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return newTimerAlarm()
	}
	a := &timerfd{file: os.NewFile(uintptr(fd), "timerfd")}
	a.arm = a.rearm
	if a.raw, err = a.file.SyscallConn(); err != nil || a.file.SetReadDeadline(time.Time{}) != nil { // the poller did not take it
		a.file.Close()
		return newTimerAlarm()
	}
	return a
}

// timerfd costs one system call a wait, which arms it. That it has fired is seen on the clock, so that nothing is read from it: to arm it
// again makes it unreadable again.
type timerfd struct {
	file *os.File
	raw  syscall.RawConn
	arm  func(fd uintptr) bool // rearm, which is then allocated once

	due  time.Time
	err  error // of the last rearm
	spec unix.ItimerSpec

	mu     sync.Mutex // guards number
	number int        // of waits; a cancellation that comes too late for its own must not end the next
}

// wait implements alarm.
func (a *timerfd) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	a.due, a.err = time.Now().Add(d), nil
	if ctx.Done() != nil {
		number := a.number // only this goroutine writes it
		stop := context.AfterFunc(ctx, func() { a.cancel(number) })
		defer func() {
			if !stop() {
				a.next()
			}
		}()
	}
	err := a.raw.Read(a.arm)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ctx.Err()
	case err == nil:
		err = a.err
	}
	if err != nil {
		return timerAlarm{}.wait(ctx, time.Until(a.due))
	}
	return nil
}

// rearm reports whether the wait is over, and sets the timer to its rest if it isn't. It is called by the poller, which has forgotten by
// then that the timer fired earlier, and calls again whenever it fires: a wake-up that was meant for an earlier wait does no harm.
func (a *timerfd) rearm(fd uintptr) bool {
	rest := time.Until(a.due)
	if rest <= 0 {
		return true
	}
	a.spec.Value = unix.NsecToTimespec(int64(rest))
	a.err = unix.TimerfdSettime(int(fd), 0, &a.spec, nil)
	return a.err != nil
}

// cancel ends the wait of that number if it goes on: a read is ended by a deadline in the past.
func (a *timerfd) cancel(number int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if number == a.number {
		_ = a.file.SetReadDeadline(time.Unix(1, 0))
	}
}

// next takes back the end of a wait whose context has ended.
func (a *timerfd) next() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	_ = a.file.SetReadDeadline(time.Time{})
}

func (a *timerfd) close() { a.file.Close() }
