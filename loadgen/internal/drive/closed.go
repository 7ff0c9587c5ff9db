package drive

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ClosedConfig is a closed phase: users who wait for a response, think, and send the next request. A phase needs a length or a number of
// requests;
// with both, whichever is reached first ends it.
type ClosedConfig struct {
	Common
	Users    int
	Weights  []float64     // of the modes; each user keeps to one, see Assign. nil is mode 0 for all.
	ThinkMin time.Duration // a user thinks for a time between these, uniformly drawn
	ThinkMax time.Duration
	Seed     uint64        // of the think times
	Requests int64         // in all; 0 is no limit
	For      time.Duration // no request is due after it; 0 is no limit
}

var (
	errUsers   = errors.New("drive: a closed loop needs at least one user")
	errEndless = errors.New("drive: a closed loop needs a length or a number of requests")
	errThink   = errors.New("drive: think times must be positive, the least no more than the greatest")
)

func (c *ClosedConfig) validate() error {
	switch {
	case c.Users < 1:
		return errUsers
	case c.Requests <= 0 && c.For <= 0:
		return errEndless
	case c.ThinkMin < 0 || c.ThinkMax < c.ThinkMin:
		return errThink
	}
	return nil
}

// Closed drives a closed phase. The first request of every user is due at once, the next when the user has thought after the answer.
// It returns when every request that came due has ended; an error means that it did not begin.
func Closed(ctx context.Context, c ClosedConfig) (Result, error) {
	if err := c.validate(); err != nil {
		return Result{}, err
	}
	s, release, err := newPhase(ctx, c.Common)
	if err != nil {
		return Result{}, err
	}
	defer release()
	s.Share.Of = min(s.Share.Of, c.Users) // a worker without a user has no requests either
	l := &closed{phase: s, c: c, gate: make(chan struct{})}
	users := l.users(ctx)

	// Users wait at the gate with everything made that they need: all of the first requests are due at the same moment, and it must not
	// be spent on starting goroutines.
	var ready, ended sync.WaitGroup
	ready.Add(len(users))
	for _, u := range users {
		ended.Go(func() {
			ready.Done()
			<-l.gate
			u.run(ctx)
		})
	}
	ready.Wait()
	watch := newSelfWatch()
	s.await(ctx)
	s.begin(c.For)
	watch.begin()
	close(l.gate)
	ended.Wait()

	// Users end before the phase's length is over when there are no more requests, and after it when the last answers are slow.
	loadEnded := time.Now()
	if !s.end.IsZero() && s.end.Before(loadEnded) {
		loadEnded = s.end
	}
	r := s.result(ctx, loadEnded)
	r.Connections = len(users)
	r.Self = watch.end()
	return r, nil
}

// closed is the state of a closed phase.
type closed struct {
	*phase
	c       ClosedConfig
	gate    chan struct{}
	claimed atomic.Int64 // arrivals that users have claimed beyond each one's first
}

// user is one of the users.
type user struct {
	*closed
	maker *maker
	index int
	mode  int
	rng   *rand.Rand // nil if users do not think between arrivals
}

func (l *closed) users(ctx context.Context) []*user {
	modes := Assign(l.c.Users, l.c.Weights)
	users := make([]*user, 0, l.Share.Count(int64(l.c.Users)))
	for i, mode := range modes {
		if !l.Share.Has(int64(i)) {
			continue
		}
		u := &user{closed: l, index: i, mode: mode}
		if l.c.ThinkMax > 0 {
			u.rng = rand.New(rand.NewPCG(l.c.Seed, thinkStream+uint64(i)))
		}
		session := l.sessionOf(mode)
		u.maker = l.newMaker(ctx, u.rng != nil || session != nil && session.ThinkMax > 0)
		users = append(users, u)
	}
	return users
}

// thinkStream keeps the numbers of think times apart from whatever else is drawn with the same seed.
const thinkStream = 0x7468696e6b << 24

// run makes the requests of one user.
func (u *user) run(ctx context.Context) {
	defer u.maker.close()
	var due time.Duration
	// The first arrivals go to the users in order: with fewer arrivals than users, it is always the same users who send them.
	k := int64(u.index)
	for ok := u.may(k); ok; k, ok = u.claim() {
		if due > 0 && !u.wait(due) {
			return
		}
		if ctx.Err() != nil {
			return
		}
		u.offer(u.mode, due)
		done := u.maker.serve(u.mode, k, int64(u.index), due, 0)
		due = max(done.Sub(u.start), due) + u.think()
	}
}

// claim takes the next arrival, and reports whether there is one. It is claimed before the user thinks, so that no user thinks in vain.
func (u *user) claim() (k int64, ok bool) {
	k = u.Share.Arrival(u.Share.Count(int64(u.c.Users)) - 1 + u.claimed.Add(1))
	return k, u.may(k)
}

// may reports whether there is to be an arrival k: not beyond the number of requests, nor beyond the rows of data.
func (u *user) may(k int64) bool {
	if u.c.Requests > 0 && k >= u.c.Requests {
		return false
	}
	if u.Rows > 0 && k >= u.Rows {
		u.ranOut.Store(true)
		return false
	}
	return true
}

// wait thinks until due. It reports false if the phase is over by then; it has passed when wait returns.
func (u *user) wait(due time.Duration) bool {
	over := u.c.For > 0 && due >= u.c.For
	if u.rng == nil {
		return !over
	}
	if over {
		u.maker.alarm.Wait(u.end)
		return false
	}
	return u.maker.alarm.Wait(u.start.Add(due))
}

func (u *user) think() time.Duration {
	if u.c.ThinkMax <= 0 {
		return 0
	}
	return u.c.ThinkMin + time.Duration(u.rng.Int64N(int64(u.c.ThinkMax-u.c.ThinkMin)+1))
}

// Assign gives each of n users a mode, so that modes have users in proportion to their weights, to the user, by the method of the
// largest remainder; among equal remainders the first mode wins. Users of different modes are interleaved.
func Assign(n int, weights []float64) []int {
	users := make([]int, n)
	var sum float64
	for _, w := range weights {
		sum += w
	}
	if sum <= 0 {
		return users
	}
	share := make([]float64, len(weights)) // users that a mode is still owed, as its fair share and then as whole users
	count := make([]int, len(weights))
	left := n
	for i, w := range weights {
		fair := float64(n) * w / sum
		count[i] = int(fair + 1e-9)
		share[i] = fair - float64(count[i])
		left -= count[i]
	}
	for ; left > 0; left-- {
		i := greatest(share)
		count[i]++
		share[i]--
	}
	clear(share)
	for u := range users {
		for i := range share {
			share[i] += float64(count[i]) / float64(n)
		}
		i := greatest(share)
		share[i]--
		users[u] = i
	}
	return users
}

// greatest is the index of the greatest value, the first of equal ones.
func greatest(xs []float64) int {
	g := 0
	for i, x := range xs {
		if x > xs[g]+1e-9 {
			g = i
		}
	}
	return g
}
