package pagecache

import (
	"context"
	"errors"
	"hash/crc32"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// negativeCaching is singleflight that also remembers, for a short time of its own, what does not exist: a page whose recompute ended with ErrAbsent. Of an id
// that is asked for again and again, and is not there, the database has one query in each process and NegativeTTL; an id that comes into existence is
// seen after NegativeTTL, and the recompute that missed it, at the latest.
//
// What does not exist has no end: an attacker invents as many ids as there are requests. So absences are remembered in a table of absentSlots keys in
// Redis, one of which each key of a page has by its hash. Two that share one push each other out, which costs a query and no more; and ids that never come
// again are a query each, as without the cache, but take no more memory than the table, and nothing in the process.
type negativeCaching struct {
	flights flights
}

func newNegative() policy { return &negativeCaching{} }

// absentSlots is how many absences are remembered at most. Each takes some 200 bytes of Redis.
const absentSlots = 1 << 14

func absentPrefix(prefix string) string { return prefix + ":absent:" }

// absentKey is where in Redis the absence of what a key stands for is remembered. All processes must agree on it.
func absentKey(prefix, key string) string {
	return absentPrefix(prefix) + strconv.Itoa(int(crc32.ChecksumIEEE([]byte(key))%absentSlots))
}

func (n *negativeCaching) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, err := r.readOrAbsent(ctx); e != nil {
		return e.page, e.hit(), err
	}
	return n.flights.share(ctx, r.key, func(ctx context.Context) (Page, Outcome, error) { return n.lead(ctx, r) })
}

// lead is singleflight's, and remembers that there is no page.
func (n *negativeCaching) lead(ctx context.Context, r *request) (Page, Outcome, error) {
	ctx, cancel := r.detach(ctx)
	defer cancel()
	if e, err := r.readOrAbsent(ctx); e != nil {
		linkToLeader(ctx, e.maker)
		return e.page.shared(), e.coalesced(), err
	}
	page, out, err := r.fillAlone(ctx, noGrace)
	if errors.Is(err, ErrAbsent) {
		out.Stored, out.TTL = r.storeAbsent(ctx), r.cfg.NegativeTTL
	}
	return page, out, err
}

// readOrAbsent looks the page up, and whether it is remembered that there is none, in one round trip. The error is then ErrAbsent, and the entry has no
// body. A page that is there counts for more: it may have come since.
func (r *request) readOrAbsent(ctx context.Context) (e *entry, absent error) {
	var left *redis.DurationCmd
	var got *redis.StringCmd
	key := absentKey(r.c.prefix, r.key)
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		e, err = r.c.lookup(ctx, r.slot.pageKey, func(pipe redis.Pipeliner) {
			left, got = pipe.PTTL(ctx, key), pipe.GetRange(ctx, key, 0, -1) // GET has an error for a key that is not there
		})
		return err
	})
	if errors.Is(err, redis.Nil) {
		if e := decodeAbsent([]byte(got.Val()), r.key, left.Val()); e != nil {
			return e, ErrAbsent
		}
	}
	if !r.answered(ctx, e, err) {
		return nil, nil
	}
	return e, nil
}

// decodeAbsent reads what is remembered of a key, which must be that one and not another of the same hash. It returns nil if that is nothing.
func decodeAbsent(b []byte, key string, left time.Duration) *entry {
	e, err := decode(b)
	if err != nil || e.flags != negative || left <= 0 || string(e.page.Body) != key {
		return nil
	}
	e.page.Body, e.fresh = nil, left
	return e
}

// storeAbsent remembers that there is no such page.
func (r *request) storeAbsent(ctx context.Context) bool {
	e := r.entry(ctx, Page{Body: []byte(r.key)}, 0, noGrace)
	e.flags, e.ttl = negative, r.cfg.NegativeTTL
	return r.redis(ctx, func(ctx context.Context) error {
		return r.c.rdb.Set(ctx, absentKey(r.c.prefix, r.key), e.encode(), e.ttl).Err()
	}) == nil
}
