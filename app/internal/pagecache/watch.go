package pagecache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// errDown is that Redis is known not to answer, and was not asked.
var errDown = errors.New("Redis does not answer") //nolint:revive,staticcheck // a name

// newWatch returns the watch of the cache's Redis, through which all calls of requests go.
func (c *Cache) newWatch(cfg Config) *outage.Watch {
	book := cfg.Outages
	if book == nil {
		book = outage.NewBook(nil)
	}
	w := book.Watch(outage.Config{
		Dependency: api.DependencyRedis,
		Ping:       func(ctx context.Context) error { return c.rdb.Ping(ctx).Err() },
		// A Redis that cannot answer that within a request's budget is of no use to one.
		Timeout: func() time.Duration { return c.config.Load().RedisBudget },
		Log:     cfg.Log,
	})
	w.SetFailures(cfg.BreakerFailures)
	return w
}

// outages are the errors that Redis answers every call with, whatever it asks: as good as no answer.
func outages() []string {
	return []string{"LOADING ", "BUSY ", "MASTERDOWN ", "CLUSTERDOWN ", "NOAUTH ", "WRONGPASS ", "max number of clients reached"}
}

// resultOf returns what err of a call shows of Redis. ctx is the caller's, without the budget: if that has ended, nobody waited for Redis
// any more. An error of one command is an answer. A full Redis (OOM) and one that takes no writes (READONLY, MISCONF) go on serving reads.
func resultOf(ctx context.Context, err error) outage.Result {
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return outage.Answered
	case errors.As(err, new(redis.Error)):
		for _, prefix := range outages() {
			if redis.HasErrorPrefix(err, prefix) {
				return outage.Failed
			}
		}
		return outage.Answered
	case outage.GaveUp(ctx):
		return outage.Unknown
	}
	return outage.Failed
}

// redis makes one call to Redis within the budget that is left, and takes its time off the budget. During an outage it makes none.
func (r *request) redis(ctx context.Context, call func(context.Context) error) error {
	if r.budget <= 0 {
		r.trouble = api.DetailRedisFailed
		return errSpent
	}
	start := time.Now() // before the timeout is set: a call that uses all of it must leave nothing
	watched, ok := r.c.watch.Begin(start)
	if !ok {
		probe.From(ctx).Count(api.CountRedisSkipped)
		if r.trouble == "" {
			r.trouble = api.DetailRedisDown
			event(ctx, signal.EventRedisSkipped, errDown.Error(), 0)
		}
		return errDown
	}
	within, cancel := context.WithTimeout(ctx, r.budget)
	defer cancel()
	err := call(within)
	r.budget -= time.Since(start)
	if r.budget <= 0 {
		event(ctx, signal.EventBudgetSpent, "", r.cfg.RedisBudget)
	}
	result := resultOf(ctx, err)
	r.c.watch.End(watched, result, err)
	switch {
	case result == outage.Failed:
		probe.From(ctx).Count(api.CountRedisFailures)
		r.trouble = api.DetailRedisFailed
	case result == outage.Answered && err != nil && !errors.Is(err, redis.Nil) && r.trouble == "":
		r.trouble = api.DetailRedisRefused
	}
	return err
}
