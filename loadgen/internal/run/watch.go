package run

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
)

// watch is who else is told of the load while it runs: Prometheus, by the generator's own metrics, and those who look at traces.
type watch struct {
	runner   *runner
	exporter *expose.Exporter // nil if nobody asked for metrics
	tracing  *tracing
	stop     func() // ends the serving of metrics
	now      atomic.Pointer[driven]
}

// newWatch starts to serve metrics and to receive spans, where they are wanted.
func newWatch(ctx context.Context, r *runner) (w *watch, err error) {
	w = &watch{runner: r, stop: func() {}}
	if w.tracing, err = startTracing(ctx, r.Config); err != nil {
		return nil, err
	}
	if r.MetricsAddr == "" {
		return w, nil
	}
	w.exporter = expose.New(expose.Info{RunID: r.report.ID, Scenario: r.report.Scenario.Name, GitSHA: r.report.Commit})
	url, stop, err := w.exporter.Serve(ctx, r.MetricsAddr)
	if err != nil {
		return nil, UsageError{errors.Join(err, w.close(ctx))}
	}
	w.stop = stop
	if r.Stack.Log != nil {
		_, _ = fmt.Fprintln(r.Stack.Log, "the generator's metrics are at "+url) // a log that is gone is no reason to stop
	}
	return w, nil
}

// close ends what newWatch has started, and puts the traces into the report. It comes after the end of the app, which exports the last of
// its spans then.
func (w *watch) close(ctx context.Context) (err error) {
	w.stop()
	w.runner.report.Traces, err = w.tracing.close(ctx)
	return err
}

// begin tells that a phase begins.
func (w *watch) begin(d *driven) {
	modes := w.runner.Scenario.Modes
	names := make([]string, len(modes))
	for _, m := range d.modes {
		names[m] = modes[m].Name
	}
	w.now.Store(d)
	w.exporter.Begin(expose.Labels{Round: d.block.round, Name: d.phase.Name, Mode: d.block.name(), Modes: names})
	w.tracing.begin(d.phase.Phase)
}

// end tells that the phase has ended.
func (w *watch) end(d *driven) {
	w.exporter.End()
	medians := map[string]time.Duration{}
	all := d.recorder.Snapshot()
	for _, m := range d.modes {
		medians[w.runner.Scenario.Modes[m].Name] = all.Modes[m].P50
	}
	w.tracing.end(d.phase.Name, medians)
}

// Scheduled is told by the recorder that a request has come due.
func (w *watch) Scheduled(mode int) { w.exporter.Scheduled(mode) }

// Record is told by the recorder what became of a request.
func (w *watch) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	w.exporter.Record(mode, due, start, o)
	if o.Sampled && !o.Sent.IsZero() {
		w.tracing.record(w.runner, w.now.Load(), mode, start.Add(due), o)
	}
}
