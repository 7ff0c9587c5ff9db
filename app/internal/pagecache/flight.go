package pagecache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/probe"
)

// errAborted is the result of a flight whose leader ended without a result, as by runtime.Goexit.
var errAborted = errors.New("the recompute was aborted")

// flights are the recomputes under way in this process, by key. The zero value has none.
type flights struct {
	mu sync.Mutex // guards up, and next of each flight
	up map[string]*flight
}

// flight is one recompute that others may wait for.
type flight struct {
	landed chan struct{} // closed when page and err are set for good
	page   Page
	err    error
	leader trace.SpanContext // of the request that recomputes
	others atomic.Int64      // that wait
	next   *flight           // that the waiters try again with, if this one failed
}

// share lets one request lead at a time for each key, and gives the others its page.
//
// A waiter whose leader failed tries once more. With one failed recompute only its leader sees the error; with a database that stays down
// everybody sees one after two recomputes in a row, not after as many as there are waiters.
func (fs *flights) share(ctx context.Context, key string, lead func(context.Context) (Page, Outcome, error)) (page Page, out Outcome, err error) {
	f, leads := fs.join(ctx, key)
	for lastTry := false; !leads; lastTry = true {
		page, err := f.wait(ctx)
		if err == nil || lastTry || ctx.Err() != nil || errors.Is(err, ErrAbsent) {
			return page, collapsed(err), err
		}
		f, leads = fs.retry(ctx, key, f)
	}
	defer fs.land(key, f)
	page, out, err = lead(ctx)
	f.page, f.err = page, err
	noteWaiters(ctx, int(f.others.Load()))
	return page, out, err
}

// join returns the flight for key. The caller leads it if there was none: it must set page and err, and land it, whatever happens.
func (fs *flights) join(ctx context.Context, key string) (f *flight, leads bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.joinLocked(ctx, key)
}

// retry returns the flight that a waiter of f, which failed, tries again with. It is one flight for all of them: against a database
// that refuses at once, each waiter that wakes up a little later would find the flight of those before it landed and gone, and lead
// one more.
func (fs *flights) retry(ctx context.Context, key string, f *flight) (next *flight, leads bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.next == nil {
		f.next, leads = fs.joinLocked(ctx, key)
	}
	return f.next, leads
}

func (fs *flights) joinLocked(ctx context.Context, key string) (f *flight, leads bool) {
	if f, ok := fs.up[key]; ok {
		return f, false
	}
	if fs.up == nil {
		fs.up = map[string]*flight{}
	}
	f = &flight{landed: make(chan struct{}), err: errAborted, leader: trace.SpanContextFromContext(ctx)}
	fs.up[key] = f
	return f, true
}

// wait returns the leader's page or error once the flight has landed, or ctx's error.
func (f *flight) wait(ctx context.Context) (Page, error) {
	f.others.Add(1)
	defer probe.From(ctx).Waiting()()
	defer waitedFor(ctx, "another request of its process, which computed the page", time.Now())
	linkToLeader(ctx, f.leader)
	select {
	case <-f.landed:
		return f.page, f.err
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
}

// land takes the flight down before it lets the waiters go. The other way round, a waiter that wants to try again after an error could
// join the same flight once more, and use its second try up without a second recompute.
func (fs *flights) land(key string, f *flight) {
	fs.mu.Lock()
	delete(fs.up, key)
	fs.mu.Unlock()
	close(f.landed)
}

// fillTogether is fill for a process without Redis: one request recomputes the page, the others that want it meanwhile wait for that. The
// leader is out of reach of its client's cancellation. It tries to store the page, as Redis may answer that call.
func (r *request) fillTogether(ctx context.Context, grace time.Duration) (Page, Outcome, error) {
	return r.c.outages.share(ctx, r.slot.pageKey, func(ctx context.Context) (Page, Outcome, error) {
		ctx, cancel := r.detach(ctx)
		defer cancel()
		return r.fillAlone(ctx, grace)
	})
}
