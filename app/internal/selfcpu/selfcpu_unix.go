//go:build unix

// Package selfcpu is the CPU time that this process has used, by the operating system's account.
package selfcpu

import (
	"syscall"
	"time"
)

// Used returns the user and the system time of all threads; zeros where the system keeps no account of them.
func Used() (user, system time.Duration) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, 0
	}
	return time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano())
}
