package pagecache

import (
	"context"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
)

// invalidate keeps a page until one of its rows changes: Changed drops it then (see changes.go), and the TTL is only for what that has missed. A
// miss is recomputed under a lease, as lease does, and stored only if no row of it has changed since it was read. A page that has changed
// is never served as stale.
//
// Nobody gets a page that was read before he came: with a page that changes faster than it is recomputed, whoever takes over a recompute that
// is under way (singleflight, a lock) would get what he knows to be outdated, and whoever does not would recompute it himself. So requests of
// one process take turns.
type invalidate struct {
	turns turns
}

func newInvalidate() policy { return &invalidate{} }

func (i *invalidate) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.readWhole(ctx); ok {
		return e.page, e.hit(), nil
	}
	return i.turns.share(ctx, r.slot.pageKey, func(ctx context.Context) (Page, Outcome, error) {
		ctx, cancel := r.detach(ctx)
		defer cancel()
		return i.lead(ctx, r)
	})
}

// lead recomputes the page under its lease, or waits for the process that does. The epoch is noted before the database is read: a page is stored
// as of that, and of no use in the next.
func (*invalidate) lead(ctx context.Context, r *request) (Page, Outcome, error) {
	for {
		epoch, err := r.inEpoch(ctx)
		if err != nil {
			return r.recomputedAlone(ctx)
		}
		token, e, err := r.leaseOrPage(ctx, nil)
		switch {
		case err != nil:
			return Page{}, collapsed(err), err
		case token != "":
			if r.slot.outrun.Swap(false) {
				r.cause = probe.Expired
				probe.From(ctx).Count(api.CountExpirations)
			}
			r.rows = &rows{prefix: r.c.prefix, name: r.strategy + ":" + r.key, epoch: epoch}
			return r.fillLeased(ctx, token, nil)
		case e == nil:
			return r.recomputedAlone(ctx)
		}
		e.page.Release()
		if e, ok := r.readWhole(ctx); ok {
			linkToLeader(ctx, e.maker)
			return e.page.shared(), e.coalesced(), nil
		}
	}
}
