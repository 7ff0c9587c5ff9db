package api

import (
	"strconv"
	"time"
)

// Timing is what one response cost its server, as the Server-Timing header tells it.
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
