package pagecache

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// Waiters look for the page at intervals that grow from the one to the other, each made up to half longer or shorter at random: those
// who began to wait together shall not ask together for ever.
const (
	firstPoll = 2 * time.Millisecond
	lastPoll  = 50 * time.Millisecond
)

// fillLocked recomputes a missing page under its lock, or waits for whoever does.
func (r *request) fillLocked(ctx context.Context, grace time.Duration) (Page, Outcome, error) {
	token, e, err := r.lockOrPage(ctx)
	if err != nil {
		return Page{}, collapsed(err), err
	}
	if e != nil {
		linkToLeader(ctx, e.maker)
		return e.page, e.coalesced(), nil
	}
	if token == "" && r.trouble != "" {
		return r.fillTogether(ctx, grace)
	}
	detached, cancel := r.detach(ctx)
	defer cancel()
	if token != "" {
		defer r.giveBack(ctx, token)
	}
	return r.fillAlone(detached, grace)
}

// lockOrPage returns a token if the caller holds the lock and the page is missing, or the page once it is there. It returns neither if
// Redis fails, or if two lock TTLs have passed with both out of reach: then nothing is left but to recompute without. One TTL is what
// the lock of a holder that died may take to expire. If requests waited no longer than that, all of them would give up at that moment, and
// recompute beside the one that took the lock over.
func (r *request) lockOrPage(ctx context.Context) (token string, e *entry, err error) {
	defer r.waited(ctx)
	patience := time.NewTimer(2 * r.cfg.LockTTL)
	defer patience.Stop()
	for poll := firstPoll; ; poll = min(poll*3/2, lastPoll) {
		token, err := r.tryLock(ctx)
		switch {
		case err == nil:
			// The last holder may have stored the page after this request missed it, and before it gave the lock back.
			if e, ok := r.read(ctx); ok {
				r.giveBack(ctx, token)
				return "", e, nil
			}
			return token, nil, nil
		case !errors.Is(err, errTaken):
			return "", nil, ctx.Err()
		}
		more, err := r.pause(ctx, poll, patience, nil)
		if err != nil || !more {
			return "", nil, err
		}
		if e, ok := r.read(ctx); ok {
			return "", e, nil
		}
	}
}

// pause waits for about d, or until sooner is closed; not longer than patience lasts.
func (r *request) pause(ctx context.Context, d time.Duration, patience *time.Timer, sooner <-chan struct{}) (more bool, err error) {
	if r.waits.IsZero() {
		r.waits = time.Now()
		r.slot.waiters.Add(1)
	}
	defer probe.From(ctx).Waiting()()
	t := time.NewTimer(time.Duration(float64(d) * (0.5 + r.cfg.Rand())))
	defer t.Stop()
	select {
	case <-t.C:
		return true, nil
	case <-sooner:
		return true, nil
	case <-patience.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// waited ends the wait of a request that has paused.
func (r *request) waited(ctx context.Context) {
	if r.waits.IsZero() {
		return
	}
	waitedFor(ctx, "the request that held the page's lock", r.waits)
	r.slot.waiters.Add(-1)
	r.waits = time.Time{}
}

// foundBusy notes that the page's lock is somebody else's: once, however often a waiter asks.
func (r *request) foundBusy(ctx context.Context) {
	if !r.busy {
		event(ctx, signal.EventLockBusy, "", 0)
	}
	r.busy = true
}

// errTaken is that somebody else holds the lock.
var errTaken = errors.New("the lock is taken")

// tryLock takes the page's lock. The token is new for each time the lock is taken: with one a process, a holder that lost its lock could
// give back the lock of another request of the same process.
func (r *request) tryLock(ctx context.Context) (token string, err error) {
	token = rand.Text()
	err = r.redis(ctx, func(ctx context.Context) error {
		return r.c.rdb.SetArgs(ctx, r.slot.lockKey, token, redis.SetArgs{Mode: "NX", TTL: r.cfg.LockTTL}).Err()
	})
	if errors.Is(err, redis.Nil) {
		r.foundBusy(ctx)
		return "", errTaken
	}
	if unsure(ctx, err) {
		r.orphan(ctx, token)
	}
	if err == nil {
		r.waited(ctx)
		event(ctx, signal.EventLockTaken, "", r.cfg.LockTTL)
	}
	return token, err
}

// giveBack ends the caller's hold on the lock, also when its request has been cancelled: nobody shall have to wait for the lock's TTL.
func (r *request) giveBack(ctx context.Context, token string) {
	ctx = probe.Detach(ctx)
	var held bool
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		held, err = r.c.unlock(ctx, r.slot.lockKey, token)
		return err
	})
	switch {
	case err != nil:
		r.orphan(ctx, token)
	case !held && r.trouble == "": // if Redis was in trouble, a fill that it did not answer may have given it back
		lockLost(ctx, "found when it was given back")
	}
}

// lockLost counts that a lock, or a lease, was gone before its holder gave it back.
func lockLost(ctx context.Context, reason string) {
	probe.From(ctx).Count(api.CountLocksLost)
	event(ctx, signal.EventLockLost, reason, 0)
}

// unlock deletes a lock if it holds the token, and reports whether it did.
func (c *Cache) unlock(ctx context.Context, key, token string) (held bool, err error) {
	return c.scripts.unlock.Run(ctx, c.rdb, []string{key}, token).Bool()
}
