//go:build !linux

package drive

import "context"

// SystemAlarm is the most precise alarm of the system: here, TimerAlarm.
func SystemAlarm(ctx context.Context) (Alarm, error) { return TimerAlarm(ctx) }
