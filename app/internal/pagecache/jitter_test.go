package pagecache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// TestTTLJitter: a page's own TTL is drawn from [TTL x (1 - jitter), TTL], by every strategy, and is what Redis, the entry and Expire have.
func TestTTLJitter(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		for _, s := range pagecache.Strategies() {
			for _, tc := range []struct {
				jitter, drawn float64
				want          time.Duration
			}{
				{0, 0.5, ttl},
				{0.5, 0, ttl},
				{0.5, 0.5, ttl * 3 / 4},
				{0.3, 1.0 / 3, ttl * 9 / 10},
				{1, 0.25, ttl * 3 / 4},
				{1, 1 - 1e-9, time.Millisecond}, // Redis takes no shorter one
			} {
				l.configure(t, func(c *pagecache.Config) { c.TTLJitter, c.Rand = tc.jitter, func() float64 { return tc.drawn } })
				if err := l.cache.Flush(testContext(t)); err != nil {
					t.Fatal(err)
				}
				a := l.get(t, s.Name, page(1))
				if a.err != nil || !a.out.Stored || a.out.TTL != tc.want {
					t.Errorf("%s, %v: got %+v, %v", s.Name, tc, a.out, a.err)
				}
				if tc.want > time.Millisecond {
					l.checkTTL(t, s.Name, tc.want)
				}
			}
		}
	})
}

func (l *lab) checkTTL(t *testing.T, strategy string, want time.Duration) {
	t.Helper()
	pageKey := pagecache.PageKey(l.prefix, strategy, key)
	raw, err := l.rdb.Get(testContext(t), pageKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	e, err := pagecache.Decode(raw)
	if err != nil || e.TTL != want {
		t.Errorf("%s: the entry's TTL is %s, %v, want %s", strategy, e.TTL, err, want)
	}
	if left := l.left(t, pageKey); left > want+e.Grace || left < want+e.Grace-ttl/4 {
		t.Errorf("%s: Redis keeps the page for %s, want %s and %s of grace", strategy, left, want, e.Grace)
	}
	l.configure(t, func(c *pagecache.Config) { c.Rand = func() float64 { return 0 } }) // no early refresh
	if a := l.get(t, strategy, mustNotCompute(t)); a.out.TTL > want || a.out.TTL+a.out.Age != want {
		t.Errorf("%s: a hit has a TTL of %s at age %s, want %s in all", strategy, a.out.TTL, a.out.Age, want)
	}
	if err := l.cache.Expire(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if left := l.left(t, pageKey); left > e.Grace {
		t.Errorf("%s: an expired page is kept for %s, want at most its grace, %s", strategy, left, e.Grace)
	}
}

// TestJitterFlattensAnAvalanche stores 250 pages together and asks for all of them every half second of Redis' clock: without jitter they
// are recomputed together, and with it throughout the window that they may expire in.
func TestJitterFlattensAnAvalanche(t *testing.T) {
	const pages, step = 250, 500 * time.Millisecond
	for _, tc := range []struct {
		jitter      float64
		first, most int // the step of the first recompute, counted from 1; recomputes in one step at most
	}{
		{0, 20, pages},
		{0.5, 11, 40}, // 10 steps, of 25 on average
	} {
		t.Run(fmt.Sprint(tc.jitter), func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			l := newLab(t, m.Addr())
			rng := rand.New(rand.NewPCG(1, 2)) // one request at a time draws from it
			l.configure(t, func(c *pagecache.Config) { c.TTLJitter, c.Rand = tc.jitter, rng.Float64 })
			ctx := l.request(t)
			ask := func() (recomputed int) {
				for i := range pages {
					_, out, err := get(ctx, l.cache, "ttl", fmt.Sprint("page=", i), func(context.Context) (pagecache.Page, error) {
						return pagecache.Page{Body: []byte("x"), Version: 1}, nil
					})
					if err != nil {
						t.Fatal(err)
					}
					if out.Result == api.CacheMiss {
						recomputed++
					}
				}
				return recomputed
			}
			ask()
			var perStep []int
			first, most, all := 0, 0, 0
			for at := 1; at <= int(ttl/step); at++ {
				m.FastForward(step)
				n := ask()
				perStep = append(perStep, n)
				if n > 0 && first == 0 {
					first = at
				}
				most, all = max(most, n), all+n
			}
			if first != tc.first || most > tc.most || tc.jitter == 0 && most != pages || all != pages {
				t.Errorf("recomputes per step %v: the first in step %d, at most %d, %d in all; want step %d, %d, %d", perStep, first, most, all, tc.first, tc.most, pages)
			}
			t.Logf("recomputes per %s: %v", step, perStep)
		})
	}
}
