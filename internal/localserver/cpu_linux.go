package localserver

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU time that the process has used in all its threads, user and system, by the kernel's account to the nanosecond. It
// fails once the process has ended.
func (p *Process) CPU() (time.Duration, error) {
	select {
	case <-p.Done():
		return 0, errors.New("the process has ended")
	default:
	}
	return cpuClock(p.PID())
}

// cpuClock reads the CPU clock of a process.
func cpuClock(pid int) (time.Duration, error) {
	// The clock of another process: clock_getcpuclockid(3) computes it from the process's number like this.
	const scheduler = 2
	clock := ^int32(pid)<<3 | scheduler //nolint:gosec // a process's number has at most 22 bits
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}
