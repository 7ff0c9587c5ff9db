package housing

import "database/sql/driver"

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
