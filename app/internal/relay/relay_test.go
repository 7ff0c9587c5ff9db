package relay_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/relay"
)

// outbox is one of which two changes are published at once.
type outbox struct {
	mu      sync.Mutex // guards the rest
	changes []housing.Row
	looks   int
	down    bool
}

func (o *outbox) write(versions ...int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, v := range versions {
		o.changes = append(o.changes, housing.Row{ID: v * 10, Version: v})
	}
}

func (o *outbox) Publish(ctx context.Context, publish func(context.Context, []housing.Row) error) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks++
	if o.down {
		return 0, errors.New("the database is down")
	}
	n := min(2, len(o.changes))
	if n == 0 {
		return 0, nil
	}
	if err := publish(ctx, o.changes[:n]); err != nil {
		return 0, err
	}
	o.changes = o.changes[n:]
	return n, nil
}

// cache notes when it was informed of each version.
type cache struct {
	start time.Time
	down  atomic.Bool

	mu       sync.Mutex // guards informed
	informed map[int64]time.Duration
}

func (c *cache) Changed(_ context.Context, changes []pagecache.Row) error {
	if c.down.Load() {
		return errors.New("Redis is down") //nolint:revive,staticcheck // a name
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range changes {
		c.informed[row.Version] = time.Since(c.start)
	}
	return nil
}

// virtual runs a test with a relay in virtual time.
func virtual(t *testing.T, test func(t *testing.T, o *outbox, c *cache, r *relay.Relay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o, c := &outbox{}, &cache{start: time.Now(), informed: map[int64]time.Duration{}}
		r := relay.Start(t.Context(), o, c, noop.NewTracerProvider().Tracer(""))
		synctest.Wait() // it has looked for what was left behind
		test(t, o, c, r)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // of the bubble's clock
}

func (c *cache) check(t *testing.T, version int64, want time.Duration) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.informed[version]; !ok || at != want {
		t.Errorf("version %d: informed at %s, %t, want at %s", version, at, ok, want)
	}
}

func TestWokenAtOnce(t *testing.T) {
	virtual(t, func(t *testing.T, o *outbox, c *cache, r *relay.Relay) {
		pass(300 * time.Millisecond)
		o.write(1, 2, 3, 4, 5)
		for range 5 {
			r.Wake(t.Context()) // never waits
		}
		synctest.Wait()
		for v := int64(1); v <= 5; v++ {
			c.check(t, v, 300*time.Millisecond)
		}
	})
}

// What another process has written, which died, is found within a second.
func TestFindsWhatOthersLeft(t *testing.T) {
	virtual(t, func(t *testing.T, o *outbox, c *cache, _ *relay.Relay) {
		pass(300 * time.Millisecond)
		o.write(1)
		pass(2 * time.Second)
		synctest.Wait()
		c.check(t, 1, time.Second)
		if o.looks < 3 || o.looks > 5 {
			t.Errorf("the outbox was looked at %d times in 2.3 s with nothing to do but once, want about 4", o.looks)
		}
	})
}

// What Redis has not taken is published as soon as it is back.
func TestTriesAgain(t *testing.T) {
	virtual(t, func(t *testing.T, o *outbox, c *cache, r *relay.Relay) {
		c.down.Store(true)
		o.write(1)
		r.Wake(t.Context())
		pass(time.Second + time.Millisecond)
		synctest.Wait()
		c.down.Store(false)
		pass(time.Second)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if at := c.informed[1]; at < time.Second || at > time.Second+60*time.Millisecond {
			t.Errorf("informed after %s, of which Redis was down for 1 s", at)
		}
	})
}

// A database that does not answer is asked once a second.
func TestSparesADatabaseThatIsDown(t *testing.T) {
	virtual(t, func(t *testing.T, o *outbox, _ *cache, r *relay.Relay) {
		o.mu.Lock()
		o.down, o.looks = true, 0
		o.mu.Unlock()
		r.Wake(t.Context())
		pass(5 * time.Second)
		synctest.Wait()
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.looks < 5 || o.looks > 7 {
			t.Errorf("the outbox was looked at %d times in 5 s, want 6", o.looks)
		}
	})
}

// A sampled change has a trace of its publishing, linked to its own; one that is not sampled has none.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("")
		o, c := &outbox{}, &cache{start: time.Now(), informed: map[int64]time.Duration{}}
		r := relay.Start(t.Context(), o, c, tracer)
		synctest.Wait()
		o.write(1)
		r.Wake(t.Context())
		synctest.Wait()
		if got := spans.Ended(); len(got) > 0 {
			t.Errorf("a change that is not sampled was traced: %v", got)
		}
		ctx, span := tracer.Start(t.Context(), "PATCH")
		o.write(2)
		r.Wake(ctx)
		synctest.Wait()
		got := spans.Ended()
		if len(got) != 1 || got[0].Name() != "outbox publish" || len(got[0].Links()) != 1 || got[0].Links()[0].SpanContext.SpanID() != span.SpanContext().SpanID() ||
			got[0].SpanContext().TraceID() == span.SpanContext().TraceID() {
			t.Errorf("got %v, want a trace of its own that is linked to the request's", got)
		}
		_ = r.Close(t.Context())
	})
}
