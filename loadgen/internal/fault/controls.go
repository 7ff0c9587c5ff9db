package fault

import (
	"context"
	"fmt"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/unit"
	"loadlab/loadgen/internal/world"
)

// Simulated does faults of a database without a wire, by the app's own driver.
type Simulated struct{ Lab *lab.Client }

// Begin implements Doer.
func (d Simulated) Begin(ctx context.Context, f world.Fault, s world.Settings) (Running, error) {
	_, err := d.Lab.DatabaseFault(ctx, api.Fault{Kind: api.FaultKind(standsFor(f.Kind)), Share: s.Share, Delay: api.Duration(s.Delay)})
	return ending(func(ctx context.Context) (Seen, error) {
		e, err := d.Lab.EndDatabaseFault(ctx)
		met := e.Held + e.Refused + e.Reset + e.Delayed
		return Seen{Effect: met > 0, Text: "the driver " + counts(
			count{"struck", e.Connections, "open connection"}, count{"held", e.Held, "call"}, count{"refused", e.Refused, "call"}, count{"reset", e.Reset, "call"},
			count{"delayed", e.Delayed, "call"},
		)}, err
	}), err
}

// ending is a fault that a function ends.
type ending func(ctx context.Context) (Seen, error)

// End implements Running.
func (e ending) End(ctx context.Context) (Seen, error) { return e(ctx) }

// Controls does faults by the app's lab controls.
type Controls struct{ Lab *lab.Client }

// longestLock is how long a table may be locked in all; the fault ends it before.
const longestLock = time.Minute

// Begin implements Doer.
func (c Controls) Begin(ctx context.Context, f world.Fault, s world.Settings) (Running, error) {
	switch f.Kind {
	case "flush":
		return c.flush(ctx)
	case "evict":
		return c.evict(ctx, s)
	case "lock":
		_, err := c.Lab.LockDatabase(ctx, longestLock)
		return ending(func(ctx context.Context) (Seen, error) {
			e, err := c.Lab.UnlockDatabase(ctx)
			return Seen{Effect: e.Waited > 0, Text: fmt.Sprintf("the table was locked; the database saw %s wait for it, up to %d at a time", unit.Counted(e.Waited, "transaction"), e.MaxWaiting)}, err
		}), err
	}
	return nil, fmt.Errorf("the app has no control for %s", f.Kind)
}

// flush empties Redis: what was cached before, and what a moment later.
func (c Controls) flush(ctx context.Context) (Running, error) {
	keys, err := c.Lab.Keys(ctx)
	if err == nil {
		err = c.Lab.Flush(ctx)
	}
	return ending(func(context.Context) (Seen, error) {
		return Seen{Effect: keys > 0, Text: "deleted: " + unit.Counted(int64(keys), "key")}, nil
	}), err
}

// evict limits the memory of Redis until the end.
func (c Controls) evict(ctx context.Context, s world.Settings) (Running, error) {
	before, err := c.Lab.Usage(ctx, "")
	if err != nil {
		return nil, err
	}
	_, err = c.Lab.LimitMemory(ctx, api.RedisMemory{MaxMemory: s.MaxMemory})
	return ending(func(ctx context.Context) (Seen, error) {
		after, err := c.Lab.Usage(ctx, "")
		if err != nil {
			return Seen{}, err
		}
		_, err = c.Lab.LimitMemory(ctx, api.RedisMemory{MaxMemory: before.MaxMemory})
		evicted := after.Evicted - before.Evicted
		return Seen{Effect: evicted > 0, Text: "Redis evicted " + unit.Counted(evicted, "page")}, err
	}), err
}
