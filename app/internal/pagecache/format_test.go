package pagecache_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/pagecache"
)

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
		{pagecache.Config{TTLJitter: 1}, ""},
		{pagecache.Config{TTLJitter: 1.01}, "ttl_jitter must be from 0 to 1, got 1.01"},
		{pagecache.Config{TTLJitter: -0.1}, "ttl_jitter must be from 0 to 1, got -0.1"},
		{pagecache.Config{TTLJitter: math.NaN()}, "ttl_jitter must be from 0 to 1, got NaN"},
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
	if got.TTL != time.Minute || got.Grace != 0 || got.LockTTL != 5*time.Second || got.Beta != 1 || got.TTLJitter != 0 ||
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
	for _, url := range []string{"redis://:s3cret@localhost:99999", "redis://:s3cret@localhost:0"} {
		if _, err := pagecache.Options(url, budget); err == nil || !strings.Contains(err.Error(), "the port must be from 1 to 65535") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
	if _, err := pagecache.Options("http://localhost", budget); err == nil || !strings.Contains(err.Error(), "parse the Redis URL") {
		t.Errorf("got %v, want that the URL makes no sense", err)
	}
}

// TestFlags: an entry keeps its flags, and one with a flag of a newer app is none.
func TestFlags(t *testing.T) {
	for _, flags := range []byte{0, pagecache.Negative, pagecache.Tombstone, pagecache.Negative | pagecache.Tombstone} {
		want := pagecache.Entry{Flags: flags, Page: pagecache.Page{Body: []byte("x"), Version: 7}, Generation: 1, TTL: 1, Grace: 2, Took: 3}
		got, err := pagecache.Decode(pagecache.Encode(want))
		if err != nil || got.Flags != want.Flags || got.Page.Version != 7 || got.TTL != 1 || got.Grace != 2 || got.Took != 3 {
			t.Errorf("flags %b: got %+v, %v, want %+v", flags, got, err, want)
		}
	}
	for bit := pagecache.Tombstone << 1; bit != 0; bit <<= 1 {
		if got, err := pagecache.Decode(pagecache.Encode(pagecache.Entry{Flags: bit, Generation: 1, TTL: 1})); err == nil {
			t.Errorf("flag %b: got %+v, want that it is no entry", bit, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("LLP3"))
	f.Add(entryOfLLP1())
	f.Add(entryOfLLP2())
	f.Add(pagecache.Encode(pagecache.Entry{Flags: pagecache.Tombstone, Generation: 1, TTL: 1}))
	f.Add(pagecache.Encode(pagecache.Entry{Flags: 0x80, Generation: 1, TTL: 1}))
	f.Add(pagecache.Encode(pagecache.Entry{Generation: 1, TTL: 1}))
	f.Add(pagecache.Encode(pagecache.Entry{
		Page: pagecache.Page{Body: []byte(`{"count":0}`), Version: -1, Tag: math.MaxUint64}, Generation: math.MaxUint64, TTL: time.Minute, Grace: time.Second, Took: 1,
		Maker: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}),
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := pagecache.Decode(b)
		if err != nil {
			return
		}
		if e.Flags&^(pagecache.Negative|pagecache.Tombstone) != 0 || e.TTL <= 0 || e.Grace < 0 || e.Took < 0 || e.Generation == 0 {
			t.Errorf("accepted %+v", e)
		}
		if again := pagecache.Encode(e); !bytes.Equal(again, b) {
			t.Errorf("%q is encoded as %q", b, again)
		}
	})
}

// entryOfLLP1 is an entry of the layout before flags: version 1, generation 1, a TTL of 10 s.
func entryOfLLP1() []byte {
	b := []byte("LLP1")
	for _, n := range []uint64{1, 1, uint64(10 * time.Second), 0, 0, 0, 0, 0} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return append(b, "x"...)
}

// entryOfLLP2 is an entry of the layout before tags, with a body that would be long enough for one: version 1, generation 1, a TTL of 10 s.
func entryOfLLP2() []byte {
	b := []byte("LLP2\x00")
	for _, n := range []uint64{1, 1, uint64(10 * time.Second), 0, 0, 0, 0, 0} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return append(b, "0123456789"...)
}
