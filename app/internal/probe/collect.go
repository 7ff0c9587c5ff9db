package probe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
	"loadlab/otel/signal"
)

// Cause is what a page is recomputed for.
type Cause uint8

// Causes.
const (
	Unknown Cause = iota // the cache did not answer
	Cold                 // it was never cached, or flushed
	Expired              // it was past its TTL, about to be, or dropped for a change
	causes
)

// String returns the cause as metrics have it.
func (c Cause) String() string {
	return [causes]string{signal.CauseUnknown, signal.CauseCold, signal.CauseExpired}[c]
}

// descs describe the metrics that are taken from the totals of modes when somebody scrapes: what is counted once need not be counted again.
type descs struct {
	counters                                     map[api.Counter]*prometheus.Desc
	events, recomputes, waited, waitSeconds      *prometheus.Desc
	expired                                      *prometheus.Desc
	inflight, inflightPeak, waiters, waitersPeak *prometheus.Desc
}

func newDescs() descs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{signal.LabelMode}, labels...), nil)
	}
	window := signal.PeakWindow.String()
	return descs{
		counters: map[api.Counter]*prometheus.Desc{
			api.CountRequests:    desc(signal.RequestsTotal, "Requests of a mode."),
			api.CountSQL:         desc(signal.SQLTotal, "SQL queries of a mode, those of background work included."),
			api.CountRedis:       desc(signal.RedisTotal, "Redis commands of a mode, those of background work included."),
			api.CountExpirations: desc(signal.ExpirationsTotal, "Cached pages found expired, or about to expire, and replaced."),
			api.CountCold:        desc(signal.ColdTotal, "Times a page was wanted that was never cached, or flushed."),
		},
		events:       desc(signal.CacheEvents, "Events that have no metric of their own.", signal.LabelEvent),
		recomputes:   desc(signal.RecomputeTotal, "Recomputes of a page, by what they were for.", signal.LabelCause),
		expired:      desc(signal.ExpiredSeconds, "Time in which a page was expired, from when it was found so until a fresh one was stored; one that has not ended included."),
		waited:       desc(signal.CacheWaited, "Requests that waited for a recompute of another request."),
		waitSeconds:  desc(signal.CacheWaitSeconds, "How long they waited, together."),
		inflight:     desc(signal.RecomputeInflight, "Recomputes that are running."),
		inflightPeak: desc(signal.RecomputePeak, "The most recomputes that ran at once in the last "+window+"."),
		waiters:      desc(signal.CacheWaiters, "Requests that wait for a recompute of another request."),
		waitersPeak:  desc(signal.CacheWaitersPeak, "The most requests that waited at once in the last "+window+"."),
	}
}

// Describe implements prometheus.Collector.
func (r *Registry) Describe(to chan<- *prometheus.Desc) {
	d := &r.descs
	for _, desc := range d.counters {
		to <- desc
	}
	for _, desc := range []*prometheus.Desc{
		d.events, d.recomputes, d.expired, d.waited, d.waitSeconds, d.inflight, d.inflightPeak, d.waiters, d.waitersPeak,
	} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (r *Registry) Collect(to chan<- prometheus.Metric) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, m := range r.modes {
		m.collect(&r.descs, to)
	}
}

func (m *Mode) collect(d *descs, to chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, of prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, of, v, append([]string{m.Name}, labels...)...)
	}
	m.mu.RLock()
	for counter, n := range m.totals {
		switch desc := d.counters[counter]; {
		case desc != nil:
			send(desc, prometheus.CounterValue, float64(n.Load()))
		case counter == api.CountRows: // for comparisons of builds alone
		case counter != api.CountRecomputes:
			send(d.events, prometheus.CounterValue, float64(n.Load()), string(counter))
		}
	}
	m.mu.RUnlock()
	for cause := range causes {
		send(d.recomputes, prometheus.CounterValue, float64(m.recomputes[cause].Load()), cause.String())
	}
	send(d.expired, prometheus.CounterValue, m.expired.read().Seconds())
	send(d.waited, prometheus.CounterValue, float64(m.waited.Load()))
	send(d.waitSeconds, prometheus.CounterValue, time.Duration(m.waitedFor.Load()).Seconds())
	running, most := m.running.read()
	send(d.inflight, prometheus.GaugeValue, float64(running))
	send(d.inflightPeak, prometheus.GaugeValue, float64(most))
	waiting, most := m.waiting.read()
	send(d.waiters, prometheus.GaugeValue, float64(waiting))
	send(d.waitersPeak, prometheus.GaugeValue, float64(most))
}
