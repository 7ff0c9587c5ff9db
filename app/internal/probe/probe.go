// Package probe measures what a request cost. A Meter travels in the request's context; a bun hook and a go-redis hook count, time and
// trace every query and command on the meter they find there, and on the totals of the meter's mode. It knows neither HTTP nor what
// the queries are for.
//
// The unsampled path is a few atomic additions a query: no span is started unless the context's span is recording.
package probe

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"loadlab/app/api"
	"loadlab/otel/signal"
)

// Meter counts what one request, or one piece of background work, spends. Its methods are safe for concurrent use and do nothing on a
// nil Meter.
type Meter struct {
	mode  *Mode
	start time.Time

	sql, sqlTime     atomic.Int64
	redis, redisTime atomic.Int64
	wait             atomic.Int64 // for database connections
	waited           atomic.Bool  // for a recompute
	repeats          repeats
}

type contextKey struct{}

// NewMeter returns a meter that also adds to the totals of mode.
func NewMeter(mode *Mode) *Meter { return &Meter{mode: mode, start: time.Now()} }

// With returns a context that carries m.
func With(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, contextKey{}, m)
}

// From returns the context's meter; nil, on which every method works, if there is none.
func From(ctx context.Context) *Meter {
	m, _ := ctx.Value(contextKey{}).(*Meter)
	return m
}

// Detach returns a context that its request cannot cancel, with the same meter: for a recompute that the request waits for, and that
// others may wait for too.
func Detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// Background returns a context that outlives its request, with a fresh meter of the same mode: what background work spends is in the
// mode's totals but not in a response that has long been sent.
func Background(ctx context.Context) context.Context {
	ctx = context.WithoutCancel(ctx)
	if m := From(ctx); m != nil {
		ctx = With(ctx, NewMeter(m.mode))
	}
	return ctx
}

// Timing is what the request has cost until now.
func (m *Meter) Timing() api.Timing {
	if m == nil {
		return api.Timing{}
	}
	return api.Timing{
		SQL:       int(m.sql.Load()),
		SQLTime:   time.Duration(m.sqlTime.Load()),
		Redis:     int(m.redis.Load()),
		RedisTime: time.Duration(m.redisTime.Load()),
		Wait:      time.Duration(m.wait.Load()),
		Total:     time.Since(m.start),
	}
}

// shortWait is a wait for a connection that nobody would look for in a trace.
const shortWait = time.Millisecond

// AddWait records that the request has waited since start for a database connection, and for nothing else. A wait that can be seen is a span of a trace
// that is recorded: without it, the time that a request spends before its first query would be a gap.
func AddWait(ctx context.Context, start time.Time) {
	now := time.Now()
	d := now.Sub(start)
	if m := From(ctx); m != nil {
		m.wait.Add(int64(d))
		m.mode.registry.metrics.wait.Observe(d.Seconds())
	}
	if d < shortWait {
		return
	}
	if parent := trace.SpanFromContext(ctx); parent.IsRecording() {
		_, span := parent.TracerProvider().Tracer(scope).Start(ctx, signal.SpanPoolWait, trace.WithTimestamp(start))
		span.End(trace.WithTimestamp(now))
	}
}

const scope = "loadlab/app/internal/probe"

func (m *Meter) addSQL(d time.Duration, rows int) {
	if m == nil {
		return
	}
	m.sql.Add(1)
	m.sqlTime.Add(int64(d))
	m.mode.sql.Add(1)
	m.mode.rows.Add(int64(rows))
}

func (m *Meter) addRedis(commands int, d time.Duration) {
	if m == nil {
		return
	}
	m.redis.Add(int64(commands))
	m.redisTime.Add(int64(d))
	m.mode.redis.Add(int64(commands))
}

// Recompute counts a recompute of a page, and what it is for; the caller calls done when it ends, however it ends.
func (m *Meter) Recompute(why Cause) (done func()) {
	if m == nil {
		return func() {}
	}
	return m.mode.recompute(why)
}

// Running marks the time in which a refresh in the background runs; the caller calls done when nothing is left to be spent on it.
func (m *Meter) Running() (done func()) {
	if m == nil {
		return func() {}
	}
	m.mode.registry.running.Add(1)
	return func() { m.mode.registry.running.Add(-1) }
}

// Count counts an event that is no query, no command, no request and no recompute: those are counted where they are made.
func (m *Meter) Count(c api.Counter) {
	if m != nil {
		m.mode.total(c).Add(1)
	}
}

// Expired marks the time in which a page of the mode is expired; the caller calls done when there is a fresh one.
func (m *Meter) Expired() (done func()) {
	if m == nil {
		return func() {}
	}
	return m.mode.expired.begin()
}

// Waiting marks the time in which the request waits for a recompute of somebody else. A request that waits several times is one that waited.
func (m *Meter) Waiting() (done func()) {
	if m == nil {
		return func() {}
	}
	start := time.Now()
	if !m.waited.Swap(true) {
		m.mode.waited.Add(1)
	}
	m.mode.waiting.add(1)
	return func() {
		m.mode.waiting.add(-1)
		m.mode.waitedFor.Add(int64(time.Since(start)))
	}
}
