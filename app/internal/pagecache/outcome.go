package pagecache

import (
	"strconv"
	"time"

	"loadlab/app/api"
)

// Details of an outcome.
const (
	DetailRedis         = "redis-unavailable" // Redis failed, or had spent the request's budget
	DetailEarly         = "early"             // recomputed although it was still fresh
	DetailRefresh       = "refresh"           // stale, and this request started the refresh
	DetailRefreshFailed = "refresh-failed"    // recomputed early, in vain: the page is the old one, and fresh
	DetailComputeFailed = "compute-failed"
)

// Outcome is how a request got its page.
type Outcome struct {
	Result    api.CacheResult
	Stored    bool // the page was recomputed and stored
	Collapsed bool // the page was recomputed by another request
	// Age is how long ago the page was stored, and TTL how long it is still fresh, negative once it is stale; both by Redis' clock, and
	// both 0 for a page that never was in Redis.
	Age, TTL time.Duration
	Detail   string // one of the Detail names, or empty
}

func collapsed(err error) Outcome {
	if err != nil {
		return Outcome{Result: api.CacheError, Collapsed: true, Detail: DetailComputeFailed}
	}
	return Outcome{Result: api.CacheCoalesced, Collapsed: true}
}

// AppendCacheStatus appends the outcome as a value of the Cache-Status header (RFC 9211) to b:
//
//	loadlab; hit; ttl=41
//	loadlab; fwd=miss; stored
//	loadlab; fwd=miss; collapsed
//	loadlab; fwd=stale; ttl=-3; detail=refresh
//	loadlab; fwd=miss; detail=redis-unavailable
//
// ttl is in whole seconds, rounded down, so that a stale page's is below 0.
func (o Outcome) AppendCacheStatus(b []byte) []byte {
	b = append(b, "loadlab; "...)
	switch o.Result {
	case api.CacheHit:
		b = appendTTL(append(b, "hit"...), o.TTL)
	case api.CacheStale:
		b = appendTTL(append(b, "fwd=stale"...), o.TTL)
	default:
		b = append(b, "fwd=miss"...)
	}
	if o.Stored {
		b = append(b, "; stored"...)
	}
	if o.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if o.Detail != "" {
		b = append(append(b, "; detail="...), o.Detail...)
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
