package api

import (
	"strconv"
	"time"
)

// FormatAge returns the value of the Age header of a page that is d old: whole seconds, rounded down.
func FormatAge(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// ParseAge reads an Age header. 2^31 seconds, which stand for "too large" in RFC 9111, and more are no age.
func ParseAge(value []byte) (time.Duration, bool) {
	n, ok := Number(value)
	return time.Duration(n) * time.Second, ok && n < 1<<31
}

// FormatVersion returns the value of the Loadlab-Version header.
func FormatVersion(version int64) string { return strconv.FormatInt(version, 10) }

// ParseVersion reads a Loadlab-Version header.
func ParseVersion(value []byte) (int64, bool) { return Number(value) }
