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

// lease lets one request of all processes recompute a page, as lock does, and stores only what is not outdated (Nishtala et al.: Scaling
// Memcache at Facebook, NSDI 2013, 3.2.1). A miss is one script in Redis that answers with the page's state or with a lease, and a fill is
// one that stores the page only while its lease is held: an invalidation has revoked it, so that a page from before a change never
// replaces one from after it. The lease of a recompute that takes long is extended for as long as that runs; the one of a holder that
// died is free after at most a lock TTL.
//
// A page past its TTL, but in its time of grace, is served while another request recomputes it. If there is none at all, the others wait
// for as long as a recompute may take.
type lease struct{}

func newLease() policy { return lease{} }

func (lease) get(ctx context.Context, r *request) (Page, Outcome, error) {
	old, ok := r.read(ctx)
	if ok && old.fresh > 0 {
		return old.page, old.hit(), nil
	}
	if ok {
		r.replacing(ctx, old)
	}
	return r.fillUnderLease(ctx, old)
}

// fillUnderLease recomputes a page that is missing, or past its TTL and then old, or waits for whoever does.
func (r *request) fillUnderLease(ctx context.Context, old *entry) (Page, Outcome, error) {
	token, e, err := r.leaseOrPage(ctx, old)
	if old != nil && e != old && token == "" {
		old.page.Release()
	}
	switch {
	case err != nil:
		return Page{}, collapsed(err), err
	case e != nil && e.fresh <= 0:
		return e.page, e.stale(), nil
	case e != nil:
		linkToLeader(ctx, e.maker)
		return e.page, e.coalesced(), nil
	case token == "":
		return r.fillNothing(ctx)
	}
	return r.fillLeased(ctx, token, old)
}

// leaseOrPage returns a token if the caller holds the lease, or else the page: old at once if that is in its time of grace and somebody
// recomputes it, or what has been stored meanwhile. It returns neither if Redis fails, or if nobody could recompute the page in the
// time that a recompute may take: a request that gave up while the holder still lives would only double the load of a slow database.
func (r *request) leaseOrPage(ctx context.Context, old *entry) (token string, e *entry, err error) {
	defer r.waited(ctx)
	patience := time.NewTimer(r.cfg.ComputeTimeout)
	defer patience.Stop()
	change, held := r.slot.changes(), false // change is from before each question: what comes after the answer must not be missed
	for poll := firstPoll; ; poll = min(poll*3/2, lastPoll) {
		if !held {
			verdict, token, err := r.acquire(ctx)
			switch {
			case err != nil:
				return "", old, ctx.Err()
			case verdict == leaseTaken:
				return token, nil, nil
			case verdict == leaseStale && old != nil:
				return "", old, nil
			}
			held = verdict == leaseWait
		}
		if held {
			more, err := r.pause(ctx, poll, patience, change)
			if err != nil || !more {
				return "", nil, err
			}
		}
		change = r.slot.changes()
		if e, held, err = r.look(ctx); e != nil || err != nil {
			return "", e, ctx.Err()
		}
	}
}

// look returns the page, or nil, and whether somebody holds its lease, in one round trip. It runs no script: waiters ask often, and the
// embedded Redis sets Lua up anew for each script.
func (r *request) look(ctx context.Context) (e *entry, held bool, err error) {
	var exists *redis.IntCmd
	err = r.redis(ctx, func(ctx context.Context) (err error) {
		e, err = r.c.lookup(ctx, r.slot.pageKey, func(pipe redis.Pipeliner) { exists = pipe.Exists(ctx, r.slot.lockKey) })
		return err
	})
	switch {
	case err == nil:
		r.slot.seen(e.generation)
		return e, false, nil
	case errors.Is(err, redis.Nil):
		return nil, exists.Val() > 0, nil
	}
	return nil, false, err
}

// acquire asks for the lease. The token is new for each time it is granted: with one a client, whose first lease ran out and who got the
// second, a late fill of the first would pass for one of the second.
func (r *request) acquire(ctx context.Context) (verdict, token string, err error) {
	token = rand.Text()
	err = r.redis(ctx, func(ctx context.Context) (err error) {
		keys := []string{r.slot.pageKey, r.slot.lockKey}
		verdict, err = r.c.scripts.acquire.Run(ctx, r.c.rdb, keys, token, r.cfg.LockTTL.Milliseconds()).Text()
		return err
	})
	if unsure(ctx, err) {
		r.orphan(ctx, token)
	}
	switch verdict {
	case leaseTaken:
		r.waited(ctx)
		event(ctx, signal.EventLeaseTaken, "", r.cfg.LockTTL)
	case leaseWait, leaseStale:
		r.foundBusy(ctx)
	}
	return verdict, token, err
}

