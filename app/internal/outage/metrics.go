package outage

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/signal"
)

// collector makes the metrics of a book from its outages when they are scraped: calls that are spared count one number, not two.
type collector struct{ book *Book }

// metric is one metric of a dependency.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(now, ever totals, breaker bool) float64
}

// metrics is the table of them: now has the outage that lasts, ever all of them.
func metrics() []metric {
	return []metric{
		{signal.OutageActive, "1 while the dependency does not answer, else 0.", prometheus.GaugeValue,
			func(now, _ totals, _ bool) float64 { return float64(now.outages) }},
		{signal.OutageTotal, "Outages of the dependency that have begun.", prometheus.CounterValue,
			func(_, ever totals, _ bool) float64 { return float64(ever.outages) }},
		{signal.OutageSeconds, "Time for which the dependency has not answered.", prometheus.CounterValue,
			func(_, ever totals, _ bool) float64 { return ever.lasted.Seconds() }},
		{signal.OutageAttempts, "Calls and probes that were sent to the dependency in vain during outages.", prometheus.CounterValue,
			func(_, ever totals, _ bool) float64 { return float64(ever.failed + ever.probes) }},
		{signal.BreakerState, "State of the dependency's breaker: 0 closed or off, 1 open.", prometheus.GaugeValue,
			func(now, _ totals, breaker bool) float64 {
				if !breaker {
					return 0
				}
				return float64(now.outages)
			}},
		{signal.BreakerSkipped, "Calls that were not made because the breaker was open.", prometheus.CounterValue,
			func(_, ever totals, _ bool) float64 { return float64(ever.skipped) }},
	}
}

func describe(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{signal.LabelDependency}, more...), nil)
}

func transitions() *prometheus.Desc {
	return describe(signal.BreakerTransitions, "Times the dependency's breaker, or its watch if that is off, changed to a state.", signal.LabelState)
}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range metrics() {
		to <- describe(m.name, m.help)
	}
	to <- transitions()
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	at := time.Now()
	for _, w := range c.book.watches {
		ended := *c.book.past[w.Dependency]
		now, ever := totals{}, ended
		for _, r := range c.book.list {
			if r.dependency == w.Dependency && r.ended.IsZero() {
				now.add(r, at)
				ever.add(r, at)
			}
		}
		for _, m := range metrics() {
			to <- prometheus.MustNewConstMetric(describe(m.name, m.help), m.kind, m.value(now, ever, w.breaker.Load()), w.Dependency)
		}
		for state, n := range map[string]int64{"open": ever.outages, "closed": ended.outages} {
			to <- prometheus.MustNewConstMetric(transitions(), prometheus.CounterValue, float64(n), w.Dependency, state)
		}
	}
}
