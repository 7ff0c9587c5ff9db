package pagecache

import (
	"context"
	"math"
	"time"
)

// early is XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015): each hit
// refreshes the page in its own request with a probability that grows as the expiry comes near. Requests coordinate by nothing else.
// A page that is not requested shortly before its expiry expires, and is then as unprotected as a cold one.
type early struct{}

func newEarly() policy { return early{} }

func (early) get(ctx context.Context, r *request) (Page, Outcome, error) {
	e, ok := r.read(ctx)
	if !ok {
		return r.fill(ctx, noGrace)
	}
	if !refreshNow(e.fresh, e.took, r.cfg.Beta, r.cfg.Rand()) {
		return e.page, e.hit(), nil
	}
	r.replacing(ctx, e)
	return e.refreshedEarly(r.fill(ctx, noGrace))
}

// refreshedEarly is how a request ends that has recomputed the page e, which was fresh still: with the new page, or with e if there is none, which is
// better than an error.
func (e *entry) refreshedEarly(page Page, out Outcome, err error) (Page, Outcome, error) {
	if err != nil {
		hit := e.hit()
		hit.Detail = DetailRefreshFailed
		return e.page, hit, nil //nolint:nilerr // the outcome has it
	}
	e.page.Release()
	out.Detail = DetailEarly
	return page, out, nil
}

// refreshNow is the paper's test: with D the time that the last recompute took, refresh if -D x beta x ln(rand) reaches the time that
// is left. uniform is from [0, 1); the logarithm takes (0, 1].
func refreshNow(left, took time.Duration, beta, uniform float64) bool {
	return -float64(took)*beta*math.Log(1-uniform) >= float64(left)
}
