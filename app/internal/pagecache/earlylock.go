package pagecache

import "context"

// earlyLock is early with the page's lock: of the requests that would refresh a page before it expires, the one that gets the lock does, and the others
// duck out with the page that they have, which is still fresh. A page that nobody has asked for shortly before its expiry, and a cold one, are recomputed
// as lock does it.
type earlyLock struct{}

func newEarlyLock() policy { return earlyLock{} }

func (earlyLock) get(ctx context.Context, r *request) (Page, Outcome, error) {
	e, ok := r.read(ctx)
	if !ok {
		return r.fillLocked(ctx, noGrace)
	}
	if !refreshNow(e.fresh, e.took, r.cfg.Beta, r.cfg.Rand()) {
		return e.page, e.hit(), nil
	}
	token, err := r.tryLock(ctx)
	if err != nil {
		return e.page, e.hit(), nil //nolint:nilerr // somebody else has the lock, or Redis does not answer: the page in hand is fresh
	}
	defer r.giveBack(ctx, token)
	return r.refreshHeld(ctx, e)
}

// refreshHeld recomputes the page e, whose lock the request holds, unless it was replaced after the request had read it and before it got the lock.
func (r *request) refreshHeld(ctx context.Context, e *entry) (Page, Outcome, error) {
	if now, ok := r.read(ctx); ok {
		if now.generation != e.generation {
			e.page.Release()
			return now.page, now.hit(), nil
		}
		now.page.Release()
	}
	r.replacing(ctx, e)
	detached, cancel := r.detach(ctx)
	defer cancel()
	return e.refreshedEarly(r.fillAlone(detached, noGrace))
}
