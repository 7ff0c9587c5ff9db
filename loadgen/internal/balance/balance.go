// Package balance chooses which replica of a service takes a request, as a load balancer does, and knows which replicas are in service. It is
// arithmetic over the arrival's number and a few counters: it knows neither the network nor the clock.
package balance

import (
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Policy is how replicas are chosen.
type Policy string

// Policies.
const (
	RoundRobin    Policy = "round_robin"     // one after the other, by the number of the arrival
	Random        Policy = "random"          // each drawn, by the seed and the number of the arrival
	Sticky        Policy = "sticky"          // always the same for a user: of an open load, for an arrival
	LeastInFlight Policy = "least_in_flight" // the one with the fewest requests under way; of several, one that is drawn
)

// Policies returns all policies, the default first.
func Policies() []Policy { return []Policy{RoundRobin, Random, Sticky, LeastInFlight} }

// MaxReplicas is how many a group may have: sets of them are the bits of a word.
const MaxReplicas = 64

// Turn is what a choice depends on, beside the state of the group.
type Turn struct {
	Seed    uint64
	K, User int64 // the number of the arrival, and of the user that makes it
	Step    int   // how many requests the arrival has made before
}

// Group is the replicas of a service, counted from 0. Its methods may be called concurrently.
type Group struct {
	inFlight []atomic.Int64
	out      atomic.Uint64 // those out of service, a bit each

	mu      sync.Mutex // held while out changes, so that changes are told in their order
	changed func(replica int, inService bool)
}

// NewGroup returns a group of n replicas, at most MaxReplicas, all in service. changed, if it is not nil, is called whenever one goes out of
// service or comes back, by whoever found out.
func NewGroup(n int, changed func(replica int, inService bool)) *Group {
	if changed == nil {
		changed = func(int, bool) {}
	}
	return &Group{inFlight: make([]atomic.Int64, n), changed: changed}
}

// Len is how many replicas there are.
func (g *Group) Len() int { return len(g.inFlight) }

// Set puts a replica out of service or back in.
func (g *Group) Set(replica int, inService bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	bit := uint64(1) << replica
	out := g.out.Load()
	if out&bit == 0 == inService {
		return
	}
	g.out.Store(out ^ bit)
	g.changed(replica, inService)
}

// Out returns the replicas that are out of service, a bit each.
func (g *Group) Out() uint64 { return g.out.Load() }

// Take chooses one of the first n replicas that is not in tried, a bit each, and counts a request under way there, until Done. A replica that is
// out of service is chosen only if there is no other: where none is in service, all are worth a try. It returns -1 if all were tried.
func (g *Group) Take(p Policy, n int, t Turn, tried uint64) int {
	left := (uint64(1)<<n - 1) &^ tried
	if in := left &^ g.out.Load(); in != 0 {
		left = in
	}
	if left == 0 {
		return -1
	}
	i := g.choose(p, left, t)
	g.inFlight[i].Add(1)
	return i
}

// Done ends what Take counted.
func (g *Group) Done(replica int) { g.inFlight[replica].Add(-1) }

// choose picks one of a set of replicas that is not empty.
func (g *Group) choose(p Policy, set uint64, t Turn) int {
	n := bits.OnesCount64(set)
	switch p {
	case Random:
		return member(set, t.drawn(n))
	case Sticky:
		return nearest(set, draw(t.Seed, uint64(t.User)))
	case LeastInFlight:
		return g.least(set, t.drawn(n))
	default: // RoundRobin
		return member(set, int((t.K+int64(t.Step))%int64(n)))
	}
}

// drawn is a number below n.
func (t Turn) drawn(n int) int { return int(draw(t.Seed, uint64(t.K)<<8^uint64(t.Step)) % uint64(n)) }

// member returns the i-th member of a set.
func member(set uint64, i int) int {
	for range i {
		set &= set - 1
	}
	return bits.TrailingZeros64(set)
}

// nearest returns the member with the greatest hash of itself and the user (rendezvous hashing, Thaler and Ravishankar 1998): when a replica
// goes, its users alone move.
func nearest(set uint64, user uint64) int {
	best, greatest := -1, uint64(0)
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		if h := draw(user, uint64(i)); best < 0 || h > greatest {
			best, greatest = i, h
		}
	}
	return best
}

// least returns the member with the fewest requests under way. Of several it is the first from the start-th member on, so that an idle group is
// used evenly.
func (g *Group) least(set uint64, start int) int {
	best, fewest := -1, int64(0)
	n := bits.OnesCount64(set)
	for j := range n {
		i := member(set, (start+j)%n)
		if f := g.inFlight[i].Load(); best < 0 || f < fewest {
			best, fewest = i, f
		}
	}
	return best
}

// draw returns the random number of a seed and a number.
func draw(seed, k uint64) uint64 {
	var pcg rand.PCG
	pcg.Seed(seed, k)
	return pcg.Uint64()
}
