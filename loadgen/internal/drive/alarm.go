package drive

import (
	"context"
	"io"
	"time"
)

// Alarm wakes one goroutine at given moments.
type Alarm interface {
	// Wait blocks until t, which may be past. It reports false if the alarm's context has ended.
	Wait(t time.Time) bool
	io.Closer
}

// TimerAlarm is an alarm by time.Timer: portable and good for virtual time. The Go runtime rounds waits below a millisecond up, so that
// it is half a millisecond late on average.
func TimerAlarm(ctx context.Context) (Alarm, error) {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &timerAlarm{timer: t, done: ctx.Done()}, nil
}

type timerAlarm struct {
	timer *time.Timer
	done  <-chan struct{}
}

func (a *timerAlarm) Wait(t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		select {
		case <-a.done:
			return false
		default:
			return true
		}
	}
	a.timer.Reset(d)
	select {
	case <-a.timer.C:
		return true
	case <-a.done:
		a.timer.Stop()
		return false
	}
}

func (a *timerAlarm) Close() error {
	a.timer.Stop()
	return nil
}
