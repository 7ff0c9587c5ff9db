package probe

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
)

// Registry holds the modes of an app: their exact totals, and their Prometheus metrics.
type Registry struct {
	metrics *metrics
	descs   descs
	running atomic.Int64

	mu    sync.RWMutex // guards modes
	modes map[string]*Mode
}

// NewRegistry returns a registry without modes whose metrics are registered with reg.
func NewRegistry(reg prometheus.Registerer) *Registry {
	r := &Registry{metrics: newMetrics(reg), descs: newDescs(), modes: map[string]*Mode{}}
	reg.MustRegister(r)
	return r
}

// Mode returns the mode of that name, made at its first use. Names come from routes, never from what a client sent: each is a set of
// time series.
func (r *Registry) Mode(name string) *Mode {
	r.mu.RLock()
	m := r.modes[name]
	r.mu.RUnlock()
	if m != nil {
		return m
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.modes[name]; m != nil {
		return m
	}
	m = newMode(r, name)
	r.modes[name] = m
	return m
}

// Counters returns the totals of every mode.
func (r *Registry) Counters() api.Counters {
	c := api.Counters{Running: r.running.Load(), Modes: map[string]api.ModeCounters{}}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, m := range r.modes {
		c.Modes[name] = m.counters()
	}
	return c
}

// Mode is one way of serving a page: naive, optimized, ttl, ... Its totals are exact: they are added to where a query is made, not
// where a response is sent, so that background work is in them.
type Mode struct {
	Name     string
	registry *Registry
	metrics  *modeMetrics

	requests, sql, rows, redis *atomic.Int64 // of totals, resolved once: every request adds to them
	results                    [api.CacheResults]atomic.Int64
	recomputes                 [causes]atomic.Int64
	running, waiting           level        // recomputes, and requests that wait for one
	waited, waitedFor          atomic.Int64 // requests, and nanoseconds of all
	expired                    expired

	mu         sync.RWMutex // guards totals and operations
	totals     map[api.Counter]*atomic.Int64
	operations map[operation]prometheus.Observer
}

// newMode makes the totals that every mode has, and so their series. The others are there from their first event on.
func newMode(r *Registry, name string) *Mode {
	m := &Mode{
		Name: name, registry: r, metrics: r.metrics.mode(name),
		totals: map[api.Counter]*atomic.Int64{}, operations: map[operation]prometheus.Observer{},
	}
	m.requests, m.sql, m.rows, m.redis = m.total(api.CountRequests), m.total(api.CountSQL), m.total(api.CountRows), m.total(api.CountRedis)
	for _, c := range []api.Counter{api.CountRecomputes, api.CountExpirations, api.CountCold} {
		m.total(c)
	}
	return m
}

// total returns the total of a counter, made at its first use.
func (m *Mode) total(c api.Counter) *atomic.Int64 {
	m.mu.RLock()
	t := m.totals[c]
	m.mu.RUnlock()
	if t != nil {
		return t
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.totals[c]; t != nil {
		return t
	}
	t = &atomic.Int64{}
	m.totals[c] = t
	return t
}

// Result counts what a cache decided. What is no decision, as CacheNone and CacheBypass, is not counted.
func (m *Mode) Result(r api.CacheResult) {
	if decision(r) {
		m.results[r].Add(1)
		m.metrics.results[r].Inc()
	}
}

// Done counts a request of the mode that cost t.
func (m *Mode) Done(t api.Timing) {
	m.requests.Add(1)
	m.metrics.queries.Observe(float64(t.SQL))
	m.metrics.commands.Observe(float64(t.Redis))
}

func (m *Mode) recompute(why Cause) (done func()) {
	start := time.Now()
	m.registry.running.Add(1)
	m.total(api.CountRecomputes).Add(1)
	m.recomputes[why].Add(1)
	m.metrics.concurrency.Observe(float64(m.running.add(1)))
	return func() {
		m.running.add(-1)
		m.metrics.duration.Observe(time.Since(start).Seconds())
		m.registry.running.Add(-1)
	}
}

func (m *Mode) counters() api.ModeCounters {
	c := api.ModeCounters{Counts: api.Counts{}, Cache: map[string]int64{}}
	m.mu.RLock()
	for counter, t := range m.totals {
		c.Counts[counter] = t.Load()
	}
	m.mu.RUnlock()
	for r := range api.CacheResults {
		if n := m.results[r].Load(); n > 0 {
			c.Cache[r.String()] = n
		}
	}
	return c
}
