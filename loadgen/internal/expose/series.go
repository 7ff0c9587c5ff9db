package expose

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/measure"
	"loadlab/otel/signal"
)

// vectors are what the series of modes and phases are taken from.
type vectors struct {
	scheduled, completed, errors, actions *prometheus.CounterVec
	received, sent                        *prometheus.CounterVec
	inFlight, mode                        *prometheus.GaugeVec
	response, service, lag                *prometheus.HistogramVec
	connect, shake                        *prometheus.HistogramVec
}

// series are one mode's in one phase, resolved once: looking one up by its labels costs more than observing it.
type series struct {
	scheduled prometheus.Counter
	inFlight  prometheus.Gauge
	// received and sent are bytes of bodies; connect and shake are of the requests that had to make a connection.
	received, sent prometheus.Counter
	connect, shake histogram
	replicas       []ended // by the replica that took a request: at least one
}

// ended are the series of the requests that one replica took. Its label is empty where there is but one.
type ended struct {
	kinds                  [measure.Kinds]prometheus.Counter // the one of OK is those completed
	response, service, lag histogram
}

// histogram is what every histogram of client_golang is.
type histogram interface {
	prometheus.Observer
	prometheus.ExemplarObserver
}

func newVectors(r registrar) vectors {
	request := []string{signal.LabelMode, signal.LabelPhase}
	taken := append(slices.Clip(request), signal.LabelReplica)
	clock := func(name, help string) *prometheus.HistogramVec {
		return r.histogram(name, help, signal.LoadBuckets(), taken...)
	}
	return vectors{
		scheduled: r.counter(signal.LoadScheduled, "Requests that came due.", request...),
		completed: r.counter(signal.LoadCompleted, "Requests that were answered as they should be.", taken...),
		errors:    r.counter(signal.LoadErrors, "Requests that were not, by kind.", append(slices.Clip(taken), signal.LabelKind)...),
		inFlight:  r.gauge(signal.LoadInFlight, "Requests that came due and have not ended, those included that wait for a connection.", request...),
		actions:   r.counter(signal.LoadActions, "What was done to the app before a phase or during it.", signal.LabelPhase, signal.LabelAction),
		mode: r.gauge(signal.LoadMode, "The place of a mode in the scenario, from 1, and the mode as which the app counts it.",
			signal.LabelMode, signal.LabelAppMode),
		received: r.counter(signal.LoadReceived, "Bytes of the bodies of responses.", request...),
		sent:     r.counter(signal.LoadSent, "Bytes of the bodies of requests.", request...),
		connect:  r.histogram(signal.LoadConnect, "How long it took to connect, of requests that had to.", signal.LoadBuckets(), request...),
		shake:    r.histogram(signal.LoadTLS, "How long the handshake of TLS took, of requests that had to make a connection.", signal.LoadBuckets(), request...),
		response: clock(signal.LoadResponse, "From when a request was due to its end."),
		service:  clock(signal.LoadService, "From when a request was sent to its end."),
		lag:      clock(signal.LoadLag, "From when a request was due to when it was sent."),
	}
}

// series resolves a mode's series in a phase whose requests are spread over so many replicas. All errors are among them: a counter that appeared
// with its first error would have no rate.
func (v vectors) series(mode, phase string, replicas int) *series {
	s := &series{
		scheduled: v.scheduled.WithLabelValues(mode, phase), inFlight: v.inFlight.WithLabelValues(mode, phase),
		received: v.received.WithLabelValues(mode, phase), sent: v.sent.WithLabelValues(mode, phase),
		connect: v.connect.WithLabelValues(mode, phase).(histogram), shake: v.shake.WithLabelValues(mode, phase).(histogram),
	}
	if replicas < 2 {
		s.replicas = []ended{v.ended(mode, phase, "")}
		return s
	}
	for i := range replicas {
		s.replicas = append(s.replicas, v.ended(mode, phase, strconv.Itoa(i+1)))
	}
	return s
}

func (v vectors) ended(labels ...string) ended {
	clock := func(vec *prometheus.HistogramVec) histogram { return vec.WithLabelValues(labels...).(histogram) }
	e := ended{response: clock(v.response), service: clock(v.service), lag: clock(v.lag)}
	e.kinds[measure.OK] = v.completed.WithLabelValues(labels...)
	for kind := measure.OK + 1; kind < measure.Kinds; kind++ {
		e.kinds[kind] = v.errors.WithLabelValues(append(slices.Clip(labels), kind.String())...)
	}
	return e
}

func observe(h histogram, d time.Duration, exemplar prometheus.Labels) {
	if exemplar != nil {
		h.ObserveWithExemplar(d.Seconds(), exemplar)
		return
	}
	h.Observe(d.Seconds())
}

// traceLabels are an exemplar's, by which Grafana finds the trace.
func traceLabels(o *measure.Outcome) prometheus.Labels {
	return prometheus.Labels{signal.LogTraceID: hex.EncodeToString(o.TraceID[:])}
}
