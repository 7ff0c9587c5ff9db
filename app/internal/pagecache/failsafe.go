package pagecache

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
)

// failsafe serves the last page past its TTL, for its time of grace, when the database fails or takes long (the fail-safe of FusionCache). Who
// recomputes the page is decided by another strategy, which a knob chooses: lock, lease or swr.
//
// A request with an old page in hand waits for a recompute for the soft timeout at most, and then takes the old one; the recompute goes on, until the
// hard timeout, which is ComputeTimeout, and its page is stored. Over lock the others wait likewise; over lease they take the old page at once, and
// over swr everybody does. When a recompute has failed, this process tries no other of that page for the time of the throttle: while the database is
// down it is asked for a page once a throttle and replica, at most. What is remembered for that is in the process, where it holds without Redis too.
//
// A page that is missing is as the other strategy has it: nothing can be served instead, and an error is the caller's. That is so too of every page
// while Redis does not answer: with both gone, requests of a process share one recompute at a time, and its error.
type failsafe struct{}

func newFailsafe() policy { return failsafe{} }

// Values of FailsafeOver.
const (
	overLock  = "lock"
	overLease = "lease"
	overSWR   = "swr"
)

func (failsafe) get(ctx context.Context, r *request) (Page, Outcome, error) {
	old, ok := r.read(ctx)
	switch {
	case ok && old.fresh > 0:
		return old.page, old.hit(), nil
	case ok:
		r.replacing(ctx, old)
		return r.replaceOrKeep(ctx, old)
	case r.cfg.FailsafeOver == overLease:
		return r.fillUnderLease(ctx, nil)
	}
	return r.fillLocked(ctx, r.cfg.Grace)
}

// replaceOrKeep recomputes the page old, which is past its TTL, or returns what another request stored, or old.
func (r *request) replaceOrKeep(ctx context.Context, old *entry) (Page, Outcome, error) {
	soft := time.NewTimer(r.cfg.SoftTimeout)
	defer soft.Stop()
	for poll := firstPoll; ; poll = min(poll*3/2, lastPoll) {
		change := r.slot.changes() // from before the questions: what comes after their answers must not be missed
		token, now, err := r.claim(ctx, old)
		switch {
		case now != nil:
			return old.replacedBy(ctx, now)
		case err == nil:
			return r.attempt(ctx, token, old, soft)
		case errors.Is(err, errThrottled):
			return r.keep(ctx, old, DetailThrottled)
		case !errors.Is(err, errTaken):
			return r.kept(ctx, old)
		case r.cfg.FailsafeOver != overLock:
			return old.page, old.stale(), nil
		}
		more, err := r.pause(ctx, poll, soft, change)
		if err != nil {
			return Page{}, collapsed(err), err
		}
		if !more {
			return r.keep(ctx, old, DetailSoftTimeout)
		}
		if now := r.replacement(ctx, old); now != nil {
			return old.replacedBy(ctx, now)
		}
	}
}

// replacedBy is how a request ends that had the old page, and found what another request has stored.
func (e *entry) replacedBy(ctx context.Context, now *entry) (Page, Outcome, error) {
	e.page.Release()
	linkToLeader(ctx, now.maker)
	return now.page, now.coalesced(), nil
}

// keep serves the old page because of the database, and counts that. The request's span is linked to the attempt that failed or takes long.
func (r *request) keep(ctx context.Context, old *entry, detail string) (Page, Outcome, error) {
	probe.From(ctx).Count(api.CountFailsafe)
	linkToLeader(ctx, r.slot.attempts.last())
	out := old.stale()
	out.Detail = detail
	return old.page, out, nil
}

// kept serves the old page because Redis does not answer, unless the request has ended meanwhile.
func (r *request) kept(ctx context.Context, old *entry) (Page, Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Page{}, collapsed(err), err
	}
	return old.page, old.stale(), nil
}

// claim asks for the right to recompute the page old, and does not wait for it. It returns a token, or the page that has replaced old. The error is
// errTaken if somebody else has the right, errThrottled if nobody here may have it yet, or Redis'. With a token, the request has begun the slot's attempt.
//
// This process is asked first: one attempt runs in it at a time, also if that takes longer than the lock lives.
func (r *request) claim(ctx context.Context, old *entry) (token string, now *entry, err error) {
	if err := r.slot.attempts.begin(r.cfg.Now()); err != nil {
		return "", nil, err
	}
	defer func() {
		if token == "" {
			r.slot.attempts.end()
		}
	}()
	if r.cfg.FailsafeOver == overLease {
		return r.claimLease(ctx, old)
	}
	token, err = r.tryLock(ctx)
	if err != nil {
		return "", nil, err
	}
	// The last holder may have stored the page after this request read it, and before it gave the lock back.
	if now := r.replacement(ctx, old); now != nil {
		r.giveBack(ctx, token)
		return "", now, nil
	}
	return token, nil, nil
}

