//go:build unix

package drive

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// readUsage returns zeros if the system does not account for it.
func readUsage() usage {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return usage{}
	}
	rss := int64(r.Maxrss) //nolint:unconvert // int32 on some systems
	if runtime.GOOS != "darwin" {
		rss <<= 10 // kilobytes elsewhere
	}
	return usage{user: time.Duration(r.Utime.Nano()), system: time.Duration(r.Stime.Nano()), maxRSS: rss}
}
