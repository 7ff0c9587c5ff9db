package pagecache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
)

// ErrNoKey is what Key returns for a page that is not cached.
var ErrNoKey = errors.New("no such page in the cache")

func pagePrefix(prefix string) string      { return prefix + ":page:" }
func lockPrefix(prefix string) string      { return prefix + ":lock:" }
func tombstonePrefix(prefix string) string { return prefix + ":tombstone:" }

// Flush empties the cache: all keys with its prefix, locks and tombstones too, and no others in the same Redis.
func (c *Cache) Flush(ctx context.Context) error {
	defer c.l1.dropAll()
	err := c.scan(ctx, c.prefix+":", func(keys []string) error { return c.rdb.Unlink(ctx, keys...).Err() })
	if err != nil {
		return fmt.Errorf("flush the cache: %w", err)
	}
	c.slots.forget()
	return nil
}

// Expire makes every page reach its expiry now: those with a time of grace are at its start, the others are gone. So is what is remembered of absent ones.
func (c *Cache) Expire(ctx context.Context) error {
	defer c.l1.dropAll()
	err := c.scan(ctx, pagePrefix(c.prefix), func(keys []string) error {
		entries, err := c.peek(ctx, keys)
		if err != nil {
			return err
		}
		_, err = c.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, p := range entries {
				switch {
				case p.entry == nil || p.grace == 0:
					pipe.Unlink(ctx, keys[i])
				case p.left > p.grace:
					pipe.PExpire(ctx, keys[i], p.grace)
				}
			}
			return nil
		})
		return err
	})
	if err == nil {
		err = c.scan(ctx, absentPrefix(c.prefix), func(keys []string) error { return c.rdb.Unlink(ctx, keys...).Err() })
	}
	if err != nil {
		return fmt.Errorf("expire the cache: %w", err)
	}
	return nil
}

// Keys lists the cached pages, by key. A page's key is "strategy:key".
func (c *Cache) Keys(ctx context.Context) ([]api.Key, error) {
	list := []api.Key{}
	err := c.scan(ctx, pagePrefix(c.prefix), func(keys []string) error {
		entries, err := c.peek(ctx, keys)
		if err != nil {
			return err
		}
		for i, p := range entries {
			if p.entry != nil {
				list = append(list, p.describe(strings.TrimPrefix(keys[i], pagePrefix(c.prefix))))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the cache: %w", err)
	}
	slices.SortFunc(list, func(a, b api.Key) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(list, func(a, b api.Key) bool { return a.Key == b.Key }), nil
}

// Key describes the page with that key, as Keys gives it; ErrNoKey if there is none.
func (c *Cache) Key(ctx context.Context, key string) (api.Key, error) {
	entries, err := c.peek(ctx, []string{pagePrefix(c.prefix) + key})
	if err != nil {
		return api.Key{}, fmt.Errorf("look a cached page up: %w", err)
	}
	if entries[0].entry == nil {
		return api.Key{}, fmt.Errorf("%w: %q", ErrNoKey, key)
	}
	return entries[0].describe(key), nil
}

// scan calls each with batches of the keys that start with prefix. A key may come twice if the set changes meanwhile.
func (c *Cache) scan(ctx context.Context, prefix string, each func(keys []string) error) error {
	return scan(ctx, c.rdb, prefix, each)
}

func scan(ctx context.Context, rdb redis.UniversalClient, prefix string, each func(keys []string) error) error {
	const batch = 500
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + "*"
	for cursor := uint64(0); ; {
		keys, next, err := rdb.Scan(ctx, cursor, pattern, batch).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := each(keys); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// peeked is what can be known of a page without its body; its entry is nil if there is none.
type peeked struct {
	*entry
	left time.Duration // until Redis drops it
	size int64         // of the body
}

func (p peeked) describe(key string) api.Key {
	return api.Key{Key: key, Bytes: p.size, TTL: p.left.Seconds(), Version: p.page.Version, Age: p.age().Seconds()}
}

func (c *Cache) peek(ctx context.Context, keys []string) ([]peeked, error) {
	left := make([]*redis.DurationCmd, len(keys))
	size := make([]*redis.IntCmd, len(keys))
	head := make([]*redis.StringCmd, len(keys))
	_, err := c.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, key := range keys {
			left[i] = pipe.PTTL(ctx, key)
			size[i] = pipe.StrLen(ctx, key)
			head[i] = pipe.GetRange(ctx, key, 0, headerSize-1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]peeked, len(keys))
	for i := range keys {
		if e, ok := decodeLive([]byte(head[i].Val()), left[i].Val()); ok && left[i].Val() >= 0 {
			all[i] = peeked{entry: e, left: left[i].Val(), size: size[i].Val() - headerSize}
		}
	}
	return all, nil
}
