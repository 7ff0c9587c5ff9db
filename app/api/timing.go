package api

import (
	"strconv"
	"time"
)

// Timing is what one response cost its server, as in the Server-Timing header.
type Timing struct {
	SQL       int           // queries
	SQLTime   time.Duration // sum over the queries
	Redis     int           // commands
	RedisTime time.Duration // sum over the round trips
	Wait      time.Duration // waiting for a database connection
	Total     time.Duration // from the first byte of the request to the headers of the response
	// Traceparent is the W3C header of the server span, or empty.
	Traceparent string
}

// Append appends the header's value to b:
//
//	sql;desc="62";dur=38.2, redis;desc="2";dur=0.3, wait;dur=0, total;dur=44.1, traceparent;desc="00-4bf9...-01"
//
// Durations are in milliseconds, to the microsecond.
func (t Timing) Append(b []byte) []byte {
	b = append(b, `sql;desc="`...)
	b = strconv.AppendInt(b, int64(t.SQL), 10)
	b = appendDur(append(b, `";dur=`...), t.SQLTime)
	b = append(b, `, redis;desc="`...)
	b = strconv.AppendInt(b, int64(t.Redis), 10)
	b = appendDur(append(b, `";dur=`...), t.RedisTime)
	b = appendDur(append(b, `, wait;dur=`...), t.Wait)
	b = appendDur(append(b, `, total;dur=`...), t.Total)
	if t.Traceparent != "" {
		b = append(b, `, traceparent;desc="`...)
		b = append(b, t.Traceparent...)
		b = append(b, '"')
	}
	return b
}

// Read reads what Append writes, except for Traceparent, into the fields of the entries that value has. Entries of others are ignored. It
// reports whether there was any of the app's.
func (t *Timing) Read(value []byte) (found bool) {
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
				if n, ok := Number(s.val); ok && n < 1<<31 {
					*count, found = int(n), true
				}
			case dur != nil && string(s.key) == "dur":
				if d, ok := millis(s.val); ok {
					*dur, found = d, true
				}
			}
		}
	}
	return found
}

// appendDur writes whole microseconds as milliseconds, without trailing zeros and without floating point: this runs for every request.
func appendDur(b []byte, d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	b = strconv.AppendInt(b, us/1000, 10)
	rest := us % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for unit := int64(100); rest > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
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
