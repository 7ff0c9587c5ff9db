package pagecache

import "context"

// swr (stale-while-revalidate, RFC 5861) keeps a page for a time of grace beyond its TTL. The first to find it past its TTL takes the
// page's lock and refreshes it in the background; that one and everybody else get the old page at once. Nobody waits, except when
// nothing is cached at all: then it does as lock does.
type swr struct{}

func newSWR() policy { return swr{} }

func (swr) get(ctx context.Context, r *request) (Page, Outcome, error) {
	e, ok := r.read(ctx)
	if !ok {
		return r.fillLocked(ctx, r.cfg.Grace)
	}
	return r.serveAtOnce(ctx, e)
}

// serveAtOnce serves a page that is in Redis. If it is past its TTL, and nobody refreshes it yet, it is refreshed in the background.
func (r *request) serveAtOnce(ctx context.Context, e *entry) (Page, Outcome, error) {
	if e.fresh > 0 {
		return e.page, e.hit(), nil
	}
	r.replacing(ctx, e)
	out := e.stale()
	if token, err := r.tryLock(ctx); err == nil {
		if r.refreshLater(ctx, token) {
			out.Detail = DetailRefresh
		} else {
			r.giveBack(ctx, token)
		}
	}
	return e.page, out, nil
}
