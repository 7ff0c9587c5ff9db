package pagecache

import (
	"context"
	"fmt"
)

// Invalidate drops the page of that key because what it shows has changed, revokes the lease of who recomputes it, and leaves a tombstone
// for the time that a recompute may take: until then, lease stores no page of a lesser version. version is that of the change, which
// must be committed. The page is dropped whatever its version is: one that was read by several queries may have a later change, and not
// this one.
//
// Only lease heeds the revocation and the tombstone, and l1 over lease. With the other strategies, a recompute that began before stores its page all
// the same. Errors are ErrUnknownStrategy and those of Redis, with which the page may still be there.
func (c *Cache) Invalidate(ctx context.Context, strategy, key string, version int64) error {
	if _, ok := c.policies[strategy]; !ok {
		return fmt.Errorf("%w: %q", ErrUnknownStrategy, strategy)
	}
	cfg, s := c.config.Load(), c.slots.get(c.prefix, strategy, key)
	grave := entry{flags: tombstone, page: Page{Version: version}, generation: newGeneration(), ttl: cfg.ComputeTimeout}
	keys := []string{s.pageKey, s.lockKey, s.tombstoneKey}
	defer c.l1.drop(s.pageKey) // Redis' own report of it may come after this returns
	if err := c.scripts.invalidate.Run(ctx, c.rdb, keys, grave.encode(), cfg.ComputeTimeout.Milliseconds()).Err(); err != nil {
		return fmt.Errorf("invalidate a page: %w", err)
	}
	s.changed()
	return nil
}