// fillLeased recomputes the page under its lease, and stores it if the lease is still held by then. If the recompute fails it returns old, if
// there is one: that is what the others get at this moment, and better than an error.
func (r *request) fillLeased(ctx context.Context, token string, old *entry) (Page, Outcome, error) {
	ctx, cancel := r.detach(ctx)
	defer cancel()
	filled := false
	defer func() {
		if !filled {
			r.giveBack(ctx, token)
		}
	}()
	page, took, err := r.recomputeLeased(ctx, token)
	switch {
	case err != nil && old != nil:
		out := old.stale()
		out.Detail = DetailRefreshFailed
		return old.page, out, nil //nolint:nilerr // the outcome has it
	case err != nil:
		return Page{}, failed(), err
	case old != nil:
		old.page.Release()
	}
	e := r.entry(ctx, page, took, r.leasedGrace())
	filled, accepted := r.fillCompared(ctx, e, token)
	out := missed(accepted, e.ttl)
	if filled && !accepted {
		out.Detail = DetailRejected
		probe.From(ctx).Count(api.CountRejected)
		if r.rows != nil {
			r.slot.outrun.Store(true)
		}
	}
	return page, out, nil
}

// leasedGrace is how long after its TTL a page may be served. One that is dropped when it changes is not to be served once it is gone.
func (r *request) leasedGrace() time.Duration {
	if r.rows != nil {
		return noGrace
	}
	return r.cfg.Grace
}

// recomputeLeased recomputes the page, and extends the lease while that runs.
func (r *request) recomputeLeased(ctx context.Context, token string) (Page, time.Duration, error) {
	stop := make(chan struct{})
	defer close(stop)
	beat := r.again()
	r.c.inBackground(ctx, func(ctx context.Context) { beat.extendUntil(ctx, token, stop) })
	return r.recompute(ctx)
}

// extensions is how often a lease is extended in its TTL: one may fail, and one be late.
const extensions = 3

// extendUntil extends the lease again and again, until stop is closed, ctx ends or the lease is lost.
func (r *request) extendUntil(ctx context.Context, token string, stop <-chan struct{}) {
	t := time.NewTicker(r.cfg.LockTTL / extensions)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-t.C:
		}
		r.budget = r.cfg.RedisBudget // nobody waits for this: each time may take what a request may
		var held int
		err := r.redis(ctx, func(ctx context.Context) (err error) {
			held, err = r.c.scripts.extend.Run(ctx, r.c.rdb, []string{r.slot.lockKey}, token, r.cfg.LockTTL.Milliseconds()).Int()
			return err
		})
		if err != nil {
			continue
		}
		if held == 0 {
			select {
			case <-stop: // by now, the recompute's own fill may have ended the lease
			default:
				event(ctx, signal.EventLockLost, "found when it was to be extended", 0)
			}
			return
		}
		event(ctx, signal.EventLeaseExtended, "", r.cfg.LockTTL)
	}
}

// fillCompared stores the page if the lease is held and the page is not outdated. It reports whether Redis has answered, with which the
// lease is over, and whether the page was accepted.
func (r *request) fillCompared(ctx context.Context, e *entry, token string) (answered, accepted bool) {
	keys := []string{r.slot.pageKey, r.slot.lockKey, r.slot.tombstoneKey}
	args := []any{token, nil, (e.ttl + e.grace).Milliseconds()}
	if r.rows != nil {
		rows := e.page.Rows
		e.page.Body = encodeList(List{Head: e.page.Body}, r.rows.epoch)
		keys, args = r.rows.compared(keys, args, rows)
	}
	args[1] = e.encode()
	var verdict string
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		verdict, err = r.c.scripts.fill.Run(ctx, r.c.rdb, keys, args...).Text()
		return err
	})
	switch {
	case err != nil:
		fillFailed(ctx, err)
		return false, false
	case verdict != fillStored:
		switch verdict {
		case fillRevoked, fillTaken, fillGone:
			lockLost(ctx, "found when the page was to be stored")
		}
		event(ctx, signal.EventFillRejected, rejection(verdict), 0)
		return true, false
	}
	event(ctx, signal.EventFillStored, "", e.ttl)
	r.slot.seen(e.generation)
	r.slot.changed()
	return true, true
}

// fillNothing recomputes the page without storing it: without a lease nobody knows whether it may be. Requests of a process without Redis
// share that.
func (r *request) fillNothing(ctx context.Context) (Page, Outcome, error) {
	if r.trouble == "" {
		return r.recomputedAlone(ctx)
	}
	return r.c.outages.share(ctx, r.slot.pageKey, func(ctx context.Context) (Page, Outcome, error) {
		ctx, cancel := r.detach(ctx)
		defer cancel()
		return r.recomputed(ctx)
	})
}

// recomputedAlone is recomputed for a request that shares that with nobody, or does so by itself.
func (r *request) recomputedAlone(ctx context.Context) (Page, Outcome, error) {
	page, out, err := r.recomputed(ctx)
	if err == nil && r.trouble == "" {
		out.Detail = DetailWaitOver
	}
	return page, out, err
}

// recomputed recomputes the page, and does not store it.
func (r *request) recomputed(ctx context.Context) (Page, Outcome, error) {
	page, _, err := r.recompute(ctx)
	if err != nil {
		return Page{}, failed(), err
	}
	return page, missed(false, r.cfg.TTL), nil
}
