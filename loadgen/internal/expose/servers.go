package expose

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/result"
	"loadlab/otel/signal"
)

// servers are the servers behind the load: the CPU time that they have used, and how far away they are.
type servers struct {
	cpu              *prometheus.Desc
	used             atomic.Pointer[func() map[string]time.Duration] // by signal.LabelServer; nil before the stack is up
	distances, asked *prometheus.GaugeVec
}

func newServers(r registrar) *servers {
	by := []string{signal.LabelPhase, signal.LabelServer}
	s := &servers{
		cpu: prometheus.NewDesc(signal.LoadCPU, "CPU time that a server has used since it started, by the operating system's account, and the generator's whole machine. "+
			"There is none of a server whose processes are not the run's.", []string{signal.LabelServer}, r.run),
		distances: r.gauge(signal.LoadDistance, "How far away a server is in a phase, by pings of the app before the first phase in which it was so.", append(by, signal.LabelQuantile)...),
		asked:     r.gauge(signal.LoadRTT, "How far away a server is in a phase, as the scenario asks for.", by...),
	}
	r.reg.MustRegister(s)
	return s
}

// Used has the CPU time exposed that used returns when somebody scrapes, by server; what is 0 is not known.
func (e *Exporter) Used(used func() map[string]time.Duration) {
	if e != nil {
		e.servers.used.Store(&used)
	}
}

// Distances shows how far away the servers are in a phase.
func (e *Exporter) Distances(phase string, all []result.Distance) {
	if e == nil {
		return
	}
	for _, d := range all {
		e.servers.asked.WithLabelValues(phase, d.Server).Set(d.RTT.Seconds())
		if d.Pings == 0 {
			continue
		}
		for q, v := range map[float64]result.Dur{0.5: d.Median, 0.99: d.P99} {
			e.servers.distances.WithLabelValues(phase, d.Server, quantile(q)).Set(v.Seconds())
		}
	}
}

// Describe implements prometheus.Collector.
func (s *servers) Describe(to chan<- *prometheus.Desc) { to <- s.cpu }

// Collect implements prometheus.Collector.
func (s *servers) Collect(to chan<- prometheus.Metric) {
	used := s.used.Load()
	if used == nil {
		return
	}
	for server, d := range (*used)() {
		if d > 0 {
			to <- prometheus.MustNewConstMetric(s.cpu, prometheus.CounterValue, d.Seconds(), server)
		}
	}
}
