package probe

import (
	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// decision reports whether r is the result of a cache that was asked.
func decision(r api.CacheResult) bool { return r != api.CacheNone && r != api.CacheBypass }

// poolName is the value of signal.LabelPool: the app has one database pool.
const poolName = "database"

// metrics are the vectors that modes take their series from: the distributions. What is but counted is collected from the modes.
type metrics struct {
	operations            *prometheus.HistogramVec
	wait                  prometheus.Observer
	queries, commands     *prometheus.HistogramVec
	results               *prometheus.CounterVec
	concurrency, duration *prometheus.HistogramVec
}

// modeMetrics are one mode's series, resolved once: looking a series up by its labels costs more than observing it.
type modeMetrics struct {
	queries, commands, concurrency, duration prometheus.Observer
	results                                  [api.CacheResults]prometheus.Counter // of decisions
}

func newMetrics(reg prometheus.Registerer) *metrics {
	mode := []string{signal.LabelMode}
	histogram := func(name, help string, buckets []float64, labels []string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(telemetry.HistogramOpts(name, help, buckets), labels)
		reg.MustRegister(v)
		return v
	}
	results := prometheus.NewCounterVec(prometheus.CounterOpts{Name: signal.CacheRequests, Help: "Requests by what the cache had for them."},
		[]string{signal.LabelMode, signal.LabelResult})
	reg.MustRegister(results)
	return &metrics{
		operations: histogram(signal.DBOperationDuration, "Duration of SQL queries and Redis commands.", signal.DBBuckets(),
			[]string{signal.LabelDBSystem, signal.LabelDBOp, signal.LabelCollection, signal.LabelMode}),
		wait: histogram(signal.DBConnectionWait, "Time a request waited for a connection of the pool.", signal.DBBuckets(),
			[]string{signal.LabelPool}).WithLabelValues(poolName),
		queries:     histogram(signal.SQLQueriesPerRequest, "SQL queries a request made itself.", signal.QueryBuckets(), mode),
		commands:    histogram(signal.RedisPerRequest, "Redis commands a request made itself.", signal.QueryBuckets(), mode),
		results:     results,
		concurrency: histogram(signal.RecomputeConcurrency, "Recomputes running when one starts, itself included.", signal.ConcurrencyBuckets(), mode),
		duration:    histogram(signal.RecomputeDuration, "Duration of recomputes.", signal.HTTPBuckets(), mode),
	}
}

func (m *metrics) mode(name string) *modeMetrics {
	mm := &modeMetrics{
		queries:     m.queries.WithLabelValues(name),
		commands:    m.commands.WithLabelValues(name),
		concurrency: m.concurrency.WithLabelValues(name),
		duration:    m.duration.WithLabelValues(name),
	}
	for r := range api.CacheResults {
		if decision(r) {
			mm.results[r] = m.results.WithLabelValues(name, r.String())
		}
	}
	return mm
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
