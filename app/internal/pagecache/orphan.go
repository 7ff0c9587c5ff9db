package pagecache

import (
	"context"
	"errors"
	"time"

	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
)

const (
	orphanEvery = 100 * time.Millisecond
	// orphanLooks is how often Redis must have answered that nobody holds the lock by that token. What it was asked when it hung came by another
	// connection, and may be carried out a moment after the first question that it answers.
	orphanLooks = 3
	// orphanLimit is how long one question may take: nobody waits for it but Close.
	orphanLimit = 250 * time.Millisecond
)

// unsure reports whether Redis may have done, or may still do, what a call has asked for in vain: it carries out what it had received when it
// hung, and whom it was for has given up by then.
func unsure(ctx context.Context, err error) bool {
	return err != nil && !errors.Is(err, errDown) && !errors.Is(err, errSpent) && resultOf(ctx, err) != outage.Answered
}

// orphan gives back, in the background and once Redis answers, a lock of which nobody knows whether it was taken: it would be held by nobody, and
// everybody would wait for its TTL.
func (r *request) orphan(ctx context.Context, token string) {
	key, c := r.slot.lockKey, r.c
	c.inBackground(probe.Background(ctx), func(ctx context.Context) {
		tick := time.NewTicker(orphanEvery)
		defer tick.Stop()
		for looks := 0; looks < orphanLooks; {
			select {
			case <-tick.C:
			case <-c.closing:
				return
			case <-ctx.Done():
				return
			}
			if c.watch.Down() {
				continue
			}
			within, cancel := context.WithTimeout(ctx, orphanLimit)
			held, err := c.unlock(within, key, token)
			cancel()
			switch {
			case err != nil:
			case held:
				return
			default:
				looks++
			}
		}
	})
}
