package pagecache

import (
	"context"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
)

// l1 keeps pages in this process, in front of Redis: a hit moves no page, and asks Redis nothing while its stream of invalidations is up. What it
// does not have, another strategy serves (the knob l1_over) under the keys of l1; the hits of that one are what it keeps. (A page that this process
// has just stored is not kept: the invalidation of that very store is on its way.)
//
// How old a page of L1 can be:
//
//   - A page is kept for what was left of its freshness when it was read, counted from before the read was sent, and never for its TTL: ages add.
//   - While the stream is up, Redis reports every page that is replaced, invalidated, expired or evicted, and it is dropped. A hit is served
//     unasked only if the stream has answered a ping that was sent less than streamSilence ago: that is how far L1 can be behind Redis, also if the
//     connection is half open or this process was stopped.
//   - While it is not, and where Redis has no tracking, a hit is checked: one round trip compares the page's generation, and moves no page.
//   - If Redis does not answer that, the page is served for as long as it was fresh (DetailL1Unchecked). That it was invalidated meanwhile cannot be known: it may
//     be old by its TTL, as any page of ttl may be at any time, and not by its grace. To send everybody to the database instead would do more harm.
//   - This process' own Invalidate, Flush and Expire drop what they are of before they return: a writer reads its own write.
type l1 struct {
	over map[string]policy
}

func newL1() policy {
	return l1{map[string]policy{"ttl": newTTL(), "lock": newLock(), "lease": newLease(), "swr": newSWR()}}
}

func (p l1) get(ctx context.Context, r *request) (Page, Outcome, error) {
	l := r.c.l1
	if !l.stream.started.Load() {
		r.c.followInvalidations()
	}
	now := l.stream.now()
	if kept, ok := l.pages.GetIfPresent(r.slot.pageKey); ok && now.Before(kept.until) {
		if l.stream.vouches(kept.epoch, now) {
			return kept.page, kept.hit(kept.until.Sub(now)), nil
		}
		if out, ok := r.check(ctx, kept); ok {
			return kept.page, out, nil
		}
	}
	return p.readThrough(ctx, r)
}

// readThrough serves the page as the strategy below does, and keeps it if that has found it in Redis.
func (p l1) readThrough(ctx context.Context, r *request) (Page, Outcome, error) {
	l := r.c.l1
	read, sent := l.begin(r.slot.pageKey), l.stream.now()
	var keep *keptPage
	defer func() { l.end(read, keep) }()
	// The pages of lease and swr outlive their freshness. After a change of l1_over, to ttl and lock they are as good as gone.
	r.freshOnly = r.cfg.L1Over == "ttl" || r.cfg.L1Over == "lock"
	page, out, err := p.over[r.cfg.L1Over].get(ctx, r)
	if e := r.found; err == nil && out.Result == api.CacheHit && e != nil && e.page.buf == page.buf {
		keep = keptOf(e, sent.Add(e.fresh), read.epoch)
	}
	return page, out, err
}

// check asks Redis whether the page is still what is stored, and for how long that is fresh. It reports whether the page may be served.
func (r *request) check(ctx context.Context, kept *keptPage) (Outcome, bool) {
	l := r.c.l1
	read, sent := l.begin(r.slot.pageKey), l.stream.now()
	var again *keptPage
	defer func() { l.end(read, again) }()
	probe.From(ctx).Count(api.CountL1Checks)
	var now *entry
	err := r.redis(ctx, func(ctx context.Context) (err error) {
		now, err = r.c.lookupHeader(ctx, r.slot.pageKey)
		return err
	})
	switch {
	case err == nil && now.generation == kept.generation && now.fresh > 0:
		if tracks(read.epoch) { // from now on the stream vouches for it
			again = kept.since(read.epoch, sent.Add(now.fresh))
		}
		return kept.hit(now.fresh), true
	case err != nil && (r.trouble == DetailRedis || r.trouble == DetailRedisDown):
		out := kept.hit(kept.until.Sub(l.stream.now()))
		out.Detail = DetailL1Unchecked
		return out, out.TTL > 0
	}
	return Outcome{}, false
}

// hit is the outcome of a request that the kept page is served to.
func (p *keptPage) hit(fresh time.Duration) Outcome {
	return Outcome{
		CacheStatus: api.CacheStatus{Result: api.CacheHit, TTL: fresh, Detail: DetailL1},
		Age:         max(p.ttl-fresh, 0),
	}
}
