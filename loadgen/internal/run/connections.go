package run

import (
	"sync"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/drive"
)

// connections are a pool of connections to one target, which are kept from phase to phase. A phase that opened its own would have as many
// connects in its figures as it has connections.
type connections struct {
	target   *client.Target
	requests []*client.Request // that each connection can make, by mode
	seed     uint64

	mu   sync.Mutex // guards idle and made
	idle []client.Caller
	made uint64
}

// take is borrow for a phase whose requests take no data.
func (c *connections) take() drive.Caller { return c.borrow() }

// borrow returns a connection that is not in use, or a new one. Its Close gives it back.
func (c *connections) borrow() borrowed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		caller := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return borrowed{caller, c}
	}
	c.made++
	return borrowed{client.New(c.target, c.seed+c.made, c.requests), c}
}

// close closes the connections that are not in use.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, caller := range c.idle {
		_ = caller.Close() // nothing is under way on it
	}
	c.idle = nil
}

// borrowed is a connection that is in use.
type borrowed struct {
	client.Caller
	pool *connections
}

// Close gives the connection back.
func (b borrowed) Close() error {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.pool.idle = append(b.pool.idle, b.Caller)
	return nil
}
