package api

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"
)

// etagSize is the length of an entity tag between its quotes.
const etagSize = 16

// FormatETag returns a strong entity tag: the tag of a page in hexadecimal.
func FormatETag(tag uint64) string {
	return string(appendTag(make([]byte, 0, etagSize+2), tag))
}

func appendTag(b []byte, tag uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], tag)
	return append(hex.AppendEncode(append(b, '"'), raw[:]), '"')
}

// Matches reports whether an If-None-Match header, given as its lines, names the tag of a page that there is: by a weak comparison, as RFC 9110 has it (section
// 13.1.2), or by being "*". Of a line that is no list of entity tags only what precedes the fault counts.
func Matches(lines []string, tag uint64) bool {
	if len(lines) == 1 && string(Trim([]byte(lines[0]))) == "*" {
		return true
	}
	var want [etagSize + 2]byte
	appendTag(want[:0], tag)
	for _, line := range lines {
		for rest := line; ; {
			var opaque string
			var ok bool
			if opaque, rest, ok = nextETag(rest); !ok {
				break
			}
			if opaque == string(want[:]) {
				return true
			}
		}
	}
	return false
}

// nextETag returns the first entity tag of a list, with its quotes and without W/, and the list after it.
func nextETag(list string) (opaque, rest string, ok bool) {
	for len(list) > 0 && (list[0] == ',' || blank(list[0])) {
		list = list[1:]
	}
	n := etagLen(list)
	if n == 0 {
		return "", "", false
	}
	opaque, rest = list[:n], list[n:]
	if opaque[0] == 'W' {
		opaque = opaque[len("W/"):]
	}
	for len(rest) > 0 && blank(rest[0]) {
		rest = rest[1:]
	}
	return opaque, rest, rest == "" || rest[0] == ','
}

// etagLen returns how long the entity tag is that s begins with; 0 if it begins with none.
func etagLen[T string | []byte](s T) int {
	i := 0
	if len(s) > 1 && s[0] == 'W' && s[1] == '/' {
		i = len("W/")
	}
	if i >= len(s) || s[i] != '"' {
		return 0
	}
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c < '!' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// IsETag reports whether a value is an entity tag, and nothing else: what an ETag header may have.
func IsETag(value []byte) bool { return len(value) > 0 && etagLen(value) == len(value) }

// CacheControl is how long a page may be used by caches between the app and its user.
type CacheControl struct {
	MaxAge time.Duration // since the page was stored by the app
	Grace  time.Duration // beyond that: while it is asked for again, and if that fails (RFC 5861)
}

// String returns the header's value, in whole seconds, rounded down:
//
//	public, max-age=60, stale-while-revalidate=10, stale-if-error=10
func (c CacheControl) String() string {
	b := append(make([]byte, 0, 72), "public, max-age="...)
	b = strconv.AppendInt(b, int64(max(c.MaxAge, 0)/time.Second), 10)
	for _, directive := range []string{", stale-while-revalidate=", ", stale-if-error="} {
		b = strconv.AppendInt(append(b, directive...), int64(max(c.Grace, 0)/time.Second), 10)
	}
	return string(b)
}
