// Package expose shows a run to Prometheus while it goes on: what was offered and achieved, the three clocks, errors by kind, and which
// phase runs. It neither makes requests nor keeps results: the truth of a run is in its report, these series are for looking at.
//
// The series of requests carry the mode and the phase, so that a warm-up can be distinguished from what is measured. What enters which clock is
// the rule of package measure. A sampled request leaves its trace id as an exemplar.
//
// The methods of a nil Exporter do nothing, for a run that is not exposed.
package expose

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/measure"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// Info identifies the run.
type Info struct{ RunID, Scenario, GitSHA string }

// Labels are of the phase that runs between Begin and End.
type Labels struct {
	Round int
	Name  string
	Mode  string   // in whose turn the phase runs; "mix" if modes share it
	Modes []string // by the numbers that Scheduled and Record get; "" for those that take no part
	// Replicas is how many replicas the requests are spread over; fewer than 2 is one.
	Replicas int
}

// Exporter has the metrics of one run.
type Exporter struct {
	info    Info
	reg     *prometheus.Registry
	vectors vectors
	current atomic.Pointer[running] // nil between phases
}

// running is a phase under way.
type running struct {
	labels []string // of its info
	modes  []*series
}

// New returns an exporter for a run, with a registry of its own that also has the metrics of the Go runtime and the process.
func New(info Info) *Exporter {
	reg := telemetry.NewRegistry()
	e := &Exporter{info: info, reg: reg, vectors: newVectors(reg)}
	run := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: signal.RunInfo, Help: "The run that is under way."},
		[]string{signal.LabelRunID, signal.LabelScenario, signal.LabelGitSHA})
	run.WithLabelValues(info.RunID, info.Scenario, info.GitSHA).Set(1)
	reg.MustRegister(run)
	return e
}

// Begin begins a phase, and ends the one before it if that has not ended. It is called before the phase's first request.
func (e *Exporter) Begin(p Labels) {
	if e == nil {
		return
	}
	e.End()
	r := &running{
		labels: []string{e.info.RunID, e.info.Scenario, p.Mode, p.Name, strconv.Itoa(p.Round)},
		modes:  make([]*series, len(p.Modes)),
	}
	for i, mode := range p.Modes {
		if mode != "" {
			r.modes[i] = e.vectors.series(mode, p.Name, p.Replicas)
		}
	}
	e.vectors.phase.WithLabelValues(r.labels...).Set(1)
	e.current.Store(r)
}

// End ends the phase. It is called when its last request has ended.
func (e *Exporter) End() {
	if e == nil {
		return
	}
	if r := e.current.Swap(nil); r != nil {
		e.vectors.phase.DeleteLabelValues(r.labels...)
	}
}

// series returns a mode's series; nil between phases, and for a mode that takes no part.
func (e *Exporter) series(mode int) *series {
	if e == nil {
		return nil
	}
	r := e.current.Load()
	if r == nil || mode < 0 || mode >= len(r.modes) {
		return nil
	}
	return r.modes[mode]
}

// Scheduled counts a request that has come due.
func (e *Exporter) Scheduled(mode int) {
	if s := e.series(mode); s != nil {
		s.scheduled.Inc()
		s.inFlight.Inc()
	}
}

// Record counts and times what became of a request that was due at due after start. It keeps nothing of o.
func (e *Exporter) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	s := e.series(mode)
	if s == nil {
		return
	}
	s.inFlight.Dec()
	of := &s.replicas[min(o.Replica, len(s.replicas)-1)]
	of.kinds[o.Kind].Inc()
	if o.Kind != measure.OK && o.Kind != measure.Timeout && o.Kind != measure.Unsent {
		return
	}
	var exemplar prometheus.Labels
	if o.Sampled {
		exemplar = traceLabels(o)
	}
	at := start.Add(due)
	response := o.Done.Sub(at)
	observe(of.response, response, exemplar)
	if o.Sent.IsZero() {
		observe(of.lag, response, exemplar)
		return
	}
	observe(of.lag, o.Sent.Sub(at), exemplar)
	if o.Kind != measure.Unsent {
		observe(of.service, o.Done.Sub(o.Sent), exemplar)
	}
}
