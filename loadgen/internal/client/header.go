package client

import (
	"bytes"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// record keeps what the lab reads of a header: Server-Timing, Cache-Status, Age and Loadlab-Version.
func record(out *measure.Outcome, name, value []byte) {
	switch len(name) {
	case len("server-timing"):
		if equalFold(name, "server-timing") {
			recordTiming(out, value)
		}
	case len("cache-status"):
		if equalFold(name, "cache-status") {
			recordCache(out, value)
		}
	case len("age"):
		if equalFold(name, "age") {
			if age, ok := api.ParseAge(value); ok {
				out.Age = age
			}
		}
	case len("loadlab-version"):
		if equalFold(name, "loadlab-version") {
			if version, ok := api.ParseVersion(value); ok {
				out.Version = version
			}
		}
	}
}

// recordTiming reads a Server-Timing header. A response may have several, and one as a trailer.
func recordTiming(out *measure.Outcome, value []byte) {
	if out.Timing.Read(value) {
		out.Timed = true
	}
}

// recordCache reads the first Cache-Status header that has a value: that of the cache nearest to the origin.
func recordCache(out *measure.Outcome, value []byte) {
	if out.Cache == api.CacheNone {
		out.Cache, out.Stored = api.ReadCacheStatus(value)
	}
}

// cutHeader splits a header line. No server may send a blank before the colon; where one does, curl and net/http read on, and take the name with its blank
// for one that they do not know.
func cutHeader(line []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return nil, nil, false
	}
	return line[:i], api.Trim(line[i+1:]), true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// equalFold compares b with a string in lower case, ASCII only.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
