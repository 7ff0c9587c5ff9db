package pagecache

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/probe"
)

// turns are recomputes of this process that others wait for, as flights are, by key. But whoever comes while one is under way does not join it: it
// may have read the database before a change that the newcomer knows of. All who come meanwhile wait for the next, which begins when that
// one has ended. So nobody gets a page from before he came, there is one recompute at a time, and nobody waits for more than two of them,
// however fast a page changes. The zero value has none.
type turns struct {
	mu sync.Mutex // guards up, and everything of each turn but landed
	up map[string]*turnQueue
}

// turnQueue is the turns of one key.
type turnQueue struct {
	running *turn // nil: whoever waits next may begin
	next    *turn // nil: nobody waits
}

type turn struct {
	waiting int
	landed  chan struct{} // closed when page, err and leader are set for good
	page    Page
	err     error
	leader  trace.SpanContext
}

// share lets one request lead at a time for each key, and gives its page to those who came before it began.
func (ts *turns) share(ctx context.Context, key string, lead func(context.Context) (Page, Outcome, error)) (Page, Outcome, error) {
	t, before := ts.join(key)
	if before != nil {
		leads, err := ts.await(ctx, key, t, before)
		if err != nil {
			return Page{}, collapsed(err), err
		}
		if !leads {
			linkToLeader(ctx, t.leader)
			return t.page, collapsed(t.err), t.err
		}
	}
	defer ts.land(key, t)
	t.leader, t.err = trace.SpanContextFromContext(ctx), errAborted
	page, out, err := lead(ctx)
	t.page, t.err = page, err
	noteWaiters(ctx, ts.waiting(key, t, before != nil))
	return page, out, err
}

// waiting is how many requests wait for t, which runs, or for its end; its leader is not among them, though it may have waited for its turn.
func (ts *turns) waiting(key string, t *turn, led bool) int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	n := t.waiting
	if led {
		n--
	}
	if next := ts.up[key].next; next != nil {
		n += next.waiting
	}
	return n
}

// join returns the next turn, and the one that must end before it begins. If there is none, the caller leads.
func (ts *turns) join(key string) (t, before *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	q := ts.up[key]
	if q == nil {
		q = &turnQueue{}
		if ts.up == nil {
			ts.up = map[string]*turnQueue{}
		}
		ts.up[key] = q
	}
	if q.next == nil {
		q.next = &turn{landed: make(chan struct{})}
	}
	t = q.next
	if q.running == nil {
		q.running, q.next = t, nil
		return t, nil
	}
	t.waiting++
	return t, q.running
}

// await waits until t has landed, or until the turn before it has and the caller is the one to lead t.
func (ts *turns) await(ctx context.Context, key string, t, before *turn) (leads bool, err error) {
	defer probe.From(ctx).Waiting()()
	defer waitedFor(ctx, "the recompute that its process had begun, or the next", time.Now())
	select {
	case <-before.landed:
	case <-ctx.Done():
		ts.leave(key, t)
		return false, ctx.Err()
	}
	if ts.claim(key, t) {
		return true, nil
	}
	select {
	case <-t.landed:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// claim makes the caller the leader of t, unless another of those who wait for it, or somebody who has come since, is that already.
func (ts *turns) claim(key string, t *turn) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	q := ts.up[key]
	if q == nil || q.running != nil || q.next != t {
		return false
	}
	q.running, q.next = t, nil
	return true
}

// leave is the end of the wait of a request that was cancelled. If it was the last, and nobody leads, nobody would come to forget the key.
func (ts *turns) leave(key string, t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t.waiting--
	q := ts.up[key]
	if q == nil || q.next != t || t.waiting > 0 {
		return
	}
	q.next = nil
	if q.running == nil {
		delete(ts.up, key)
	}
}

// land ends a turn, and lets those go who waited for it, or for its end.
func (ts *turns) land(key string, t *turn) {
	ts.mu.Lock()
	q := ts.up[key]
	q.running = nil
	if q.next == nil {
		delete(ts.up, key)
	}
	ts.mu.Unlock()
	close(t.landed)
}
