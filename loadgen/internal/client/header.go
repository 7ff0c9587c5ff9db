package client

import (
	"time"

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
			if n, ok := number(value); ok && n < 1<<31 {
				out.Age = time.Duration(n) * time.Second
			}
		}
	case len("loadlab-version"):
		if equalFold(name, "loadlab-version") {
			if n, ok := number(value); ok {
				out.Version = n
			}
		}
	}
}

// recordTiming reads the app's entries of a Server-Timing header (api.Timing.Append writes them). Entries of others are ignored: a
// response that has no others was not Timed.
func recordTiming(out *measure.Outcome, value []byte) {
	t := &out.Timing
	s := list{b: value}
	for s.member() {
		var count *int
		var dur *time.Duration
		switch string(s.name) {
		case "sql":
			count, dur = &t.SQL, &t.SQLTime
		case "redis":
			count, dur = &t.Redis, &t.RedisTime
		case "wait":
			dur = &t.Wait
		case "total":
			dur = &t.Total
		}
		for s.param() {
			switch {
			case count != nil && string(s.key) == "desc":
				if n, ok := number(s.val); ok && n < 1<<31 {
					*count, out.Timed = int(n), true
				}
			case dur != nil && string(s.key) == "dur":
				if d, ok := millis(s.val); ok {
					*dur, out.Timed = d, true
				}
			}
		}
	}
}

// recordCache reads the first member of a Cache-Status header (RFC 9211): the cache nearest to the origin, which is the app's own. A hit
// whose ttl is negative was stale, whatever else it says.
func recordCache(out *measure.Outcome, value []byte) {
	s := list{b: value}
	if out.Cache != api.CacheNone || !s.member() {
		return
	}
	var hit, stale, collapsed bool
	forward := api.CacheNone
	for s.param() {
		switch string(s.key) {
		case "hit":
			hit = s.yes()
		case "stored":
			out.Stored = s.yes()
		case "collapsed":
			collapsed = s.yes()
		case "ttl":
			stale = len(s.val) > 0 && s.val[0] == '-'
		case "fwd":
			switch string(s.val) {
			case "stale":
				forward = api.CacheStale
			case "bypass", "method", "request":
				forward = api.CacheBypass
			default:
				forward = api.CacheMiss
			}
		}
	}
	switch {
	case collapsed:
		out.Cache = api.CacheCoalesced
	case forward != api.CacheNone:
		out.Cache = forward
	case hit && stale:
		out.Cache = api.CacheStale
	case hit:
		out.Cache = api.CacheHit
	}
}

// list walks a header such as `sql;desc="62";dur=38.2, redis;dur=1` without allocating. It goes on behind what it does not understand.
type list struct {
	b        []byte
	i        int
	name     []byte // of the member
	key, val []byte // of the parameter; val is nil if it has none
}

// member steps to the next member of the list.
func (s *list) member() bool {
	for s.i > 0 && s.param() { // what the caller left of the last one
	}
	for s.i < len(s.b) && (s.b[s.i] == ',' || blank(s.b[s.i])) {
		s.i++
	}
	if s.i >= len(s.b) {
		return false
	}
	s.name = s.item()
	return true
}

// param steps to the next parameter of the member.
func (s *list) param() bool {
	for s.i < len(s.b) && s.b[s.i] != ';' {
		if s.b[s.i] == ',' {
			return false
		}
		s.item()
		if s.i < len(s.b) && s.b[s.i] == '=' {
			s.i++
		}
	}
	if s.i >= len(s.b) {
		return false
	}
	s.i++
	s.key, s.val = s.item(), nil
	if s.i < len(s.b) && s.b[s.i] == '=' {
		s.i++
		s.val = s.item()
	}
	return true
}

// yes is the value of a boolean parameter: true if it is only named (RFC 8941).
func (s *list) yes() bool { return s.val == nil || string(s.val) == "?1" }

// item reads a token, or a quoted string without its quotes, up to the next of `;,=`. Escapes stay as they are.
func (s *list) item() []byte {
	for s.i < len(s.b) && blank(s.b[s.i]) {
		s.i++
	}
	start := s.i
	if start < len(s.b) && s.b[start] == '"' {
		for s.i++; s.i < len(s.b) && s.b[s.i] != '"'; s.i++ {
			if s.b[s.i] == '\\' {
				s.i++
			}
		}
		s.i = min(s.i, len(s.b))
		quoted := s.b[start+1 : s.i]
		s.bare()
		return quoted
	}
	s.bare()
	return trim(s.b[start:s.i])
}

func (s *list) bare() {
	for s.i < len(s.b) && s.b[s.i] != ';' && s.b[s.i] != ',' && s.b[s.i] != '=' {
		s.i++
	}
}

// millis reads a decimal number of milliseconds, to the nanosecond.
func millis(b []byte) (time.Duration, bool) {
	var whole, frac int64
	unit := int64(time.Millisecond)
	digits, point := 0, false
	for _, c := range b {
		switch {
		case c == '.' && !point:
			point = true
		case !digit(c) || whole > 1<<40:
			return 0, false
		case !point:
			whole = whole*10 + int64(c-'0')
			digits++
		default:
			unit /= 10
			frac += int64(c-'0') * unit
			digits++
		}
	}
	return time.Duration(min(whole, 1<<40)*int64(time.Millisecond) + frac), digits > 0
}

// cutHeader splits a header line. There is no name if the line is folded (it begins with a blank), or if a blank precedes the colon.
func cutHeader(line []byte) (name, value []byte, ok bool) {
	for i, c := range line {
		switch c {
		case ':':
			return line[:i], trim(line[i+1:]), i > 0
		case ' ', '\t':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// number reads an unsigned decimal number of at most 18 digits.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if !digit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

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
	case digit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func trim(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func blank(c byte) bool { return c == ' ' || c == '\t' }
