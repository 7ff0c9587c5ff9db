package expose

import (
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

// Merge counts and times what a worker has recorded of a mode since it did so before: more is what was added to its counts. Times have the resolution of a histogram, and
// no exemplars. The phase must have been begun without replicas: a worker's histograms are not by replica while it runs.
func (e *Exporter) Merge(d *measure.ModeDelta, more measure.Counts) {
	s := e.series(d.Mode)
	if s == nil {
		return
	}
	under := more.Scheduled
	of := &s.replicas[0]
	s.scheduled.Add(float64(more.Scheduled))
	s.received.Add(float64(more.Bytes))
	s.sent.Add(float64(more.Wrote))
	merge(s.connect, d.Connect)
	merge(s.shake, d.TLS)
	for kind, n := range more.Ended {
		of.kinds[kind].Add(float64(n))
		under -= n
	}
	s.inFlight.Add(float64(under))
	for _, second := range d.Seconds {
		merge(of.response, second.Response)
		merge(of.service, second.Service)
		merge(of.lag, second.Lag)
	}
}

// merge observes every duration of a histogram. One that cannot be read has failed the run already.
func merge(into histogram, plain []byte) {
	_ = hist.Each(plain, func(d time.Duration, n int64) {
		for range n {
			into.Observe(d.Seconds())
		}
	})
}
