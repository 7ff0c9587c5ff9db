package pagecache_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// count is a counter that can be waited for.
type count struct {
	mu      sync.Mutex // guards n, changed
	n       int
	changed chan struct{}
}

func (c *count) add() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	return c.n
}

func (c *count) value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// reach waits until the counter is at n or above.
func (c *count) reach(t *testing.T, n int) {
	t.Helper()
	ctx := testContext(t)
	for {
		c.mu.Lock()
		if c.n >= n {
			c.mu.Unlock()
			return
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			t.Errorf("the counter is at %d and never reached %d", c.value(), n)
			return
		}
	}
}

// firstRead is the context key under which a request carries a sync.Once for its first round trip.
type firstRead struct{}

// trips counts round trips to Redis, as a hook of its client.
type trips struct {
	all   count
	first count // requests whose first round trip has ended
	// before, if set, is called before each round trip with the name of its first command. Set it before the first one.
	before func(ctx context.Context, name string)
	after  func(ctx context.Context) // likewise, after each
}

func (h *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer h.trip(ctx, cmd.Name())()
		return next(ctx, cmd)
	}
}

func (h *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer h.trip(ctx, cmds[0].Name())()
		return next(ctx, cmds)
	}
}

func (h *trips) trip(ctx context.Context, name string) (done func()) {
	if name == "hello" || name == "ping" { // no request's
		return func() {}
	}
	if h.before != nil {
		h.before(ctx, name)
	}
	return func() {
		h.all.add()
		if once, ok := ctx.Value(firstRead{}).(*sync.Once); ok {
			once.Do(func() { h.first.add() })
		}
		if h.after != nil {
			h.after(ctx)
		}
	}
}
