package pagecache

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/internal/redact"
)

// Config is what can be changed while the cache is in use. A zero field has its default: a knob's is in the table of package api. Redis
// counts in milliseconds: what is shorter is cut off.
type Config struct {
	TTL         time.Duration // how long a page is fresh
	TTLJitter   float64       // the share of its TTL by which a page's own may be shorter, at random; 0 is none
	Grace       time.Duration // how long after that swr, lease and failsafe may still serve it; 0 is none
	LockTTL     time.Duration // how long a recompute may hold its lock, and a lease lives unless it is extended; a waiter of lock waits twice that
	Beta        float64       // how eager early is: more is earlier
	RedisBudget time.Duration // what Redis may cost one request, over all its round trips, each within Options' budget
	// BreakerFailures is how many calls to Redis must fail in a row for requests to do without it until it answers again; 0 is never.
	BreakerFailures int
	ComputeTimeout  time.Duration    // how long a recompute may take that its request cannot cancel; a waiter of lease waits that long
	SoftTimeout     time.Duration    // how long a request of failsafe that has an old page waits for a recompute
	Throttle        time.Duration    // how long after a failed recompute of a page failsafe tries no other in this process
	NegativeTTL     time.Duration    // how long negative remembers that a page does not exist
	FailsafeOver    string           // the strategy that decides for failsafe who recomputes a page: lock, lease or swr
	L1Over          string           // the strategy that serves what l1 does not have
	L1Bytes         int              // how much memory the pages of l1 may take
	Now             func() time.Time // safe for concurrent use; time.Now. What this process times by itself, without Redis, is by it
	Rand            func() float64   // uniform over [0, 1), safe for concurrent use; math/rand/v2
	Log             *slog.Logger     // where a failed background refresh is logged; slog.Default
	Outages         *outage.Book     // where outages of Redis are kept; a book that nobody reads. Only New heeds it
}

// duration is a field that a knob sets.
type duration struct {
	knob string
	to   *time.Duration
}

func (c *Config) durations() []duration {
	return []duration{
		{"ttl", &c.TTL}, {"grace", &c.Grace}, {"lock_ttl", &c.LockTTL}, {"redis_budget", &c.RedisBudget}, {"compute_timeout", &c.ComputeTimeout},
		{"soft_timeout", &c.SoftTimeout}, {"failsafe_throttle", &c.Throttle}, {"negative_ttl", &c.NegativeTTL},
	}
}

// With returns c with the values of the knobs.
func (c Config) With(knobs api.Config) Config {
	for _, d := range c.durations() {
		*d.to = knobs.Duration(d.knob)
	}
	c.Beta, c.TTLJitter = knobs.Number("beta"), knobs.Number("ttl_jitter")
	c.BreakerFailures, c.FailsafeOver = knobs.Count("breaker_failures"), knobs.Choice("failsafe_over")
	c.L1Over, c.L1Bytes = knobs.Choice("l1_over"), knobs.Count("l1_bytes")
	return c
}

// Validate returns an error that names the first knob that is out of its bounds. A zero field is fine.
func (c Config) Validate() error {
	for _, d := range c.durations() {
		if *d.to == 0 {
			continue
		}
		if err := within(d.knob, d.to.String()); err != nil {
			return err
		}
	}
	if c.FailsafeOver != "" {
		if err := within("failsafe_over", c.FailsafeOver); err != nil {
			return err
		}
	}
	if err := within("breaker_failures", strconv.Itoa(c.BreakerFailures)); err != nil {
		return err
	}
	if c.L1Over != "" {
		if err := within("l1_over", c.L1Over); err != nil {
			return err
		}
	}
	if c.L1Bytes != 0 {
		if err := within("l1_bytes", strconv.Itoa(c.L1Bytes)); err != nil {
			return err
		}
	}
	if err := within("ttl_jitter", strconv.FormatFloat(c.TTLJitter, 'g', -1, 64)); err != nil || c.Beta == 0 {
		return err
	}
	return within("beta", strconv.FormatFloat(c.Beta, 'g', -1, 64))
}

// within returns an error if the knob cannot have that value.
func within(knob, value string) error {
	k, _ := api.KnobNamed(knob)
	_, err := k.Parse(knob, value)
	return err
}

// withDefaults gives every field its default that has no value which its knob could have.
func (c Config) withDefaults() Config {
	byDefault := Config{}.With(nil)
	defaults := byDefault.durations()
	for i, d := range c.durations() {
		if within(d.knob, d.to.String()) != nil {
			*d.to = *defaults[i].to
		}
		*d.to = d.to.Truncate(time.Millisecond)
	}
	if !(c.Beta > 0) {
		c.Beta = byDefault.Beta
	}
	if !(c.TTLJitter > 0 && c.TTLJitter <= 1) {
		c.TTLJitter = byDefault.TTLJitter
	}
	if within("l1_over", c.L1Over) != nil {
		c.L1Over = byDefault.L1Over
	}
	if within("l1_bytes", strconv.Itoa(c.L1Bytes)) != nil {
		c.L1Bytes = byDefault.L1Bytes
	}
	if within("failsafe_over", c.FailsafeOver) != nil {
		c.FailsafeOver = byDefault.FailsafeOver
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// drawTTL returns the TTL of a page that is stored: uniform over [TTL x (1 - jitter), TTL], so that pages which were stored together do not
// expire together. It is never longer than TTL, which stays the bound of how stale a page can be. Redis takes no expiry below 1 ms.
func (c *Config) drawTTL() time.Duration {
	if c.TTLJitter == 0 {
		return c.TTL
	}
	cut := time.Duration(float64(c.TTL) * c.TTLJitter * c.Rand())
	return max((c.TTL - cut).Truncate(time.Millisecond), time.Millisecond)
}

// poolSize is how many connections a client keeps: one a request for the 50 connections of the lab's usual load, and some for waiters.
// More requests than that take turns, which costs them less than a new connection.
const poolSize = 64

// Options returns client options for the Redis at url (redis://, rediss:// or unix://) with which no call outlives budget. go-redis'
// defaults make an outage expensive: 5 s to dial and to read, 3 retries, 5 retries to dial, and contexts that are not heeded.
func Options(url string, budget time.Duration) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("parse the Redis URL %s: %w", redact.URL(url), redact.Error(url, err))
	}
	if _, port, err := net.SplitHostPort(o.Addr); o.Network == "tcp" && err == nil { // go-redis finds out whenever it dials
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("the Redis URL %s: the port must be from 1 to %d", redact.URL(url), math.MaxUint16)
		}
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
	o.Dialer = dialer(o)
	return o, nil
}
