package pagecache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"
)

// usageSample is how many pages Usage looks at.
const usageSample = 20

// Usage returns how many pages of a strategy are cached, and how much of Redis' memory one takes, all overhead of its key included: the mean
// of a sample of 20, spread evenly over the keys. Both are 0 if there are none. It asks rdb, a client of the cache's own Redis.
func (c *Cache) Usage(ctx context.Context, rdb redis.UniversalClient, strategy string) (pages, pageBytes int64, err error) {
	seen := map[string]bool{} // a scan may give a key twice
	err = scan(ctx, rdb, pagePrefix(c.prefix)+strategy+":", func(keys []string) error {
		for _, key := range keys {
			seen[key] = true
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count the cached pages: %w", err)
	}
	keys := slices.Sorted(maps.Keys(seen))
	n := min(len(keys), usageSample)
	var sum, found int64
	for i := range n {
		size, err := rdb.MemoryUsage(ctx, keys[i*len(keys)/n]).Result()
		switch {
		case errors.Is(err, redis.Nil): // it has expired meanwhile
		case err != nil:
			return 0, 0, fmt.Errorf("ask for the memory of a page: %w", err)
		default:
			sum, found = sum+size, found+1
		}
	}
	return int64(len(keys)), sum / max(found, 1), nil
}
