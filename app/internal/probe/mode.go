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
	running atomic.Int64

	mu    sync.RWMutex // guards modes
	modes map[string]*Mode
}

// NewRegistry returns a registry without modes whose metrics are registered with reg.
func NewRegistry(reg prometheus.Registerer) *Registry {
	return &Registry{metrics: newMetrics(reg), modes: map[string]*Mode{}}
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
	m = &Mode{Name: name, registry: r, metrics: r.metrics.mode(name), operations: map[operation]prometheus.Observer{}}
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

	requests, sql, redis          atomic.Int64
	recomputes, expirations, cold atomic.Int64
	results                       [api.CacheResults]atomic.Int64

	mu         sync.RWMutex // guards operations
	operations map[operation]prometheus.Observer
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

func (m *Mode) recompute() (done func()) {
	start := time.Now()
	m.registry.running.Add(1)
	m.recomputes.Add(1)
	m.metrics.recomputes.Inc()
	m.metrics.inflight.Inc()
	m.metrics.concurrency.Observe(float64(m.metrics.running.Add(1)))
	return func() {
		m.metrics.running.Add(-1)
		m.metrics.inflight.Dec()
		m.metrics.duration.Observe(time.Since(start).Seconds())
		m.registry.running.Add(-1)
	}
}

func (m *Mode) counters() api.ModeCounters {
	c := api.ModeCounters{
		Requests:    m.requests.Load(),
		SQL:         m.sql.Load(),
		Redis:       m.redis.Load(),
		Recomputes:  m.recomputes.Load(),
		Expirations: m.expirations.Load(),
		Cold:        m.cold.Load(),
		Cache:       map[string]int64{},
	}
	for r := range api.CacheResults {
		if n := m.results[r].Load(); n > 0 {
			c.Cache[r.String()] = n
		}
	}
	return c
}
