package pagecache

import "context"

// ttl is the plain cache: a miss computes the page in its own request and stores it. Whoever misses while that runs does the same, which
// is the stampede. It is what it is during an outage of Redis, too: no other strategy recomputes a page more than once at a time then.
type ttl struct{}

func newTTL() policy { return ttl{} }

func (ttl) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.read(ctx); ok {
		return e.page, e.hit(), nil
	}
	return r.fillAlone(ctx, noGrace)
}
