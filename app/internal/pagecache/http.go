package pagecache

import "context"

// HTTP is the strategy whose pages are served with what caches of HTTP need: a validator, and how long they may be used.
const HTTP = "http"

// httpPolicy keeps pages as swr does, and looks only at the header of an entry for a caller who has a copy: whether that is current does not depend on
// the body, which is nearly all of the entry (RFC 9110, section 13). A caller whose copy is another one costs one round trip more.
type httpPolicy struct{}

func newHTTP() policy { return httpPolicy{} }

func (httpPolicy) get(ctx context.Context, r *request) (Page, Outcome, error) {
	e, ok := r.readUnlessCurrent(ctx)
	if !ok {
		return r.fillLocked(ctx, r.cfg.Grace)
	}
	return r.serveAtOnce(ctx, e)
}

// readUnlessCurrent reads the page, but for its body if the caller has that.
func (r *request) readUnlessCurrent(ctx context.Context) (*entry, bool) {
	if r.current == nil {
		return r.read(ctx)
	}
	e, err := r.header(ctx)
	if !r.answered(ctx, e, err) {
		return nil, false
	}
	if r.has(e.page.Tag) {
		return e, true
	}
	r.asked, r.before = false, e.generation // if it is gone by now, it has expired
	return r.read(ctx)
}

// has reports whether the caller has the page with that tag. A page without one is never known to be the same.
func (r *request) has(tag uint64) bool { return tag != 0 && r.current != nil && r.current(tag) }
