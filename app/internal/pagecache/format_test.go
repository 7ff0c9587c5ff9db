package pagecache_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/app/internal/pagecache"
	"loadlab/otel/signal"
)

func TestCacheStatus(t *testing.T) {
	for _, tc := range []struct {
		out  pagecache.Outcome
		want string
	}{
		{pagecache.Outcome{Result: signal.ResultHit, TTL: 41900 * time.Millisecond, Age: 19 * time.Second}, "loadlab; hit; ttl=41"},
		{pagecache.Outcome{Result: signal.ResultHit, TTL: 400 * time.Millisecond}, "loadlab; hit; ttl=0"},
		{pagecache.Outcome{Result: signal.ResultHit, TTL: time.Second, Detail: pagecache.DetailRefreshFailed},
			"loadlab; hit; ttl=1; detail=refresh-failed"},
		{pagecache.Outcome{Result: signal.ResultMiss, Stored: true, TTL: time.Minute}, "loadlab; fwd=miss; stored"},
		{pagecache.Outcome{Result: signal.ResultMiss, Stored: true, Detail: pagecache.DetailEarly}, "loadlab; fwd=miss; stored; detail=early"},
		{pagecache.Outcome{Result: signal.ResultCoalesced, Collapsed: true}, "loadlab; fwd=miss; collapsed"},
		{pagecache.Outcome{Result: signal.ResultStale, TTL: -3 * time.Second}, "loadlab; fwd=stale; ttl=-3"},
		{pagecache.Outcome{Result: signal.ResultStale, TTL: -2001 * time.Millisecond, Detail: pagecache.DetailRefresh},
			"loadlab; fwd=stale; ttl=-3; detail=refresh"},
		{pagecache.Outcome{Result: signal.ResultStale, TTL: -time.Millisecond}, "loadlab; fwd=stale; ttl=-1"},
		{pagecache.Outcome{Result: signal.ResultMiss, Detail: pagecache.DetailRedis}, "loadlab; fwd=miss; detail=redis-unavailable"},
		{pagecache.Outcome{Result: signal.ResultError, Collapsed: true, Detail: pagecache.DetailComputeFailed},
			"loadlab; fwd=miss; collapsed; detail=compute-failed"},
	} {
		if got := string(tc.out.AppendCacheStatus([]byte("x: "))); got != "x: "+tc.want {
			t.Errorf("%+v: got %q, want %q", tc.out, got, tc.want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		config pagecache.Config
		want   string
	}{
		{pagecache.Config{}, ""},
		{pagecache.Config{TTL: time.Millisecond, Grace: time.Hour, Beta: 0.5}, ""},
		{pagecache.Config{Grace: -1}, "grace must be from 0s to 24h, got -1ns"},
		{pagecache.Config{LockTTL: time.Microsecond}, "lock_ttl must be from 1ms to 24h, got 1µs"},
		{pagecache.Config{RedisBudget: -time.Second}, "redis_budget must be from 1ms to 24h, got -1s"},
		{pagecache.Config{Beta: -1}, "beta must be from 0.001 to 1000, got -1"},
		{pagecache.Config{Beta: math.NaN()}, "beta must be from 0.001 to 1000, got NaN"},
		{pagecache.Config{Beta: math.Inf(1)}, "beta must be from 0.001 to 1000, got +Inf"},
	} {
		got := ""
		if err := tc.config.Validate(); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.config, got, tc.want)
		}
	}
	got := pagecache.New(nil, "", pagecache.Config{}).Config()
	if got.TTL != time.Minute || got.Grace != 0 || got.LockTTL != 5*time.Second || got.Beta != 1 ||
		got.RedisBudget != 250*time.Millisecond || got.ComputeTimeout != 30*time.Second {
		t.Errorf("the defaults are %+v", got)
	}
}

func TestOptions(t *testing.T) {
	const budget = 50 * time.Millisecond
	o, err := pagecache.Options("redis://user:secret@localhost:6380/3?pool_size=7", budget)
	if err != nil {
		t.Fatal(err)
	}
	if o.Addr != "localhost:6380" || o.DB != 3 || o.Username != "user" || o.Password != "secret" || o.PoolSize != 7 {
		t.Errorf("the URL was read as %+v", o)
	}
	if o.MaxRetries != -1 || o.DialerRetries != 1 || !o.ContextTimeoutEnabled {
		t.Errorf("it retries %d and %d times, contexts heeded: %t", o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled)
	}
	for _, d := range []time.Duration{o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout} {
		if d != budget {
			t.Errorf("got a timeout of %s, want %s", d, budget)
		}
	}
	if _, err := pagecache.Options("http://localhost", budget); err == nil || !strings.Contains(err.Error(), "parse the Redis URL") {
		t.Errorf("got %v, want that the URL makes no sense", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("LLP1"))
	f.Add(pagecache.Encode(pagecache.Entry{Generation: 1, TTL: 1}))
	f.Add(pagecache.Encode(pagecache.Entry{
		Page: pagecache.Page{Body: []byte(`{"count":0}`), Version: -1}, Generation: math.MaxUint64, TTL: time.Minute, Grace: time.Second, Took: 1,
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := pagecache.Decode(b)
		if err != nil {
			return
		}
		if e.TTL <= 0 || e.Grace < 0 || e.Took < 0 || e.Generation == 0 {
			t.Errorf("accepted %+v", e)
		}
		if again := pagecache.Encode(e); !bytes.Equal(again, b) {
			t.Errorf("%q is encoded as %q", b, again)
		}
	})
}
