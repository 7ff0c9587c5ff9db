package run

import (
	"context"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/report"
)

// watch is who else is told of the load while it runs: Prometheus, by the generator's own metrics.
type watch struct {
	exporter *expose.Exporter // nil if nobody asked for metrics
	url      string
	stop     func()
}

// newWatch starts to serve metrics where they are wanted.
func newWatch(ctx context.Context, addr string, r *report.Run) (*watch, error) {
	w := &watch{stop: func() {}}
	if addr == "" {
		return w, nil
	}
	w.exporter = expose.New(expose.Info{RunID: r.ID, Scenario: r.Scenario.Name, GitSHA: r.Commit})
	var err error
	w.url, w.stop, err = w.exporter.Serve(ctx, addr)
	if err != nil {
		return nil, UsageError{err}
	}
	return w, nil
}

// begin tells that a phase begins.
func (w *watch) begin(r *runner, d *driven) {
	names := make([]string, len(r.Scenario.Modes))
	for _, m := range d.modes {
		names[m] = r.Scenario.Modes[m].Name
	}
	w.exporter.Begin(expose.Phase{Round: d.block.round, Name: d.phase.Name, Mode: d.block.name(), Modes: names})
}

// end tells that the phase has ended.
func (w *watch) end() { w.exporter.End() }

// Scheduled is told by the recorder that a request has come due.
func (w *watch) Scheduled(mode int) { w.exporter.Scheduled(mode) }

// Record is told by the recorder what became of a request.
func (w *watch) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	w.exporter.Record(mode, due, start, o)
}
