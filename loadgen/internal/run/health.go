package run

import (
	"context"
	"fmt"
	"math/bits"
	"net/http"
	"sync"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/unit"
)

const (
	healthEvery = 100 * time.Millisecond
	healthLimit = time.Second
	// returnLimit is how long replicas that a fault took out of service may take to be back when a phase begins.
	returnLimit = 5 * time.Second
)

// health asks replicas whether they are ready, as a load balancer does, and takes those out of service that are not: that do not answer, or
// answer 503. A service that has nothing at api.PathReadyz is ready while it answers. It remembers who was out of service when.
type health struct {
	group    *balance.Group
	urls     []string
	checkers []client.Caller // by replica; none of a single one
	end      func()          // of the asking

	mu       sync.Mutex // guards absences
	absences []absence
}

// absence is a time in which a replica was out of service. to is zero while it is.
type absence struct {
	replica  int
	from, to time.Time
}

// newHealth returns the health of the replicas at these URLs, and the group in which they are in and out of service. They are asked as requests
// are made, but for traces. A single one is not asked.
func newHealth(urls []string, options client.Options) (*health, error) {
	h := &health{urls: urls, end: func() {}}
	h.group = balance.NewGroup(len(urls), h.changed)
	if len(urls) < 2 {
		return h, nil
	}
	options.Sampler = nil
	for _, url := range urls {
		target, err := client.NewTarget(url, options)
		if err != nil {
			return nil, err
		}
		request, err := target.Prepare(client.Spec{Name: "readiness", Path: api.PathReadyz})
		if err != nil {
			return nil, err
		}
		h.checkers = append(h.checkers, client.New(target, 0, []*client.Request{request}))
	}
	return h, nil
}

// watch begins to ask, until end is called.
func (h *health) watch(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for i, checker := range h.checkers {
		all.Go(func() {
			tick := time.NewTicker(healthEvery)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if ready, known := isReady(ctx, checker); known && ctx.Err() == nil {
						h.group.Set(i, ready)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	h.end = func() {
		cancel()
		all.Wait()
		for _, checker := range h.checkers {
			_ = checker.Close() // nothing is under way on it
		}
	}
}

// isReady reports whether a replica says that it may get requests. known is false if it could not be asked, for want of something on this machine.
func isReady(ctx context.Context, checker client.Caller) (ready, known bool) {
	var out measure.Outcome
	checker.Call(ctx, 0, time.Now().Add(healthLimit), &out)
	ready = (out.Kind == measure.OK || out.Kind == measure.Status) && out.Status != http.StatusServiceUnavailable
	return ready, out.Kind != measure.Limit
}

// changed notes that a replica has gone out of service or come back.
func (h *health) changed(replica int, inService bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !inService {
		h.absences = append(h.absences, absence{replica: replica, from: now})
		return
	}
	for i := range h.absences {
		if a := &h.absences[i]; a.replica == replica && a.to.IsZero() {
			a.to = now
		}
	}
}

// out returns how long each replica was out of service between two moments; nil with one.
func (h *health) out(from, to time.Time) []time.Duration {
	if len(h.checkers) == 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]time.Duration, len(h.urls))
	for _, a := range h.absences {
		until := to
		if !a.to.IsZero() && a.to.Before(to) {
			until = a.to
		}
		if a.from.After(from) {
			out[a.replica] += max(0, until.Sub(a.from))
		} else {
			out[a.replica] += max(0, until.Sub(from))
		}
	}
	return out
}

// complete waits until the first n replicas are in service: a phase that began without one would not be the phase that the scenario describes.
func (h *health) complete(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, returnLimit)
	defer cancel()
	tick := time.NewTicker(healthEvery / 4)
	defer tick.Stop()
	for {
		missing := bits.TrailingZeros64(h.group.Out())
		if missing >= n {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("replica %d, at %s, is not ready after %s", missing+1, h.urls[missing], unit.Length(returnLimit))
		}
	}
}
