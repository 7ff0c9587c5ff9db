package pagecache

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"loadlab/otel/signal"
)

// The changes are one hash in Redis. It has the version of each row that has changed, so that what was read before is not stored after the change;
// for each row the names of the pages that hold it; and an epoch, a random word. A page or a list is valid in the epoch that it was read in:
// if that is over, because the hash was flushed, evicted or has begun anew, nobody knows any more what has changed since, or which pages
// hold what. (With the versions or the names in keys of their own, one of them could be evicted, and be missed by nobody.)
const (
	epochField = "epoch"
	// maxChanges is how many fields the hash has at most, some 10 MB. Then it begins anew.
	maxChanges = 100_000
)

func changesKey(prefix string) string { return prefix + ":changes" }

// rows are what a request must know for a page to be dropped when one of its rows changes.
type rows struct {
	prefix, name string // of the page: "strategy:key"
	epoch        string
}

// inEpoch notes the epoch, before the database is read, and begins one if there is none. Without it nothing can be stored.
func (r *request) inEpoch(ctx context.Context) (epoch string, err error) {
	err = r.redis(ctx, func(ctx context.Context) (err error) {
		pipe, key := r.c.rdb.Pipeline(), changesKey(r.c.prefix)
		pipe.HSetNX(ctx, key, epochField, rand.Text())
		now := pipe.HGet(ctx, key, epochField)
		_, err = pipe.Exec(ctx)
		epoch = now.Val()
		return err
	})
	return epoch, err
}

// readInEpoch looks up what is valid in its epoch only: a list, or a page that is the head of a list without ids. It returns the entry, and what
// follows the epoch in its body. What is from another epoch is dropped, and counts as replaced.
func (r *request) readInEpoch(ctx context.Context) (*entry, []byte, bool) {
	var now *redis.StringCmd
	e, ok := r.read(ctx, func(pipe redis.Pipeliner) { now = pipe.HGet(ctx, changesKey(r.c.prefix), epochField) })
	if !ok {
		return nil, nil, false
	}
	if epoch, body, ok := cutCounted(e.page.Body); ok && string(epoch) == now.Val() {
		return e, body, true
	}
	event(ctx, signal.EventPageDropped, "its epoch is over: nobody knows what has changed since", 0)
	r.replacing(ctx, e)
	e.page.Release()
	_ = r.redis(ctx, func(ctx context.Context) error { return r.c.rdb.Unlink(ctx, r.slot.pageKey).Err() }) // if not, it is dropped by who comes next
	return nil, nil, false
}

// readWhole is readInEpoch for a page that is not in parts.
func (r *request) readWhole(ctx context.Context) (*entry, bool) {
	e, body, ok := r.readInEpoch(ctx)
	if !ok {
		return nil, false
	}
	list, err := decodeList(body)
	if err != nil {
		e.page.Release()
		return nil, false
	}
	e.page.Body = list.Head
	return e, true
}

// compared adds to the keys and arguments of the script fill what it compares with the changes.
func (d *rows) compared(keys []string, args []any, of []Row) ([]string, []any) {
	keys, args = append(keys, changesKey(d.prefix)), append(args, d.name)
	for _, row := range of {
		args = append(args, row.ID, version(row.Version))
	}
	return keys, args
}

// version is how scripts have a version: a number of Lua does not hold it.
func version(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// Changed drops the pages and objects that hold one of these rows, in the strategies invalidate and objects, and lets them store nothing from
// before the change. The changes must be committed; they may come in any order, and more than once. With an error, which is Redis', they
// may still be there.
func (c *Cache) Changed(ctx context.Context, changes []Row) error {
	if len(changes) == 0 {
		return nil
	}
	if c.watch.Down() {
		return errDown
	}
	keys := []string{changesKey(c.prefix)}
	args := []any{rand.Text(), pagePrefix(c.prefix), maxChanges}
	for _, row := range changes {
		args = append(args, row.ID, version(row.Version))
	}
	within, cancel := context.WithTimeout(ctx, c.config.Load().RedisBudget)
	defer cancel()
	dropped, err := c.scripts.change.Run(within, c.rdb, keys, args...).StringSlice()
	if err != nil {
		return fmt.Errorf("drop what has changed: %w", err)
	}
	for _, name := range dropped {
		strategy, key, _ := strings.Cut(name, ":")
		c.slots.get(c.prefix, strategy, key).changed()
	}
	return nil
}