func (r *request) claimLease(ctx context.Context, old *entry) (token string, now *entry, err error) {
	verdict, token, err := r.acquire(ctx)
	switch {
	case err != nil:
		return "", nil, err
	case verdict == leaseTaken:
		return token, nil, nil
	case verdict == leaseHit:
		if now := r.replacement(ctx, old); now != nil {
			return "", now, nil
		}
	}
	return "", nil, errTaken
}

// replacement returns the fresh page that has replaced old, or nil. It asks for the header first: those who wait ask often, and the old page's body
// they have.
func (r *request) replacement(ctx context.Context, old *entry) *entry {
	if head := r.head(ctx); head == nil || head.generation == old.generation || head.fresh <= 0 {
		return nil
	}
	now, ok := r.read(ctx)
	if ok && now.fresh <= 0 {
		now.page.Release()
		return nil
	}
	return now
}

// attempt recomputes the page, for which the request holds token, and waits for that until soft; over swr not at all.
func (r *request) attempt(ctx context.Context, token string, old *entry, soft *time.Timer) (Page, Outcome, error) {
	done := r.startAttempt(ctx, token)
	if done == nil {
		r.giveBack(ctx, token)
		return old.page, old.stale(), nil
	}
	if r.cfg.FailsafeOver == overSWR {
		out := old.stale()
		out.Detail = DetailRefresh
		return old.page, out, nil
	}
	select {
	case got := <-done:
		switch {
		case errors.Is(got.err, ErrAbsent):
			old.page.Release()
			return Page{}, got.out, got.err
		case got.err != nil:
			return r.keep(ctx, old, DetailFailsafe)
		case got.trouble != "":
			r.trouble = got.trouble
		}
		old.page.Release()
		return got.page, got.out, nil
	case <-soft.C:
		return r.keep(ctx, old, DetailSoftTimeout)
	case <-ctx.Done():
		return Page{}, collapsed(ctx.Err()), ctx.Err()
	}
}

// attempted is what came of an attempt.
type attempted struct {
	page    Page
	out     Outcome
	err     error
	trouble string // that Redis made
}

// startAttempt recomputes the page out of reach of the request's cancellation, and returns where the result comes; nil once the cache is closed. It is
// in the request's trace and on its meter, as far as the request waits for it: what takes longer than the request is seen there to go on. Over swr it
// is a refresh, with a trace of its own.
func (r *request) startAttempt(ctx context.Context, token string) <-chan attempted {
	work, done := r.again(), make(chan attempted, 1)
	traced, meter := ctx, probe.From(ctx)
	var span trace.Span
	if r.cfg.FailsafeOver == overSWR {
		traced, span = r.startRefresh(ctx)
		meter = probe.From(probe.Background(ctx))
	} else {
		work.budget = r.budget // the request waits for it
	}
	r.slot.attempts.traced(trace.SpanContextFromContext(traced))
	started := r.c.refreshInBackground(traced, func(ctx context.Context) {
		page, out, err := work.replace(probe.With(ctx, meter), token)
		endWork(span, err)
		done <- attempted{page, out, err, work.trouble}
	})
	if !started {
		endWork(span, nil)
		r.slot.attempts.end()
		return nil
	}
	return done
}

// replace recomputes the page and gives its lock or lease back. When it fails, the throttle begins.
func (r *request) replace(ctx context.Context, token string) (page Page, out Outcome, err error) {
	if r.cfg.FailsafeOver == overLease {
		page, out, err = r.fillLeased(ctx, token, nil)
	} else {
		defer r.giveBack(ctx, token)
		page, out, err = r.fillAlone(ctx, r.cfg.Grace)
	}
	if err != nil && !errors.Is(err, ErrAbsent) {
		r.slot.attempts.fail(r.cfg.Now().Add(r.cfg.Throttle))
		r.logRefresh(ctx, err)
	} else {
		r.slot.attempts.end()
	}
	r.slot.changed() // those who wait find the new page, or the throttle
	return page, out, err
}

// errThrottled is that a recompute of the page has failed a short time ago.
var errThrottled = errors.New("no recompute is tried yet")

// attempts is what a process remembers of the recomputes of one page by failsafe. The zero value remembers none.
type attempts struct {
	mu      sync.Mutex // guards the rest
	running bool
	until   time.Time         // before which none is tried, because the last one failed
	span    trace.SpanContext // of the last one
}

// begin begins an attempt that the caller must end. The error is errTaken if one runs, or errThrottled.
func (a *attempts) begin(now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.running:
		return errTaken
	case now.Before(a.until):
		return errThrottled
	}
	a.running = true
	return nil
}

func (a *attempts) traced(span trace.SpanContext) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.span = span
}

func (a *attempts) last() trace.SpanContext {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.span
}

// end ends an attempt that did not fail.
func (a *attempts) end() { a.fail(time.Time{}) }

// fail ends an attempt, and lets no other begin until then.
func (a *attempts) fail(until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running, a.until = false, until
}
