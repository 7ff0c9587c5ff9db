package expose

import (
	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/telemetry"
)

// registrar makes metrics, each of which has the labels of the run.
type registrar struct {
	reg prometheus.Registerer
	run prometheus.Labels
}

func (r registrar) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: r.run}, labels)
	r.reg.MustRegister(v)
	return v
}

func (r registrar) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: r.run}, labels)
	r.reg.MustRegister(v)
	return v
}

func (r registrar) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	opts := telemetry.HistogramOpts(name, help, buckets)
	opts.ConstLabels = r.run
	v := prometheus.NewHistogramVec(opts, labels)
	r.reg.MustRegister(v)
	return v
}
