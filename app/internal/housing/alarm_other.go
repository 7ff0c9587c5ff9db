//go:build !linux

package housing

// newAlarm returns the most precise alarm of the system: here, a timer.
func newAlarm() alarm { return newTimerAlarm() }
