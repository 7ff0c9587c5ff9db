// Package relay informs the cache of what has been committed: it takes the changes out of the database's outbox and hands them to the cache, as
// soon as one was written, and again until the cache has taken them. It knows neither how the outbox is kept nor what a change drops.
package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
)

const (
	// every is how often the outbox is looked at without being woken: for what another process has written, which died before it had published it.
	every = time.Second
	// again is after how long what the cache has not taken is tried anew: once Redis is back, its old pages should not be seen for long. A database
	// that does not answer is not asked that often.
	again = 50 * time.Millisecond
)

// Relay publishes what is in the outbox.
type Relay struct {
	outbox outbox
	cache  cache
	tracer trace.Tracer
	woken  chan trace.SpanContext
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// outbox is the database's: see housing.Store.
type outbox interface {
	Publish(ctx context.Context, publish func(context.Context, []housing.Row) error) (int, error)
}

// cache is what drops what has changed: see pagecache.Cache.
type cache interface {
	Changed(ctx context.Context, changes []pagecache.Row) error
}

// Start starts a relay, whose queries and commands are counted on the meter in ctx. Errors of the database and of Redis are not logged: their
// outages have log lines of their own.
func Start(ctx context.Context, o outbox, c cache, tracer trace.Tracer) *Relay {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Relay{outbox: o, cache: c, tracer: tracer, woken: make(chan trace.SpanContext, 1), stop: stop}
	r.done.Go(func() { r.run(ctx) })
	return r
}

// Wake makes the relay look at the outbox now, for a change that the request of ctx has committed.
func (r *Relay) Wake(ctx context.Context) {
	select {
	case r.woken <- trace.SpanContextFromContext(ctx):
	default: // it is woken already, and has not looked yet
	}
}

// Close stops the relay and waits until it has.
func (r *Relay) Close(context.Context) error {
	r.stop()
	r.done.Wait()
	return nil
}

func (r *Relay) run(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		var cause trace.SpanContext
		select {
		case <-ctx.Done():
			return
		case cause = <-r.woken:
		case <-next.C:
		}
		wait := every
		if err := r.drain(ctx, cause); errors.As(err, new(*refusedError)) {
			wait = again
		}
		next.Reset(wait)
	}
}

// drain publishes until there is nothing left. If a sampled request has caused it, it has a trace of its own, linked to that one: the request
// does not wait for it.
func (r *Relay) drain(ctx context.Context, cause trace.SpanContext) (err error) {
	if cause.IsSampled() {
		var span trace.Span
		ctx, span = r.tracer.Start(ctx, "outbox publish", trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: cause}))
		defer span.End()
	}
	for {
		n, err := r.outbox.Publish(ctx, r.publish)
		if n == 0 || err != nil {
			return err
		}
	}
}

func (r *Relay) publish(ctx context.Context, changes []housing.Row) error {
	rows := make([]pagecache.Row, len(changes))
	for i, change := range changes {
		rows[i] = pagecache.Row(change)
	}
	if err := r.cache.Changed(ctx, rows); err != nil {
		return &refusedError{err}
	}
	return nil
}

// refusedError is that the cache has not taken changes.
type refusedError struct{ error }
