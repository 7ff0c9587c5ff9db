package pagecache

import (
	"time"

	"loadlab/app/api"
)

// Details of an outcome.
const (
	DetailRedis         = api.DetailRedisFailed
	DetailRedisDown     = api.DetailRedisDown
	DetailRedisRefused  = api.DetailRedisRefused
	DetailEarly         = "early"          // recomputed although it was still fresh
	DetailRefresh       = "refresh"        // stale, and this request started the refresh
	DetailRefreshFailed = "refresh-failed" // recomputed in vain: the page is the old one, fresh or in its time of grace
	DetailRejected      = "fill-rejected"  // recomputed, and not stored: its lease was lost or revoked, or the page was outdated
	DetailWaitOver      = "wait-over"      // recomputed without a lease, and not stored: nobody had in the time that a recompute may take
	DetailFailsafe      = "failsafe"       // stale: the recompute failed
	DetailSoftTimeout   = "soft-timeout"   // stale: a recompute takes longer than a request waits for it, and goes on
	DetailThrottled     = "throttled"      // stale: the last recompute failed, and no other is tried yet
	DetailAbsent        = "absent"         // there is no such page, which this request found out or the cache remembers
	DetailComputeFailed = "compute-failed"
	DetailNotModified   = "not-modified" // Current, and nothing else befell it
	DetailL1            = "l1"           // the page is this process' own copy, and known to be what Redis has: it was tracked, or checked
	DetailL1Unchecked   = "l1-unchecked" // likewise, but Redis did not answer: the page is fresh, and may have been invalidated meanwhile
)

// Outcome is how a request got its page. Its detail is one of the Detail names, or empty, and its times are by Redis' clock: those
// of a page that l1 has kept are by how long Redis had it fresh when it was read.
type Outcome struct {
	api.CacheStatus
	Age time.Duration // how long ago the page was stored; 0 for a page that never was in Redis
	// Current is that the caller has the page already: see GetUnless.
	Current bool
}

// unchanged is the outcome of a request whose caller has the page already.
func (o Outcome) unchanged() Outcome {
	o.Current = true
	if o.Detail == "" {
		o.Detail = DetailNotModified
	}
	return o
}

// missed is the outcome of a request that recomputed its page, for the TTL.
func missed(stored bool, ttl time.Duration) Outcome {
	return Outcome{CacheStatus: api.CacheStatus{Result: api.CacheMiss, Stored: stored, TTL: ttl}}
}

// absent is the outcome of a request for what does not exist, which had a hit or has found out: that is no failure.
func (o Outcome) absent(trouble string) Outcome {
	switch {
	case o.Result != api.CacheError:
	case o.Collapsed:
		o.Result = api.CacheCoalesced
	default:
		o.Result = api.CacheMiss
	}
	o.Detail = ""
	if o = o.with(trouble); o.Detail == "" {
		o.Detail = DetailAbsent
	}
	return o
}

// with adds the trouble that Redis made to the outcome of a request that nothing else befell. A page that was recomputed because Redis did not
// answer is no miss: nobody knows whether it was there.
func (o Outcome) with(trouble string) Outcome {
	if trouble == "" || o.Detail != "" {
		return o
	}
	o.Detail = trouble
	if o.Result == api.CacheMiss && !o.Stored && trouble != DetailRedisRefused {
		o.Result = api.CacheDown
	}
	return o
}

// failed is the outcome of a request whose recompute failed.
func failed() Outcome {
	return Outcome{CacheStatus: api.CacheStatus{Result: api.CacheError, Detail: DetailComputeFailed}}
}

// collapsed is the outcome of a request that waited for another one's recompute, which ended with err.
func collapsed(err error) Outcome {
	if err != nil {
		out := failed()
		out.Collapsed = true
		return out
	}
	return Outcome{CacheStatus: api.CacheStatus{Result: api.CacheCoalesced, Collapsed: true}}
}
