package drive

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// SystemAlarm is the most precise alarm of the system: a timerfd, which the Go runtime's poller waits for as it waits for sockets. The
// kernel wakes it to some ten microseconds, where the runtime's own timers round up to the next millisecond (golang/go#44343).
func SystemAlarm(ctx context.Context) (Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create timerfd: %w", err)
	}
	a := &timerfd{fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), ctx: ctx.Done()}
	if err := a.calibrate(); err != nil {
		a.file.Close()
		return nil, err
	}
	if a.file.SetReadDeadline(time.Time{}) != nil { // the poller did not take it: reads would not wait
		a.file.Close()
		return TimerAlarm(ctx)
	}
	// A deadline in the past ends a read that is under way.
	a.forget = context.AfterFunc(ctx, func() { _ = a.file.SetReadDeadline(time.Unix(1, 0)) })
	return a, nil
}

type timerfd struct {
	fd     int
	file   *os.File
	ctx    <-chan struct{}
	forget func() bool

	// One moment on both clocks. time.Time has CLOCK_MONOTONIC's differences, but not its value.
	epoch time.Time
	mono  int64

	spec unix.ItimerSpec // here and not on the stack of Wait, so that it costs no allocation
	buf  [8]byte
}

// calibrate reads both clocks as close together as it can.
func (a *timerfd) calibrate() error {
	best := time.Duration(1 << 62)
	for range 5 {
		var ts unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return fmt.Errorf("read the monotonic clock: %w", err)
		}
		if between := time.Since(before); between < best {
			best = between
			a.epoch, a.mono = before.Add(between/2), ts.Nano()
		}
	}
	return nil
}

func (a *timerfd) Wait(t time.Time) bool {
	if time.Until(t) > 0 {
		a.spec.Value = unix.NsecToTimespec(a.mono + t.Sub(a.epoch).Nanoseconds())
		if err := unix.TimerfdSettime(a.fd, unix.TFD_TIMER_ABSTIME, &a.spec, nil); err == nil {
			// The number of expirations is of no interest; an error is the end of the context.
			_, _ = a.file.Read(a.buf[:])
		}
	}
	select {
	case <-a.ctx:
		return false
	default:
		return true
	}
}

func (a *timerfd) Close() error {
	a.forget()
	return a.file.Close()
}
