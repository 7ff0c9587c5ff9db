package redisproc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/redisproc"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// embedded starts an embedded Redis in this process and returns a client of it.
func embedded(t testing.TB) *redis.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stdin, _ := io.Pipe()
	stdout, written := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- redisproc.Serve(ctx, "127.0.0.1:0", stdin, written) }()
	line := make([]byte, 64)
	n, err := stdout.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: strings.TrimSpace(string(line[:n])), Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() {
		_ = c.Close() // only read from
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// redisServer starts a redis-server and returns a client of it.
func redisServer(t *testing.T) *redis.Client {
	t.Helper()
	r, err := localserver.StartRedis(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return client(t, r.Addr())
}

func set(t testing.TB, c *redis.Client, key string, size int) {
	t.Helper()
	if err := c.Set(context.Background(), key, strings.Repeat("x", size), time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
}

func field(t testing.TB, c *redis.Client, section, name string) float64 {
	t.Helper()
	text, err := c.Info(context.Background(), section).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("INFO %s has no %s: %s", section, name, text)
	return 0
}

// TestMemoryUsage: a key takes what it takes in a real Redis.
func TestMemoryUsage(t *testing.T) {
	ctx := testContext(t)
	ours, theirs := embedded(t), redisServer(t)
	for _, size := range []int{1, 20, 44, 45, 100, 250, 1000, 4000, 10_000, 31_000, 48_000, 100_000, 1_000_000} {
		for _, key := range []string{"k", "loadlab:page:ttl:naive:page=1:page_size=20"} {
			var got [2]int64
			for i, c := range []*redis.Client{ours, theirs} {
				set(t, c, key, size)
				n, err := c.MemoryUsage(ctx, key).Result()
				if err != nil {
					t.Fatal(err)
				}
				got[i] = n
			}
			if ratio := float64(got[0]) / float64(got[1]); ratio < 0.93 || ratio > 1.07 {
				t.Errorf("a value of %d bytes, a key of %d: got %d, a real Redis has %d", size, len(key), got[0], got[1])
			}
		}
	}
	if err := ours.MemoryUsage(ctx, "none").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("a key that is not there: got %v, want nil", err)
	}
}

// TestUsedMemory: what pages add to used_memory is what they add to a real Redis'.
func TestUsedMemory(t *testing.T) {
	ours, theirs := embedded(t), redisServer(t)
	var grown [2]float64
	for i, c := range []*redis.Client{ours, theirs} {
		before := field(t, c, "memory", "used_memory")
		for n := range 200 {
			set(t, c, fmt.Sprint("loadlab:page:ttl:", n), 48_000)
		}
		grown[i] = field(t, c, "memory", "used_memory") - before
	}
	if ratio := grown[0] / grown[1]; ratio < 0.95 || ratio > 1.05 {
		t.Errorf("200 pages: got %.0f bytes, a real Redis %.0f", grown[0], grown[1])
	}
}

// TestEviction: the same reads and writes leave about as many pages resident as in a real Redis, and of the embedded one those that are used most.
func TestEviction(t *testing.T) {
	ctx := testContext(t)
	ours, theirs := embedded(t), redisServer(t)
	const limit, pages = 4 << 20, 200
	var resident, hits, evicted [2]int
	for i, c := range []*redis.Client{ours, theirs} {
		configure(t, c, limit, "allkeys-lru")
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, pages-1)
		for range 2000 {
			key := fmt.Sprint("page:", zipf.Uint64())
			switch err := c.Get(ctx, key).Err(); {
			case err == nil:
				hits[i]++
			case errors.Is(err, redis.Nil):
				set(t, c, key, 48_000)
			default:
				t.Fatal(err)
			}
		}
		n, err := c.DBSize(ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		resident[i] = int(n)
		evicted[i] = int(field(t, c, "stats", "evicted_keys"))
		if used := field(t, c, "memory", "used_memory"); used > limit+50_000 {
			t.Errorf("Redis %d uses %.0f bytes, more than maxmemory by more than a page", i, used)
		}
		// A real Redis' clock has seconds, and it looks at five keys: what is used most may be gone for a moment.
		if err := ours.Get(ctx, "page:0").Err(); i == 0 && err != nil {
			t.Errorf("the page that is used most was evicted: %v", err)
		}
	}
	t.Logf("embedded and real: resident %v, hits %v, evicted %v", resident, hits, evicted)
	for what, got := range map[string][2]int{"resident": resident, "hits": hits, "evicted": evicted} {
		// A real Redis hits somewhat less: its clock of seconds does not tell what was used a moment ago from what was used before that.
		if ratio := float64(got[0]) / float64(got[1]); ratio < 0.7 || ratio > 1.3 || what == "resident" && (ratio < 0.95 || ratio > 1.05) {
			t.Errorf("%s: got %d, a real Redis has %d", what, got[0], got[1])
		}
	}
}

func configure(t testing.TB, c *redis.Client, limit int, policy string) {
	t.Helper()
	for _, pair := range [][2]string{{"maxmemory", strconv.Itoa(limit)}, {"maxmemory-policy", policy}} {
		if err := c.ConfigSet(context.Background(), pair[0], pair[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLeastRecentlyUsed: a read saves a page from eviction; a look at its TTL does not.
func TestLeastRecentlyUsed(t *testing.T) {
	ctx := testContext(t)
	c := embedded(t)
	configure(t, c, 1<<20+520_000, "allkeys-lru") // 10 pages of 48 KB
	for n := range 10 {
		set(t, c, fmt.Sprint("page:", n), 48_000)
	}
	if err := c.Get(ctx, "page:0").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.PTTL(ctx, "page:1")
		p.Exists(ctx, "page:1")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	set(t, c, "page:10", 48_000)
	set(t, c, "page:11", 48_000)
	for key, want := range map[string]int64{"page:0": 1, "page:1": 0, "page:9": 1, "page:11": 1} {
		if got, err := c.Exists(ctx, key).Result(); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", key, got, err, want)
		}
	}
}

// TestNoEviction: a Redis that may not evict refuses what needs memory, and nothing else, as a real one does. Room that was made is used.
func TestNoEviction(t *testing.T) {
	ctx := testContext(t)
	for name, c := range map[string]*redis.Client{"embedded": embedded(t), "real": redisServer(t)} {
		configure(t, c, 4<<20, "noeviction")
		var err error
		n := 0
		for ; n < 200 && err == nil; n++ {
			err = c.Set(ctx, fmt.Sprint("page:", n), strings.Repeat("x", 48_000), time.Hour).Err()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "OOM command not allowed") {
			t.Fatalf("%s: got %v after %d pages, want OOM", name, err, n)
		}
		if err := c.Get(ctx, "page:0").Err(); err != nil {
			t.Errorf("%s: a read above the limit: %v", name, err)
		}
		if err := c.Unlink(ctx, "page:0", "page:1", "page:2").Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Set(ctx, "page:0", "x", time.Hour).Err(); err != nil {
			t.Errorf("%s: a write after room was made: %v", name, err)
		}
		configure(t, c, 0, "noeviction")
		for n := range 100 {
			set(t, c, fmt.Sprint("more:", n), 48_000)
		}
	}
}

// TestExpiredKeysMakeRoom: memory that expired keys gave back is used before a key is evicted.
func TestExpiredKeysMakeRoom(t *testing.T) {
	ctx := testContext(t)
	c := embedded(t)
	set(t, c, "kept", 48_000)
	configure(t, c, 1<<20+520_000, "allkeys-lru")
	for n := range 8 {
		if err := c.Set(ctx, fmt.Sprint("short:", n), strings.Repeat("x", 48_000), 20*time.Millisecond).Err(); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "the short-lived are gone", func() bool { return c.DBSize(ctx).Val() == 1 })
	for n := range 4 {
		set(t, c, fmt.Sprint("long:", n), 48_000)
	}
	if got := c.DBSize(ctx).Val(); got != 5 {
		t.Errorf("got %d keys, want all 5 that have not expired", got)
	}
	if got := field(t, c, "stats", "evicted_keys"); got != 0 {
		t.Errorf("got %.0f keys evicted, want none: there was room", got)
	}
}

// TestScriptsAndTransactions: what they write is counted, and neither waits for ever.
func TestScriptsAndTransactions(t *testing.T) {
	ctx := testContext(t)
	c := embedded(t)
	configure(t, c, 1<<20+1_040_000, "allkeys-lru") // 20 pages
	write := redis.NewScript(`redis.call("SET", KEYS[1], ARGV[1]) return redis.call("GET", KEYS[1])`)
	page := strings.Repeat("x", 48_000)
	done := make(chan error)
	for worker := range 4 {
		go func() {
			var err error
			for n := 0; n < 60 && err == nil; n++ {
				key := fmt.Sprintf("w%d:%d", worker, n)
				if n%2 == 0 {
					err = write.Run(ctx, c, []string{key}, page).Err()
					continue
				}
				_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
					p.Set(ctx, key, page, time.Hour)
					p.Get(ctx, key)
					return nil
				})
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	set(t, c, "last", 10)
	if got := c.DBSize(ctx).Val(); got < 18 || got > 24 {
		t.Errorf("got %d keys, want about the 20 that there is room for", got)
	}
}

func TestConfig(t *testing.T) {
	ctx := testContext(t)
	c := embedded(t)
	configure(t, c, 5<<20, "allkeys-lru")
	for name, want := range map[string]string{"maxmemory": "5242880", "maxmemory-policy": "allkeys-lru"} {
		if got, err := c.ConfigGet(ctx, name).Result(); err != nil || got[name] != want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, want)
		}
	}
	if got, err := c.ConfigGet(ctx, "timeout").Result(); err != nil || len(got) != 0 {
		t.Errorf("a setting that it has not: got %v, %v", got, err)
	}
	for _, pair := range [][2]string{{"maxmemory", "lots"}, {"maxmemory", "-1"}, {"maxmemory-policy", "allkeys-lfu"}, {"timeout", "3"}} {
		if err := c.ConfigSet(ctx, pair[0], pair[1]).Err(); err == nil {
			t.Errorf("CONFIG SET %v: got no error", pair)
		}
	}
	if err := c.Do(ctx, "config", "rewrite").Err(); err == nil || !strings.Contains(err.Error(), "CONFIG GET and CONFIG SET") {
		t.Errorf("got %v, want what it has", err)
	}
}

// TestInfo: the bytes it has sent and the CPU time it has used grow with what it does, and sections it has not are refused.
func TestInfo(t *testing.T) {
	ctx := testContext(t)
	c := embedded(t)
	set(t, c, "page", 48_000)
	before := field(t, c, "stats", "total_net_output_bytes")
	for range 10 {
		if err := c.Get(ctx, "page").Err(); err != nil {
			t.Fatal(err)
		}
	}
	// 10 answers of "$48000", the page and two line ends, and that to INFO.
	if sent := field(t, c, "stats", "total_net_output_bytes") - before; sent < 480_100 || sent > 480_500 {
		t.Errorf("10 pages of 48,000 bytes: got %.0f bytes sent", sent)
	}
	if used := field(t, c, "cpu", "used_cpu_user") + field(t, c, "cpu", "used_cpu_sys"); used <= 0 {
		t.Errorf("got %v s of CPU time", used)
	}
	if err := c.Info(ctx, "server").Err(); err == nil {
		t.Error("INFO server: got no error: the app takes it for a real Redis")
	}
	if text, err := c.Info(ctx).Result(); err != nil || !strings.Contains(text, "# Clients") || !strings.Contains(text, "# Cpu") {
		t.Errorf("got %q, %v, want all sections", text, err)
	}
}

// BenchmarkHit is a hit of a page, with and without a limit.
func BenchmarkHit(b *testing.B) {
	for _, limit := range []int{0, 64 << 20} {
		b.Run(fmt.Sprint("maxmemory=", limit), func(b *testing.B) {
			c := embedded(b)
			configure(b, c, limit, "allkeys-lru")
			for n := range 100 {
				set(b, c, fmt.Sprint("page:", n), 48_000)
			}
			ctx := context.Background()
			for b.Loop() {
				if err := c.Get(ctx, "page:7").Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
