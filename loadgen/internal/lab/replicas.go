package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"sync"
	"time"

	"loadlab/app/api"
)

const settleEvery = 10 * time.Millisecond

// life is what is known of a replica beside what its process reports: a process that is replaced takes its counters with it.
type life struct {
	mu     sync.Mutex // guards all below
	down   bool
	before api.Counters // of the processes that have ended
}

// Leave takes replica i, whose process is about to end, out of what is asked.
func (c *Client) Leave(i int) { c.change(i, func(l *life) { l.down = true }) }

// Keep adds to what replica i has counted the final counters of a process of its that has ended.
func (c *Client) Keep(i int, last api.Counters) {
	last.Running = 0 // what ran has ended with it
	c.change(i, func(l *life) { l.before = l.before.Add(last) })
}

// Return takes replica i, which another process serves now, back in.
func (c *Client) Return(i int) { c.change(i, func(l *life) { l.down = false }) }

func (c *Client) change(i int, to func(*life)) {
	if i >= len(c.lives) {
		return // there are no lab controls
	}
	l := &c.lives[i]
	l.mu.Lock()
	defer l.mu.Unlock()
	to(l)
}

// Last returns the counters of the process of replica i alone.
func (c *Client) Last(ctx context.Context, i int) (api.Counters, error) {
	if i >= len(c.labs) {
		return api.Counters{}, ErrNoLab
	}
	return ask[api.Counters](ctx, c, http.MethodGet, c.labs[i]+api.PathLabCounters, nil)
}

// Expect has every replica count modes from now on, at 0, so that its metrics have them before their first request. Without lab controls it does nothing.
func (c *Client) Expect(ctx context.Context, modes []string) error {
	var errs []error
	for _, at := range c.labs {
		_, err := ask[api.Counters](ctx, c, http.MethodGet, at+api.PathLabCounters+"?"+url.Values{"mode": modes}.Encode(), nil)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (l *life) get() (down bool, before api.Counters) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down, l.before
}

// Counters are the exact totals of each replica since it was first started.
func (c *Client) Counters(ctx context.Context) ([]api.Counters, error) {
	if len(c.labs) == 0 {
		return nil, ErrNoLab
	}
	all := make([]api.Counters, len(c.labs))
	errs := make([]error, len(c.labs))
	var wg sync.WaitGroup
	for i := range c.labs {
		wg.Go(func() { all[i], errs[i] = c.counters(ctx, i) })
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

func (c *Client) counters(ctx context.Context, i int) (api.Counters, error) {
	down, before := c.lives[i].get()
	if down {
		return before, nil
	}
	current, err := c.Last(ctx, i)
	if err != nil {
		return before, err
	}
	return before.Add(current), nil
}

// Settle waits until no replica runs a recompute or a background refresh, and returns the counters as they are then: only with those are a
// phase's totals final. When ctx ends first, the error has how many still ran.
func (c *Client) Settle(ctx context.Context) ([]api.Counters, error) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		all, err := c.Counters(ctx)
		if err != nil {
			return nil, err
		}
		var running int64
		for _, each := range all {
			running += each.Running
		}
		if running == 0 {
			return all, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return all, fmt.Errorf("wait for %d recomputes to end: %w", running, context.Cause(ctx))
		}
	}
}

// everyone asks the lab controls of every replica that is up.
func everyone[T any](ctx context.Context, c *Client, method, path string, body any) ([]T, error) {
	if len(c.labs) == 0 {
		return nil, ErrNoLab
	}
	var all []T
	for i, base := range c.labs {
		if down, _ := c.lives[i].get(); down {
			continue
		}
		answer, err := ask[T](ctx, c, method, base+path, body)
		if err != nil {
			return nil, err
		}
		all = append(all, answer)
	}
	if len(all) == 0 {
		return nil, errors.New("every replica of the app is down")
	}
	return all, nil
}

// first asks the replicas in their order, up to the first that can be connected to: what another answers is the same.
func first[T any](ctx context.Context, c *Client, bases []string, method, path string, body any) (answer T, err error) {
	for _, base := range bases {
		answer, err = ask[T](ctx, c, method, base+path, body)
		var dial *net.OpError
		if err == nil || !errors.As(err, &dial) || dial.Op != "dial" {
			return answer, err
		}
	}
	return answer, err
}

// alike is an error that names a replica whose description differs from the first one's, and in what.
func alike(labs []string, all []api.Info) error {
	for i, info := range all[1:] {
		info.Instance = all[0].Instance // each is a process of its own
		if reflect.DeepEqual(info, all[0]) {
			continue
		}
		a, b := reflect.ValueOf(all[0]), reflect.ValueOf(info)
		for f := range a.NumField() {
			if had, has := a.Field(f).Interface(), b.Field(f).Interface(); !reflect.DeepEqual(had, has) {
				return fmt.Errorf("the replica with the lab controls %s is not like the first: its %s is %v, not %v",
					labs[i+1], a.Type().Field(f).Name, has, had)
			}
		}
	}
	return nil
}

// ask makes one call and reads its answer.
func ask[T any](ctx context.Context, c *Client, method, url string, body any) (T, error) {
	answer, err := c.call(ctx, method, url, body)
	if err != nil {
		var zero T
		return zero, err
	}
	return decode[T](method, url, answer)
}
