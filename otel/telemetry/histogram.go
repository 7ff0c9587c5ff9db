package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/signal"
)

// HistogramOpts are the options of every histogram of the lab: classic buckets and native ones from one metric. A factor alone would
// drop the classic ones.
func HistogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:    signal.NativeBucketFactor,
		NativeHistogramMaxBucketNumber: signal.NativeMaxBuckets,
	}
}
