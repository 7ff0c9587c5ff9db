package telemetry

import (
	"math"
	"runtime/metrics"
	"sort"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/signal"
)

// pauses collects distributions of the Go runtime in buckets that are narrow enough for a percentile of a pause: those of client_golang are a decade wide each, so
// that a p99 between 0.9 and 10 ms cannot be told from 10 ms.
type pauses struct{ of []pause }

// pause is one of the runtime's distributions.
type pause struct {
	desc *prometheus.Desc
	name string // in package runtime/metrics
}

func newPauses() *pauses {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &pauses{[]pause{
		{desc(signal.GCPause, "How long the garbage collector stopped the program."), "/sched/pauses/total/gc:seconds"},
		{desc(signal.SchedulerLatency, "How long goroutines that could run waited for a processor."), "/sched/latencies:seconds"},
	}}
}

// Describe implements prometheus.Collector.
func (p *pauses) Describe(to chan<- *prometheus.Desc) {
	for _, one := range p.of {
		to <- one.desc
	}
}

// Collect implements prometheus.Collector.
func (p *pauses) Collect(to chan<- prometheus.Metric) {
	samples := make([]metrics.Sample, len(p.of))
	for i, one := range p.of {
		samples[i].Name = one.name
	}
	metrics.Read(samples)
	for i, one := range p.of {
		if samples[i].Value.Kind() != metrics.KindFloat64Histogram { // a runtime that does not have it
			continue
		}
		count, sum, buckets := rebucket(samples[i].Value.Float64Histogram(), signal.PauseBuckets())
		to <- prometheus.MustNewConstHistogram(one.desc, count, sum, buckets)
	}
}

// rebucket returns the cumulative counts of a runtime's histogram up to some bounds. A bucket of the runtime counts below the first bound that is not below its
// middle, which is where the sum has it: the runtime has no sum of its own.
func rebucket(h *metrics.Float64Histogram, bounds []float64) (count uint64, sum float64, buckets map[float64]uint64) {
	counts := make([]uint64, len(bounds)+1)
	for i, n := range h.Counts {
		low, high := max(h.Buckets[i], 0), h.Buckets[i+1]
		if math.IsInf(high, 1) {
			high = low
		}
		middle := (low + high) / 2
		counts[sort.SearchFloat64s(bounds, middle)] += n
		count += n
		sum += middle * float64(n)
	}
	buckets = map[float64]uint64{}
	var below uint64
	for i, bound := range bounds {
		below += counts[i]
		buckets[bound] = below
	}
	return count, sum, buckets
}
