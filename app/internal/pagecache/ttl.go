package pagecache

import "context"

// ttl is the plain cache: a miss computes the page in its own request and stores it. Whoever misses while that runs does the same, which
// is the stampede.
type ttl struct{}

func newTTL() policy { return ttl{} }

func (ttl) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.read(ctx); ok {
		return e.page, e.hit(), nil
	}
	return r.fill(ctx, noGrace)
}
