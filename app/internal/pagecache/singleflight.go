package pagecache

import "context"

// singleflight lets one request of this process recompute a page, the leader; the others that miss it meanwhile wait for the leader's
// page. It needs nothing of Redis, so it also shields the database when Redis is gone.
type singleflight struct {
	flights flights
}

func newSingleflight() policy { return &singleflight{} }

// get lets a waiter whose leader failed try once more. With one failed recompute only its leader sees the error; with a database that
// stays down everybody sees one after two recomputes in a row, not after as many as there are waiters.
func (s *singleflight) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.read(ctx); ok {
		return e.page, e.hit(), nil
	}
	f, leads := s.flights.join(ctx, r.key)
	for lastTry := false; !leads; lastTry = true {
		page, err := f.wait(ctx)
		if err == nil || lastTry || ctx.Err() != nil {
			return page, collapsed(err), err
		}
		f, leads = s.flights.retry(ctx, r.key, f)
	}
	return s.lead(ctx, r, f)
}

// lead recomputes the page in the leader's own goroutine, but out of reach of its cancellation: a leader whose client has left fails no
// waiter, and the page is cached all the same.
func (s *singleflight) lead(ctx context.Context, r *request, f *flight) (page Page, out Outcome, err error) {
	defer s.flights.land(r.key, f)
	ctx, cancel := r.detach(ctx)
	defer cancel()
	// The page may be there by now: a request that missed it just before another flight stored it and landed comes here too late to join.
	if e, ok := r.read(ctx); ok {
		page, out = e.page.shared(), e.coalesced()
	} else {
		page, out, err = r.fill(ctx, noGrace)
	}
	f.page, f.err = page, err
	return page, out, err
}
