package housing

import (
	"context"
	"database/sql/driver"
	"time"
)

// RowBytes is the least length of a property's texts together.
const RowBytes = rowBytes

// WithDriver returns the options with a connector between the Store and its driver.
func WithDriver(o Options, wrap func(driver.Connector) driver.Connector) Options {
	o.wrap = wrap
	return o
}

// WithTimers returns the options with alarms that go by the time of package time, which may be virtual.
func WithTimers(o Options) Options {
	o.alarm = newTimerAlarm
	return o
}

// NewAlarm returns the system's alarm.
func NewAlarm() (wait func(context.Context, time.Duration) error, closeAlarm func()) {
	a := newAlarm()
	return a.wait, a.close
}
