package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/measure"
)

// Balanced is a Caller with a connection to each of several replicas. A request goes to the one that its group chooses; if no connection can be
// made to it, which leaves nothing sent, to another, as a load balancer does, and the replica is out of service until somebody puts it back in.
// Its clock keeps running meanwhile. A request that was sent is never sent to a second replica.
type Balanced struct {
	group  *balance.Group
	one    func(replica int) Caller // makes one
	policy balance.Policy
	n      int // of the group's replicas that take part
	turn   balance.Turn
	draw   draw // of all connections: what one request takes from its response, the next may need at another replica

	mu     sync.Mutex // guards all below
	made   []Caller   // by replica; nil where nothing has been sent yet
	closed bool
}

// NewBalanced returns a caller over a group. It makes a caller for a replica when that is first chosen.
func NewBalanced(group *balance.Group, one func(replica int) Caller) *Balanced {
	return &Balanced{group: group, one: one, policy: balance.RoundRobin, n: group.Len(), made: slices.Repeat([]Caller{nil}, group.Len())}
}

// Over has later calls go to the first n replicas, by a policy. It is for the goroutine that makes the calls.
func (b *Balanced) Over(n int, p balance.Policy) { b.n, b.policy = n, p }

// Draw implements Caller. It also begins the arrival that replicas are chosen by: without it all requests are of the same.
func (b *Balanced) Draw(seed uint64, k, user int64) {
	b.turn = balance.Turn{Seed: seed, K: k, User: user}
	b.draw.begin(seed, k, user)
}

// sharer is a caller whose requests can take the data of another's.
type sharer interface{ share(d *draw) }

// Call implements Caller.
func (b *Balanced) Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) {
	var tried uint64
	for {
		i := b.group.Take(b.policy, b.n, b.turn, tried)
		if i < 0 {
			break // out has what became of the last try
		}
		b.caller(i).Call(ctx, mode, deadline, out)
		b.group.Done(i)
		out.Replica = i
		if out.Kind != measure.Refused {
			break
		}
		b.group.Set(i, false)
		tried |= 1 << i
	}
	b.turn.Step++
}

// caller returns that of a replica.
func (b *Balanced) caller(i int) Caller {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made[i] == nil {
		b.made[i] = b.one(i)
		if s, ok := b.made[i].(sharer); ok {
			s.share(&b.draw)
		}
		if b.closed {
			_ = b.made[i].Close() // nothing is under way on it
		}
	}
	return b.made[i]
}

// Close implements Caller.
func (b *Balanced) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, c := range b.made {
		if c != nil {
			_ = c.Close() // a connection that cannot be closed is gone as well
		}
	}
	return nil
}
