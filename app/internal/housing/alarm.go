package housing

import (
	"context"
	"time"
)

// alarm waits, for one connection: it is used by one goroutine at a time.
type alarm interface {
	// wait returns after d, or with the context's error when that ends first.
	wait(ctx context.Context, d time.Duration) error
	close()
}

// Pause returns after d, as precisely as the system can, or with the context's error when that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	a := newAlarm()
	defer a.close()
	return a.wait(ctx, d)
}

// timerAlarm is an alarm by time.Timer: portable, and good for virtual time. The Go runtime rounds waits below a millisecond up, so that
// it is half a millisecond late or more.
type timerAlarm struct{}

func newTimerAlarm() alarm { return timerAlarm{} }

func (timerAlarm) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (timerAlarm) close() {}
