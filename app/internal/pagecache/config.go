package pagecache

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what can be changed while the cache is in use.
type Config struct {
	TTL            time.Duration  // how long a page is fresh; 60 s. Redis counts in milliseconds
	Grace          time.Duration  // how long after that swr may still serve it; no default: 0 is none
	LockTTL        time.Duration  // how long a recompute may hold its lock; a waiter waits twice that; 5 s
	Beta           float64        // how eager early is: more is earlier; 1
	RedisBudget    time.Duration  // what Redis may cost one request, over all its round trips, each within Options' budget; 250 ms
	ComputeTimeout time.Duration  // how long a recompute may take that its request cannot cancel; 30 s
	Rand           func() float64 // uniform over [0, 1), safe for concurrent use; math/rand/v2
	Log            *slog.Logger   // where a failed background refresh is told; slog.Default
}

// Validate returns an error that names the first field that makes no sense. A zero field is fine.
func (c Config) Validate() error {
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"ttl", c.TTL}, {"grace", c.Grace}, {"lock_ttl", c.LockTTL}, {"redis_budget", c.RedisBudget}, {"compute_timeout", c.ComputeTimeout}} {
		if f.d < 0 || f.d > 0 && f.d < time.Millisecond {
			return fmt.Errorf("%s: %s is not a millisecond or more", f.name, f.d)
		}
	}
	if c.Beta < 0 || math.IsNaN(c.Beta) || math.IsInf(c.Beta, 0) {
		return fmt.Errorf("beta: %g is not a number above 0", c.Beta)
	}
	return nil
}

func (c Config) withDefaults() Config {
	orElse := func(d *time.Duration, byDefault time.Duration) {
		if *d <= 0 {
			*d = byDefault
		}
		*d = max(d.Truncate(time.Millisecond), time.Millisecond)
	}
	orElse(&c.TTL, time.Minute)
	orElse(&c.LockTTL, 5*time.Second)
	orElse(&c.RedisBudget, 250*time.Millisecond)
	orElse(&c.ComputeTimeout, 30*time.Second)
	c.Grace = max(c.Grace.Truncate(time.Millisecond), 0)
	if !(c.Beta > 0) {
		c.Beta = 1
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// poolSize is how many connections a client keeps: one a request for the 50 connections of the lab's usual load, and some for waiters.
// More requests than that take turns, which costs them less than a new connection.
const poolSize = 64

// Options returns client options for the Redis at url (redis://, rediss:// or unix://) with which no call outlives budget. go-redis'
// defaults make an outage expensive: 5 s to dial and to read, 3 retries, 5 retries to dial, and contexts that are not heeded.
func Options(url string, budget time.Duration) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("parse the Redis URL: %w", err)
	}
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = budget, budget, budget, budget
	o.ContextTimeoutEnabled = true
	if o.PoolSize == 0 {
		o.PoolSize = poolSize
	}
	// RESP2 has no push messages to look for before each command. A read is a pipeline: it shall not have connections of its own.
	o.Protocol = 2
	o.DisableIdentity = true
	o.PipelinePoolSize = -1
	// A page goes from the socket into the request's own buffer: what passes through the client's is copied once more.
	o.ReadBufferSize, o.WriteBufferSize = 4<<10, 4<<10
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	return o, nil
}
