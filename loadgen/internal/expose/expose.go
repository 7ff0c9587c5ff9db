// Package expose shows a run to Prometheus while it goes on: what was offered and achieved, the three clocks, errors by kind, which phase runs,
// and what the report will have of the phases that have ended. It neither makes requests nor keeps results: the truth of a run is in its report,
// these series are for looking at.
//
// The series of requests carry the mode and the phase, so that a warm-up can be distinguished from what is measured. They are there, at 0, before the
// first request: what a counter had counted before its first scrape is in no rate. What enters which clock is the rule of package measure. A sampled
// request leaves its trace id as an exemplar.
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
type Info struct {
	RunID, Scenario, GitSHA string
	Stack                   string // embedded, local, remote, compose
	Baseline                string // the mode that the others are compared with
	Jaeger                  string // its URL, as a browser finds it
}

// Mode is one of the scenario's.
type Mode struct {
	Name string
	App  string // the mode as which the app counts it; empty if that is not known
	// Kind is what is compared with what: requests with requests, and sessions with sessions.
	Kind Kind
}

// Kind is what the figures of a mode are of.
type Kind uint8

// Kinds. Modes of one kind are compared with each other; a step of a session is compared with nothing.
const (
	Requests Kind = iota
	Sessions
	Step
)

// Phase is one of the scenario's, as it is planned.
type Phase struct {
	Name  string
	Modes []string // that make requests in it
	// Replicas is how many replicas the requests are spread over; fewer than 2 is one.
	Replicas int
	Actions  []string // that are done before it and during it
	For      time.Duration
	Warmup   bool
}

// Plan is what a run will do.
type Plan struct {
	Info
	Modes  []Mode // in the scenario's order
	Phases []Phase
}

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
	reg     *prometheus.Registry
	vectors vectors
	figures *figures
	seconds *seconds
	servers *servers
	lasting *lasting
	server  *server
	current atomic.Pointer[running] // nil between phases
}

// running is a phase under way.
type running struct {
	mode, phase, round string
	modes              []*series
	end                func() // of its info
}

// New returns an exporter for a run, with a registry of its own that also has the metrics of the Go runtime and the process. spans returns what became of
// the spans that the run passes on.
func New(p Plan, spans func() (exported, dropped int64)) *Exporter {
	reg := telemetry.NewRegistry()
	telemetry.RegisterSpans(reg, spans)
	registrar := registrar{reg, prometheus.Labels{signal.LabelRunID: p.RunID}}
	e := &Exporter{
		reg: reg, vectors: newVectors(registrar), figures: newFigures(registrar, p), seconds: newSeconds(registrar, p), servers: newServers(registrar), lasting: newLasting(registrar, p.Scenario),
	}
	e.server = newServer(e.reg, e.lasting)
	registrar.gauge(signal.RunInfo, "The run that is under way.", signal.LabelScenario, signal.LabelGitSHA, signal.LabelStack, signal.LabelBaseline).
		WithLabelValues(p.Scenario, p.GitSHA, p.Stack, p.Baseline).Set(1)
	registrar.gauge(signal.LoadLinks, "Where a browser finds what dashboards link to.", signal.LabelJaeger).WithLabelValues(p.Jaeger).Set(1)
	for i, m := range p.Modes {
		e.vectors.mode.WithLabelValues(m.Name, m.App).Set(float64(i + 1))
	}
	for _, phase := range p.Phases {
		for _, mode := range phase.Modes {
			e.vectors.series(mode, phase.Name, phase.Replicas)
		}
		for _, action := range phase.Actions {
			e.vectors.actions.WithLabelValues(phase.Name, action)
		}
	}
	return e
}

// Begin begins a phase, and ends the one before it if that has not ended. It is called before the phase's first request.
func (e *Exporter) Begin(p Labels) {
	if e == nil {
		return
	}
	e.End()
	r := &running{mode: p.Mode, phase: p.Name, round: strconv.Itoa(p.Round), modes: make([]*series, len(p.Modes))}
	for i, mode := range p.Modes {
		if mode != "" {
			r.modes[i] = e.vectors.series(mode, p.Name, p.Replicas)
		}
	}
	r.end = e.lasting.phase(r, time.Now())
	e.current.Store(r)
}

// End ends the phase. It is called when its last request has ended.
func (e *Exporter) End() {
	if e == nil {
		return
	}
	if r := e.current.Swap(nil); r != nil {
		r.end()
	}
}

// Fault begins a fault of the phase that runs, by its text; the caller calls end when it is over.
func (e *Exporter) Fault(text string) (end func()) {
	if e == nil {
		return func() {}
	}
	r := e.current.Load()
	if r == nil {
		return func() {}
	}
	return e.lasting.fault(r, text)
}

// Action counts an action that was done before a phase or during it.
func (e *Exporter) Action(phase, name string) {
	if e != nil {
		e.vectors.actions.WithLabelValues(phase, name).Inc()
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
	s.received.Add(float64(o.Bytes))
	s.sent.Add(float64(o.Wrote))
	if o.Connect > 0 {
		s.connect.Observe(o.Connect.Seconds())
	}
	if o.TLS > 0 {
		s.shake.Observe(o.TLS.Seconds())
	}
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
