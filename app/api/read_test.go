package api_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
)

// TestReadersDoNotAllocate: they are on the load generator's hot path.
func TestReadersDoNotAllocate(t *testing.T) {
	timing, status := []byte(`sql;desc="62";dur=38.2, cdn;dur=1, total;dur=44.1, traceparent;desc="00-4bf9-01"`), []byte("loadlab; fwd=stale; ttl=-3; detail=refresh")
	age, version, etag := []byte("19"), []byte("4711"), []byte(`W/"a tag that is longer than what fits on a stack"`)
	var into api.Timing
	if n := testing.AllocsPerRun(100, func() {
		into.Read(timing)
		api.ReadCacheStatus(status)
		api.ParseAge(age)
		api.ParseVersion(version)
		api.IsETag(etag)
	}); n != 0 {
		t.Errorf("got %g allocations, want none", n)
	}
}

// BenchmarkRead is what the headers of one response cost their reader.
func BenchmarkRead(b *testing.B) {
	timing, status := api.Timing{SQL: 62, SQLTime: 38200 * time.Microsecond, Total: 44100 * time.Microsecond}.Append(nil),
		api.CacheStatus{Result: api.CacheHit, TTL: 41 * time.Second}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		var t api.Timing
		if result, _ := api.ReadCacheStatus(status); !t.Read(timing) || result != api.CacheHit {
			b.Fatal("the headers were not read")
		}
	}
}

// FuzzRead: no value makes a reader fail or leave its range, and a member that is appended changes nothing of a Cache-Status.
func FuzzRead(f *testing.F) {
	f.Add(`loadlab; hit; ttl=41, "x\"y"; fwd=miss`)
	f.Add(`sql;desc="62";dur=38.2, a=b;;=,;"`)
	f.Add("19")
	f.Fuzz(func(t *testing.T, value string) {
		var timing api.Timing
		found := timing.Read([]byte(value))
		if timing.SQL < 0 || timing.Redis < 0 || timing.SQLTime < 0 || timing.RedisTime < 0 || timing.Wait < 0 || timing.Total < 0 {
			t.Errorf("negative: %+v", timing)
		}
		if !found && timing != (api.Timing{}) {
			t.Errorf("nothing was found: %+v", timing)
		}
		if age, ok := api.ParseAge([]byte(value)); ok && (age < 0 || age > math.MaxInt32*time.Second) {
			t.Errorf("an age of %s", age)
		}
		if version, ok := api.ParseVersion([]byte(value)); ok && version < 0 {
			t.Errorf("version %d", version)
		}
		result, _ := api.ReadCacheStatus([]byte(value))
		if result >= api.CacheError {
			t.Errorf("result %d", result)
		}
		if !strings.Contains(value, `"`) && result != api.CacheNone {
			if more, _ := api.ReadCacheStatus([]byte(value + ", cdn; hit; stored; collapsed")); more != result {
				t.Errorf("%q: %s, with another member %s", value, result, more)
			}
		}
	})
}
