package api_test

import (
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestCacheStatusAppend(t *testing.T) {
	for _, tc := range []struct {
		status api.CacheStatus
		want   string
	}{
		{api.CacheStatus{Result: api.CacheHit, TTL: 41900 * time.Millisecond}, "loadlab; hit; ttl=41"},
		{api.CacheStatus{Result: api.CacheHit, TTL: 400 * time.Millisecond}, "loadlab; hit; ttl=0"},
		{api.CacheStatus{Result: api.CacheHit, TTL: time.Second, Detail: "refresh-failed"},
			"loadlab; hit; ttl=1; detail=refresh-failed"},
		{api.CacheStatus{Result: api.CacheMiss, Stored: true, TTL: time.Minute}, "loadlab; fwd=miss; stored"},
		{api.CacheStatus{Result: api.CacheMiss, Stored: true, Detail: "early"}, "loadlab; fwd=miss; stored; detail=early"},
		{api.CacheStatus{Result: api.CacheCoalesced, Collapsed: true}, "loadlab; fwd=miss; collapsed"},
		{api.CacheStatus{Result: api.CacheStale, TTL: -3 * time.Second}, "loadlab; fwd=stale; ttl=-3"},
		{api.CacheStatus{Result: api.CacheStale, TTL: -2001 * time.Millisecond, Detail: "refresh"},
			"loadlab; fwd=stale; ttl=-3; detail=refresh"},
		{api.CacheStatus{Result: api.CacheStale, TTL: -time.Millisecond}, "loadlab; fwd=stale; ttl=-1"},
		{api.CacheStatus{Result: api.CacheBypass}, "loadlab; fwd=bypass"},
		{api.CacheStatus{Result: api.CacheMiss, Detail: "redis-unavailable"}, "loadlab; fwd=miss; detail=redis-unavailable"},
		{api.CacheStatus{Result: api.CacheDown, Detail: api.DetailRedisDown}, "loadlab; fwd=miss; detail=redis-down"},
		{api.CacheStatus{Result: api.CacheError, Collapsed: true, Detail: "compute-failed"},
			"loadlab; fwd=miss; collapsed; detail=compute-failed"},
	} {
		if got := string(tc.status.Append([]byte("x: "))); got != "x: "+tc.want {
			t.Errorf("%+v: got %q, want %q", tc.status, got, tc.want)
		}
	}
}

func TestReadCacheStatus(t *testing.T) {
	for _, tc := range []struct {
		value  string
		want   api.CacheResult
		stored bool
	}{
		{`loadlab; hit; ttl=41`, api.CacheHit, false},
		{`loadlab;hit=?1`, api.CacheHit, false},
		{`loadlab; hit=?0`, api.CacheNone, false},
		{`loadlab; hit; ttl=-3`, api.CacheStale, false},
		{`loadlab; fwd=stale; stored`, api.CacheStale, true},
		{`loadlab; hit; fwd=stale; detail=refreshing`, api.CacheStale, false},
		{`loadlab; fwd=miss; stored; ttl=60`, api.CacheMiss, true},
		{`loadlab; fwd=uri-miss; stored=?0`, api.CacheMiss, false},
		{`loadlab; fwd=miss; collapsed`, api.CacheCoalesced, false},
		{`loadlab; fwd=miss; detail=redis-down`, api.CacheDown, false},
		{`loadlab; fwd=miss; detail=redis-unavailable`, api.CacheDown, false},
		{`loadlab; fwd=miss; detail=redis-refused`, api.CacheMiss, false},
		{`loadlab; fwd=miss; stored; detail=redis-unavailable`, api.CacheMiss, true},
		{`loadlab; fwd=miss; collapsed; detail=redis-down`, api.CacheCoalesced, false},
		{`loadlab; fwd=stale; ttl=-3; detail=redis-down`, api.CacheStale, false},
		{`loadlab; fwd=bypass; detail="redis; hit"`, api.CacheBypass, false},
		{`"load, lab"; hit, CDN; fwd=miss`, api.CacheHit, false},
		{`loadlab`, api.CacheNone, false},
		{``, api.CacheNone, false},
	} {
		if got, stored := api.ReadCacheStatus([]byte(tc.value)); got != tc.want || stored != tc.stored {
			t.Errorf("%s: got %s, stored %t, want %s, %t", tc.value, got, stored, tc.want, tc.stored)
		}
	}
}

// FuzzCacheStatusRoundTrip: what the app writes is what is read, as far as the header has words for it.
func FuzzCacheStatusRoundTrip(f *testing.F) {
	f.Add(uint8(api.CacheStale), false, false, int64(-3e9), "refresh")
	f.Add(uint8(api.CacheError), false, true, int64(0), "hit")
	f.Add(uint8(api.CacheMiss-1), false, false, int64(0), "redis-unavailable")
	f.Fuzz(func(t *testing.T, result uint8, stored, collapsed bool, ttl int64, detail string) {
		s := api.CacheStatus{Result: 1 + api.CacheResult(result)%(api.CacheResults-1), Stored: stored, TTL: time.Duration(ttl), Detail: token(detail)}
		want := s.Result
		switch s.Result {
		case api.CacheHit:
			if s.TTL < 0 {
				want = api.CacheStale
			}
		case api.CacheCoalesced:
			s.Collapsed = true
		case api.CacheError: // for which the header has no word
			s.Collapsed, want = collapsed, api.CacheMiss
			if collapsed {
				want = api.CacheCoalesced
			}
		case api.CacheDown:
			s.Stored, s.Detail = false, api.DetailRedisDown
		}
		if down := s.Detail == api.DetailRedisDown || s.Detail == api.DetailRedisFailed; want == api.CacheMiss && down && !s.Stored {
			want = api.CacheDown
		}
		value := s.Append(nil)
		if got, stored := api.ReadCacheStatus(value); got != want || stored != s.Stored {
			t.Errorf("%q: got %s, stored %t, want %s, %t", value, got, stored, want, s.Stored)
		}
	})
}

// token is what a token (RFC 9110) may have of s.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return r
		}
		return -1
	}, s)
}
