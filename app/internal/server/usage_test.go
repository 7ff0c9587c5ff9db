package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/redisproc"
	"loadlab/app/internal/server"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// onEachRedis runs a test on a redis-server, and on the embedded Redis.
func onEachRedis(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("embedded", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		stdin, _ := io.Pipe()
		stdout, written := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- redisproc.Serve(ctx, "127.0.0.1:0", stdin, written) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		line := make([]byte, 64)
		n, err := stdout.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		test(t, newRigOn(t, "", strings.TrimSpace(string(line[:n])), false))
	})
	t.Run("redis-server", func(t *testing.T) {
		redis, err := localserver.StartRedis(t.Context(), localserver.Options{})
		testkit.Need(t, err, localserver.ErrMissing)
		t.Cleanup(func() {
			if err := redis.Stop(); err != nil {
				t.Error(err)
			}
		})
		test(t, newRigOn(t, "", redis.Addr(), false))
	})
}

// TestUsage: what pages cost Redis is reported, and neither what the lab controls ask for nor a command of theirs is.
func TestUsage(t *testing.T) {
	onEachRedis(t, func(t *testing.T, r *rig) {
		usage := func(query string) api.Usage { return decode[api.Usage](t, get(t, r.lab.URL+api.PathLabUsage+query)) }
		first := usage("")
		if first.CPU <= 0 || first.RedisCPU <= 0 || first.Pages != 0 {
			t.Errorf("got %+v, want CPU times and no pages", first)
		}
		for range 3 {
			if again := usage("?strategy=ttl"); again.RedisBytesOut != first.RedisBytesOut {
				t.Errorf("got %d bytes, want the %d before: nothing was asked for but this", again.RedisBytesOut, first.RedisBytesOut)
			}
		}
		var body int
		for range 11 { // a miss and ten hits
			body = len(get(t, r.api.URL+api.PathCached+"ttl/").body)
		}
		get(t, r.api.URL+api.PathCached+"swr/")
		after := usage("?strategy=ttl")
		if got := after.RedisBytesOut - first.RedisBytesOut; got < int64(10*body) || got > int64(10*(body+200)) {
			t.Errorf("got %d bytes from Redis for ten pages of %d", got, body)
		}
		if after.Pages != 1 || after.PageBytes < int64(body) || after.PageBytes > int64(body)*5/4 {
			t.Errorf("got %d pages of %d bytes each, want one of somewhat more than %d", after.Pages, after.PageBytes, body)
		}
		if after.CPU <= first.CPU || after.RedisCPU < first.RedisCPU {
			t.Errorf("CPU times: got %v and %v after %v and %v", after.CPU, after.RedisCPU, first.CPU, first.RedisCPU)
		}
		counts := decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)).Modes
		if got := counts["ttl"].Counts[api.CountRedis]; got != 2*11+1 {
			t.Errorf("the mode ttl has %d Redis commands, want 2 a read and 1 a store, and none of the lab controls", got)
		}
		if a := get(t, r.lab.URL+api.PathLabUsage+"?strategy=nope"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "singleflight") {
			t.Errorf("an unknown strategy: got %d %s, want 400 and the strategies", a.StatusCode, a.body)
		}
	})
}

// TestUsageWithoutRedis: a Redis that does not answer is an error of the gateway.
func TestUsageWithoutRedis(t *testing.T) {
	r := newRig(t, "", false)
	if a := get(t, r.lab.URL+api.PathLabUsage); a.StatusCode != http.StatusBadGateway {
		t.Errorf("a Redis without INFO cpu: got %d %s, want 502", a.StatusCode, a.body)
	}
	r.redis.Close()
	if a := get(t, r.lab.URL+api.PathLabUsage); a.StatusCode != http.StatusBadGateway {
		t.Errorf("got %d %s, want 502", a.StatusCode, a.body)
	}
}

