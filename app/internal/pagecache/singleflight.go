package pagecache

import "context"

// singleflight lets one request of this process recompute a page, the leader; the others that miss it meanwhile wait for the leader's
// page. It needs nothing of Redis, so it also shields the database when Redis is gone.
type singleflight struct {
	flights flights
}

func newSingleflight() policy { return &singleflight{} }

func (s *singleflight) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.read(ctx); ok {
		return e.page, e.hit(), nil
	}
	return s.flights.share(ctx, r.key, func(ctx context.Context) (Page, Outcome, error) { return s.lead(ctx, r) })
}

// lead recomputes the page in the leader's own goroutine, but out of reach of its cancellation: a leader whose client has left fails no
// waiter, and the page is cached all the same.
func (s *singleflight) lead(ctx context.Context, r *request) (Page, Outcome, error) {
	ctx, cancel := r.detach(ctx)
	defer cancel()
	// The page may be there by now: a request that missed it just before another flight stored it and landed comes here too late to join.
	if e, ok := r.read(ctx); ok {
		linkToLeader(ctx, e.maker)
		return e.page.shared(), e.coalesced(), nil
	}
	return r.fillAlone(ctx, noGrace)
}
