package pagecache_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/pagecache"
)

// pageSize is that of the lab's usual page.
const pageSize = 48 << 10

func benchCache(b *testing.B) (*redis.Client, *pagecache.Cache) {
	if realRedis == "" {
		b.Skip("SKIPPED: no redis-server")
	}
	o, err := pagecache.Options("redis://"+realRedis, 10*time.Second)
	if err != nil {
		b.Fatal(err)
	}
	rdb := redis.NewClient(o)
	cache := pagecache.New(rdb, "bench", pagecache.Config{TTL: time.Hour, RedisBudget: 10 * time.Second})
	b.Cleanup(func() {
		if err := cache.Close(context.Background()); err != nil {
			b.Error(err)
		}
		_ = rdb.Close()
	})
	return rdb, cache
}

func inParallel(b *testing.B, do func(ctx context.Context) error) {
	b.ReportAllocs()
	b.SetParallelism(25) // 50 requests at a time on two cores
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			if err := do(ctx); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkHit is what a hit costs, by strategy.
func BenchmarkHit(b *testing.B) {
	_, cache := benchCache(b)
	for _, s := range pagecache.Strategies() {
		b.Run(s.Name, func(b *testing.B) {
			inParallel(b, func(ctx context.Context) error {
				p, _, err := cache.Get(ctx, s.Name, key, ofTwenty())
				p.Release()
				return err
			})
		})
	}
}

// ofTwenty is where a page of twenty objects comes from.
func ofTwenty() pagecache.Source {
	const objects = 20
	return pagecache.Source{
		Page: func(context.Context) (pagecache.Page, error) {
			return pagecache.Page{Body: bytes.Repeat([]byte("x"), pageSize), Version: 1}, nil
		},
		List: func(context.Context) (pagecache.List, error) {
			l := pagecache.List{Head: []byte("["), Tail: []byte("]")}
			for id := range int64(objects) {
				l.IDs = append(l.IDs, id)
			}
			return l, nil
		},
		Objects: func(_ context.Context, ids []int64) ([]pagecache.Object, error) {
			var loaded []pagecache.Object
			for _, id := range ids {
				loaded = append(loaded, pagecache.Object{Row: pagecache.Row{ID: id, Version: 1}, Body: bytes.Repeat([]byte("x"), pageSize/objects)})
			}
			return loaded, nil
		},
	}
}

// BenchmarkRead compares ways to read a page and how long it still lives, which is why lookup is as it is. GET alone does not return the
// latter; it is there to show what PTTL adds.
func BenchmarkRead(b *testing.B) {
	rdb, _ := benchCache(b)
	const k = "bench:read"
	if err := rdb.Set(context.Background(), k, bytes.Repeat([]byte("x"), pageSize), time.Hour).Err(); err != nil {
		b.Fatal(err)
	}
	script := redis.NewScript(`return {redis.call("PTTL", KEYS[1]), redis.call("GET", KEYS[1])}`)
	buffers := make(chan []byte, 256)
	for range cap(buffers) {
		buffers <- make([]byte, 64<<10)
	}
	for _, way := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"GET", func(ctx context.Context) error { return rdb.Get(ctx, k).Err() }},
		{"GET into a buffer", func(ctx context.Context) error {
			buf := <-buffers
			defer func() { buffers <- buf }()
			return rdb.GetToBuffer(ctx, k, buf).Err()
		}},
		{"PTTL, GET", func(ctx context.Context) error {
			pipe := rdb.Pipeline()
			pipe.PTTL(ctx, k)
			pipe.Get(ctx, k)
			_, err := pipe.Exec(ctx)
			return err
		}},
		{"PTTL, GET into a buffer", func(ctx context.Context) error {
			buf := <-buffers
			defer func() { buffers <- buf }()
			pipe := rdb.Pipeline()
			pipe.PTTL(ctx, k)
			pipe.GetToBuffer(ctx, k, buf)
			_, err := pipe.Exec(ctx)
			return err
		}},
		{"EVALSHA", func(ctx context.Context) error { return script.Run(ctx, rdb, []string{k}).Err() }},
	} {
		b.Run(way.name, func(b *testing.B) { inParallel(b, way.do) })
	}
}