// TestRedisMemory: a limit evicts pages, and is taken back.
func TestRedisMemory(t *testing.T) {
	onEachRedis(t, func(t *testing.T, r *rig) {
		url := r.lab.URL + api.PathLabMemory
		put := func(body string) api.RedisMemory { return decode[api.RedisMemory](t, do(t, http.MethodPut, url, body)) }
		none := api.RedisMemory{Policy: "noeviction"}
		if got := put(`{"maxmemory":0}`); got != none {
			t.Errorf("nothing to put back: got %+v, want %+v", got, none)
		}
		const limit = 2 << 20
		for _, body := range []string{`{"maxmemory":2097152}`, `{"maxmemory":2097152,"policy":"allkeys-lru"}`} {
			if got := put(body); got != (api.RedisMemory{MaxMemory: limit, Policy: "allkeys-lru"}) {
				t.Errorf("%s: got %+v", body, got)
			}
		}
		for size := 1; size <= 45; size++ {
			get(t, r.api.URL+api.PathCached+fmt.Sprintf("ttl/?loader=batched&page_size=%d", size))
		}
		usage := decode[api.Usage](t, get(t, r.lab.URL+api.PathLabUsage+"?strategy=ttl"))
		if usage.MaxMemory != limit || usage.Evicted == 0 || usage.Pages == 0 || usage.Evicted+usage.Pages != 45 {
			t.Errorf("got %+v, want some of 45 pages evicted and the others cached", usage)
		}
		if got := put(`{"maxmemory":0}`); got != none {
			t.Errorf("after the limit: got %+v, want %+v", got, none)
		}
	})
}

func TestRedisMemoryRefuses(t *testing.T) {
	r := newRig(t, "", false)
	for _, test := range []struct{ body, want string }{
		{`{}`, "maxmemory is missing"},
		{`null`, "maxmemory is missing"},
		{`{"policy":"allkeys-lru"}`, "maxmemory is missing"},
		{`{"maxmemory":0,"policy":"allkeys-lru"}`, "leave policy out"},
		{`{"maxmemory":1048575}`, "from 1048576 to 1099511627776 bytes, got 1048575"},
		{`{"maxmemory":-1}`, "got -1"},
		{`{"maxmemory":1e30}`, "must be a JSON object"},
		{`{"maxmemory":2097152,"policy":"volatile-lru"}`, `one of allkeys-lru, noeviction, allkeys-lfu, allkeys-random, got "volatile-lru"`},
		{`{"maxmemory":2097152,"policies":"x"}`, "unknown field"},
		{`{"maxmemory":2097152} {}`, "something follows"},
		{`16mb`, "must be a JSON object"},
	} {
		a := do(t, http.MethodPut, r.lab.URL+api.PathLabMemory, test.body)
		if p := decode[api.Problem](t, a); a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, test.want) {
			t.Errorf("PUT %s: %d %s, want 400 and %q", test.body, a.StatusCode, a.body, test.want)
		}
	}
	// A policy that this Redis has not, and a Redis without CONFIG.
	if a := do(t, http.MethodPut, r.lab.URL+api.PathLabMemory, `{"maxmemory":2097152}`); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "Redis refused") {
		t.Errorf("a Redis without CONFIG: got %d %s, want 400", a.StatusCode, a.body)
	}
}

// What a limit is read as is in its bounds.
func FuzzParseMemory(f *testing.F) {
	for _, body := range []string{`{"maxmemory":0}`, `{"maxmemory":2097152,"policy":"noeviction"}`, `{"maxmemory":1.5}`, `null`, `{"maxmemory":null}`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := server.ParseMemory(bytes.NewReader(body))
		none := m == api.RedisMemory{}
		if err == nil && !none && (m.MaxMemory < api.LeastMaxMemory || m.MaxMemory > api.MostMaxMemory || m.Policy == "") {
			t.Errorf("%q was read as %+v", body, m)
		}
	})
}
