package run

import (
	"sync"

	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
)

// connections are a pool of connections to the replicas of one target, which are kept from phase to phase. A phase that opened its own would
// have as many connects in its figures as it has connections.
type connections struct {
	replicas []replica
	group    *balance.Group
	seed     uint64
	copies   []*client.Copies // by mode, of all replicas together

	mu   sync.Mutex // guards idle and made
	idle []client.Caller
	made uint64
}

// replica is where requests go to, and the requests that can be made of it, by mode.
type replica struct {
	target   *client.Target
	requests []*client.Request
}

// newConnections returns a pool without connections to the replicas at these URLs. seed is that of the connections, data that of the data.
func newConnections(urls []string, group *balance.Group, modes []scenario.Mode, options client.Options, seed, data uint64) (*connections, error) {
	c := &connections{group: group, seed: seed, copies: copiesOf(modes)}
	for _, url := range urls {
		target, err := client.NewTarget(url, options)
		if err != nil {
			return nil, err
		}
		requests, err := prepare(target, modes, data, c.copies)
		if err != nil {
			return nil, err
		}
		c.replicas = append(c.replicas, replica{target, requests})
	}
	return c, nil
}

// forget drops what users keep of responses.
func (c *connections) forget() {
	for _, copies := range c.copies {
		if copies != nil {
			copies.Forget()
		}
	}
}

// borrow returns a connection that is not in use, or a new one. Its Close gives it back.
func (c *connections) borrow() borrowed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		caller := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return borrowed{caller, c}
	}
	return borrowed{c.caller(), c}
}

// borrowOver is borrow for a phase whose requests are spread over the first n replicas.
func (c *connections) borrowOver(n int, p balance.Policy) borrowed {
	b := c.borrow()
	if balanced, ok := b.Caller.(*client.Balanced); ok {
		balanced.Over(n, p)
	}
	return b
}

// caller makes a connection; with several replicas, one to each of them when it is needed.
func (c *connections) caller() client.Caller {
	if len(c.replicas) == 1 {
		c.made++
		return client.New(c.replicas[0].target, c.seed+c.made, c.replicas[0].requests)
	}
	c.made += uint64(len(c.replicas))
	seed := c.seed + c.made
	return client.NewBalanced(c.group, func(i int) client.Caller {
		return client.New(c.replicas[i].target, seed-uint64(i), c.replicas[i].requests)
	})
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
