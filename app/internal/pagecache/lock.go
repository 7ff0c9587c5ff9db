package pagecache

import "context"

// lock lets one request of all processes recompute a page: the holder of a lock in Redis. The others ask for the page again and again,
// until it is there or the lock is free. Requests of one process are not collapsed, so that what polling costs can be seen.
type lock struct{}

func newLock() policy { return lock{} }

func (lock) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.read(ctx); ok {
		return e.page, e.hit(), nil
	}
	return r.fillLocked(ctx, noGrace)
}
