package server

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// durations is the histogram of the durations of requests.
type durations struct {
	vec *prometheus.HistogramVec

	mu    sync.RWMutex // guards known
	known map[served]prometheus.Observer
}

// served is what a duration is recorded of.
type served struct {
	route, method string
	status        int
	mode          string
}

func newDurations(reg prometheus.Registerer) *durations {
	v := prometheus.NewHistogramVec(telemetry.HistogramOpts(signal.HTTPServerDuration, "Duration of HTTP requests.", signal.HTTPBuckets()),
		[]string{signal.LabelRoute, signal.LabelMethod, signal.LabelStatus, signal.LabelMode})
	reg.MustRegister(v)
	return &durations{vec: v, known: map[served]prometheus.Observer{}}
}

// expect makes the series of the pages that a mode answers, at 0: what a counter had counted before its first scrape is in no rate.
func (d *durations) expect(route, mode string) {
	d.of(served{route, http.MethodGet, http.StatusOK, mode})
}

// of returns the series of what was served, which is kept: to look it up by its labels hashes each of them, for every request.
func (d *durations) of(what served) prometheus.Observer {
	d.mu.RLock()
	o := d.known[what]
	d.mu.RUnlock()
	if o != nil {
		return o
	}
	o = d.vec.WithLabelValues(what.route, what.method, strconv.Itoa(what.status), what.mode)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[what] = o
	return o
}
