package api

import (
	"strconv"
	"time"
)

// Details of a CacheStatus that are about Redis.
const (
	DetailRedisFailed  = "redis-unavailable" // Redis did not answer, or had spent the request's budget
	DetailRedisDown    = "redis-down"        // Redis was known not to answer, and was not asked
	DetailRedisRefused = "redis-refused"     // Redis answered with an error: it is full, or takes no writes
)

// CacheStatus is how a cache answered a request, as in the Cache-Status header (RFC 9211).
type CacheStatus struct {
	Result    CacheResult
	Stored    bool          // the page was recomputed and stored
	Collapsed bool          // the recompute was another request's
	TTL       time.Duration // how long the page is still fresh, negative once it is stale; 0 if it was not in the cache
	Detail    string        // a token with more detail, or empty
}

// Append appends the header's value to b:
//
//	loadlab; hit; ttl=41
//	loadlab; fwd=miss; stored
//	loadlab; fwd=miss; collapsed
//	loadlab; fwd=stale; ttl=-3; detail=refresh
//	loadlab; fwd=miss; detail=redis-unavailable
//	loadlab; fwd=bypass
//
// ttl is in whole seconds, rounded down, so that a stale page's is below 0. The header has no word for CacheError and CacheDown. The first
// is a miss, and the response's status shows that it failed; the second a miss that is not stored, and the detail shows why.
func (s CacheStatus) Append(b []byte) []byte {
	b = append(b, "loadlab; "...)
	switch s.Result {
	case CacheHit:
		b = appendTTL(append(b, "hit"...), s.TTL)
	case CacheStale:
		b = appendTTL(append(b, "fwd=stale"...), s.TTL)
	case CacheBypass:
		b = append(b, "fwd=bypass"...)
	default:
		b = append(b, "fwd=miss"...)
	}
	if s.Stored {
		b = append(b, "; stored"...)
	}
	if s.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if s.Detail != "" {
		b = append(append(b, "; detail="...), s.Detail...)
	}
	return b
}

func appendTTL(b []byte, d time.Duration) []byte {
	s := d / time.Second
	if d%time.Second < 0 {
		s--
	}
	return strconv.AppendInt(append(b, "; ttl="...), int64(s), 10)
}

// ReadCacheStatus reads the first member of a Cache-Status header, which is of the cache nearest to the origin: the app's own. The result
// is CacheNone if the member has none, and never CacheError. A hit whose ttl is negative was stale, whatever else it has.
func ReadCacheStatus(value []byte) (result CacheResult, stored bool) {
	s := list{b: value}
	if !s.member() {
		return CacheNone, false
	}
	var hit, stale, collapsed, down bool
	forward := CacheNone
	for s.param() {
		switch string(s.key) {
		case "hit":
			hit = s.yes()
		case "stored":
			stored = s.yes()
		case "collapsed":
			collapsed = s.yes()
		case "detail":
			down = string(s.val) == DetailRedisFailed || string(s.val) == DetailRedisDown
		case "ttl":
			stale = len(s.val) > 0 && s.val[0] == '-'
		case "fwd":
			switch string(s.val) {
			case "stale":
				forward = CacheStale
			case "bypass", "method", "request":
				forward = CacheBypass
			default:
				forward = CacheMiss
			}
		}
	}
	switch {
	case collapsed:
		return CacheCoalesced, stored
	case forward == CacheMiss && down && !stored:
		return CacheDown, stored
	case forward != CacheNone:
		return forward, stored
	case hit && stale:
		return CacheStale, stored
	case hit:
		return CacheHit, stored
	}
	return CacheNone, stored
}
