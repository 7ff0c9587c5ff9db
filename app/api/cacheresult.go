package api

// CacheResult is what a cache had for a request. Its names are the values of the metrics' and spans' result, and the keys of counts by
// result.
type CacheResult uint8

// Cache results.
const (
	CacheNone      CacheResult = iota // no cache has answered
	CacheHit                          // a fresh page
	CacheStale                        // a page past its TTL
	CacheMiss                         // no page: the request recomputed it
	CacheCoalesced                    // no page: another request recomputed it
	CacheBypass                       // the cache was not asked
	CacheError                        // no page, and the recompute failed
	CacheDown                         // the cache did not answer: the request recomputed the page without it
	CacheResults                      // how many there are
)

// String returns the result's name: "hit".
func (r CacheResult) String() string {
	return [CacheResults]string{"none", "hit", "stale", "miss", "coalesced", "bypass", "error", "down"}[r]
}
