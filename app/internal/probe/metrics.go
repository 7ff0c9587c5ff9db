package probe

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// decision reports whether r is the result of a cache that was asked.
func decision(r api.CacheResult) bool { return r != api.CacheNone && r != api.CacheBypass }

// poolName is the value of signal.LabelPool: the app has one database pool.
const poolName = "database"

// metrics are the vectors that modes take their series from.
type metrics struct {
	operations              *prometheus.HistogramVec
	wait                    prometheus.Observer
	queries, commands       *prometheus.HistogramVec
	results                 *prometheus.CounterVec
	inflight, waiters       *prometheus.GaugeVec
	concurrency, duration   *prometheus.HistogramVec
	recomputes, expirations *prometheus.CounterVec
	events                  *prometheus.CounterVec
}

// modeMetrics are one mode's series, resolved once: looking a series up by its labels costs more than observing it.
type modeMetrics struct {
	queries, commands, concurrency, duration prometheus.Observer
	results                                  [api.CacheResults]prometheus.Counter // of decisions
	inflight, waiters                        prometheus.Gauge
	running                                  atomic.Int64
}

func newMetrics(reg prometheus.Registerer) *metrics {
	mode := []string{signal.LabelMode}
	counter := func(name, help string, labels []string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, mode)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels []string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(telemetry.HistogramOpts(name, help, buckets), labels)
		reg.MustRegister(v)
		return v
	}
	return &metrics{
		operations: histogram(signal.DBOperationDuration, "Duration of SQL queries and Redis commands.", signal.DBBuckets(),
			[]string{signal.LabelDBSystem, signal.LabelDBOp, signal.LabelCollection, signal.LabelMode}),
		wait: histogram(signal.DBConnectionWait, "Time a request waited for a connection of the pool.", signal.DBBuckets(),
			[]string{signal.LabelPool}).WithLabelValues(poolName),
		queries:     histogram(signal.SQLQueriesPerRequest, "SQL queries a request made.", signal.QueryBuckets(), mode),
		commands:    histogram(signal.RedisPerRequest, "Redis commands a request made.", signal.QueryBuckets(), mode),
		results:     counter(signal.CacheRequests, "Requests by what the cache had for them.", []string{signal.LabelMode, signal.LabelResult}),
		inflight:    gauge(signal.RecomputeInflight, "Recomputes that are running."),
		waiters:     gauge(signal.CacheWaiters, "Requests that wait for a recompute of another request."),
		concurrency: histogram(signal.RecomputeConcurrency, "Recomputes running when one starts, itself included.", signal.ConcurrencyBuckets(), mode),
		duration:    histogram(signal.RecomputeDuration, "Duration of recomputes.", signal.HTTPBuckets(), mode),
		recomputes:  counter(signal.RecomputeTotal, "Recomputes of a page.", mode),
		expirations: counter(signal.ExpirationsTotal, "Cached pages found expired, or about to expire, and replaced.", mode),
		events:      counter(signal.CacheEvents, "Events that have no metric of their own.", []string{signal.LabelMode, signal.LabelEvent}),
	}
}

func (m *metrics) mode(name string) *modeMetrics {
	mm := &modeMetrics{
		queries:     m.queries.WithLabelValues(name),
		commands:    m.commands.WithLabelValues(name),
		concurrency: m.concurrency.WithLabelValues(name),
		duration:    m.duration.WithLabelValues(name),
		inflight:    m.inflight.WithLabelValues(name),
		waiters:     m.waiters.WithLabelValues(name),
	}
	for r := range api.CacheResults {
		if decision(r) {
			mm.results[r] = m.results.WithLabelValues(name, r.String())
		}
	}
	return mm
}

// total returns the series of a mode's counter, or nil if there is none: requests, queries and commands are in the histograms of queries
// and commands per request, and rows are for comparisons of builds alone.
func (m *metrics) total(mode string, c api.Counter) prometheus.Counter {
	switch c {
	case api.CountRequests, api.CountSQL, api.CountRows, api.CountRedis:
		return nil
	case api.CountRecomputes:
		return m.recomputes.WithLabelValues(mode)
	case api.CountExpirations:
		return m.expirations.WithLabelValues(mode)
	default:
		return m.events.WithLabelValues(mode, string(c))
	}
}

// operation names a series of the operation histogram within a mode.
type operation struct{ system, name, collection string }

// observe records the duration of one operation of the mode.
func (m *Mode) observe(op operation, seconds float64) {
	m.mu.RLock()
	o := m.operations[op]
	m.mu.RUnlock()
	if o == nil {
		o = m.registry.metrics.operations.WithLabelValues(op.system, op.name, op.collection, m.Name)
		m.mu.Lock()
		m.operations[op] = o
		m.mu.Unlock()
	}
	o.Observe(seconds)
}
