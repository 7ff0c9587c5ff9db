//go:build unix

// Package selfcpu is what this process has used: CPU time by the operating system's account, and what the Go runtime knows of itself.
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
