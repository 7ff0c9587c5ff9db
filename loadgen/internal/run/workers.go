package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/shard"
)

// Workers are the processes that send the load of a run, each its share. The run itself brings the stack up, does everything to it, and
// collects.
type Workers struct {
	N       int    // 0: the run sends its load itself
	Addr    string // where the run waits for them
	Program string // the hash of the program, which theirs must be
	Secret  []byte
	Limits  shard.Limits
	Start   int // how many of them, the first, the run starts itself; somebody else starts the others
	// Launch starts worker i, which is to find the run at an address.
	Launch func(ctx context.Context, i int, addr string) (Process, error)
}

// Process is a worker that a run has started; *shard.Process is one.
type Process interface {
	Done() <-chan struct{}
	// Ended returns how it ended, if it does within a time; empty if it runs on.
	Ended(within time.Duration) string
	// Stop ends it, after a time in which it may end by itself, and waits for its end.
	Stop(after time.Duration)
}

// workers are those of a run under way.
type workers struct {
	coordinator *shard.Coordinator
	processes   []Process
	leave       context.CancelFunc // nobody watches the processes any more
}

// load is a phase in the plan of the run, as a worker is told of it.
type load struct {
	Round    int    `json:"round"`
	Mode     string `json:"mode"`
	Phase    int    `json:"phase"`
	Replicas int    `json:"replicas"`
}

// hire has workers come, if the run is to have some.
func (r *runner) hire(ctx context.Context) error {
	c := r.Workers
	if c.N == 0 {
		return nil
	}
	r.alert(divided(r.Scenario, c.N, len(r.subject.stack.APIs))...)
	text, err := json.Marshal(r.job())
	if err != nil {
		return fmt.Errorf("describe the run to its workers: %w", err)
	}
	w := &workers{}
	w.coordinator, err = shard.Listen(ctx, c.Addr, shard.Config{
		Workers: c.N, Secret: c.Secret, Program: c.Program, Scenario: r.Scenario.SHA256, Job: text, Limits: c.Limits, Ended: w.ended,
	})
	if err != nil {
		return err
	}
	r.workers = w
	watch, leave := context.WithCancel(context.WithoutCancel(ctx))
	w.leave = leave
	for i := range c.Start {
		p, err := c.Launch(ctx, i, w.coordinator.Addr())
		if err != nil {
			return err
		}
		w.processes = append(w.processes, p)
	}
	for i, p := range w.processes {
		go func() {
			select {
			case <-p.Done():
				w.coordinator.Lose(i, p.Ended(0))
			case <-watch.Done():
			}
		}()
	}
	return w.coordinator.Join(ctx)
}

// exitLimit is how long the process of a worker may take to end after its connection has, for its end to be known.
const exitLimit = 500 * time.Millisecond

func (w *workers) ended(i int) string {
	if i >= len(w.processes) {
		return ""
	}
	return w.processes[i].Ended(exitLimit)
}

// dismiss ends what hire began, and puts into the report who the workers were.
func (r *runner) dismiss() {
	w := r.workers
	if w == nil {
		return
	}
	for _, m := range w.coordinator.Members() {
		r.report.Workers = append(r.report.Workers, result.Worker{
			Index: m.Index, UID: m.UID, Host: m.Host, PID: m.PID, Offset: m.Clock.Offset, Error: m.Clock.Error, Cuts: m.Cuts.N, CutMax: m.Cuts.Longest, Lost: m.Lost,
		})
	}
	w.leave()
	w.coordinator.Close()
	for _, p := range w.processes {
		p.Stop(exitLimit)
	}
}

// join prepares a phase that the workers drive together, and returns what drives it.
func (w *workers) join(r *runner, d *driven, c measure.Config) func(context.Context, *driven) (drive.Result, error) {
	n := w.coordinator.Workers
	m := &merging{runner: r, driven: d, merged: measure.NewMerged(c, n), results: make([]*drive.Result, n), upto: make([]int, n)}
	for range n {
		m.known = append(m.known, make([]measure.Counts, c.Modes))
	}
	d.recorder = m.merged
	return m.drive
}

// merging is a phase that workers drive together.
type merging struct {
	runner  *runner
	driven  *driven
	merged  *measure.Merged
	results []*drive.Result    // by worker, of those that have reported their end
	known   [][]measure.Counts // by worker and mode, that have been exposed
	upto    []int              // by worker: the seconds of the phase that it has reported
	start   time.Time
}

// drive has the phase driven.
func (m *merging) drive(ctx context.Context, d *driven) (drive.Result, error) {
	text, err := json.Marshal(load{Round: d.block.round, Mode: d.block.mode, Phase: d.phase.index, Replicas: d.phase.World.Replicas})
	if err != nil {
		return drive.Result{}, fmt.Errorf("describe a phase to the workers: %w", err)
	}
	err = m.runner.workers.coordinator.Drive(ctx, text, m)
	if errors.Is(err, context.Cause(ctx)) && ctx.Err() != nil {
		err = nil // it was interrupted, and the report says so
	}
	return m.result(ctx), err
}

// Begin implements shard.Sink.
func (m *merging) Begin(at time.Time) {
	m.start = at
	m.merged.Start()
}

// Report implements shard.Sink.
func (m *merging) Report(worker int, r *shard.Report) error {
	if err := m.merged.Add(worker, r.Second, &r.Delta); err != nil {
		return err
	}
	m.upto[worker] = r.Second + 1
	m.expose(worker, &r.Delta)
	for i := range r.Seen {
		m.see(&r.Seen[i])
	}
	if r.Done == nil {
		return nil
	}
	if r.Done.Failed != "" {
		return errors.New(r.Done.Failed)
	}
	m.results[worker] = &r.Done.Result
	return nil
}

// expose shows to Prometheus, and to who looks on, what has come of a worker. Of a phase with faults every request is shown by itself.
func (m *merging) expose(worker int, d *measure.Delta) {
	if m.driven.watch != nil {
		return
	}
	for i := range d.Modes {
		of := &d.Modes[i]
		if m.runner.Scenario.Modes[of.Mode].Steps > 0 {
			continue // sessions are not observed
		}
		known := &m.known[worker][of.Mode]
		m.runner.observers.metrics.Merge(of, of.Sub(*known))
		m.runner.Live.Merge(of)
		*known = of.Counts
	}
}

// see passes on a request to who wants it by itself. Clocks differ by no more than is known; it is for a read's good that it counts as sent so much
// earlier.
func (m *merging) see(s *shard.Seen) {
	if s.Mode < 0 || s.Mode >= len(m.driven.oracles) {
		return
	}
	o := s.At(m.start)
	switch {
	case m.driven.watch != nil:
		m.driven.watch.Scheduled(s.Mode)
		m.driven.watch.Record(s.Mode, s.Due, m.start, o)
	case o.Sampled:
		m.runner.observers.tracing.Record(s.Mode, s.Due, m.start, o)
	}
	if oracle := m.driven.oracles[s.Mode]; oracle != nil && o.Kind == measure.OK && o.Version != 0 {
		oracle.Read(o.Version, o.Sent.Add(-m.clockError()))
	}
}

func (m *merging) clockError() (most time.Duration) {
	for _, member := range m.runner.workers.coordinator.Members() {
		most = max(most, member.Clock.Error)
	}
	return most
}

// Lost implements shard.Sink. What a worker had reported counts; a reader must know where that ends, and that it is no pause of the load.
func (m *merging) Lost(worker int) {
	m.merged.Lost(worker)
	if m.start.IsZero() {
		return // it was lost before the phase began
	}
	m.runner.warn(fmt.Sprintf("phase %s, mode %s: the figures of %s end at %d s", m.driven.phase.Name, m.driven.block.name(), shard.Identity{Index: worker}.Name(), m.upto[worker]))
}

// result is what the loops of all workers came to together. It has no Self: each worker has a driver of its own in the report.
func (m *merging) result(ctx context.Context) drive.Result {
	sum := drive.Result{Start: m.start, Interrupted: ctx.Err() != nil}
	for i, r := range m.results {
		if r == nil {
			continue
		}
		of := driver(m.runner.heading(m.driven), m.driven.phase.Warmup, *r)
		of.Worker, of.Late = shard.Identity{Index: i}.Name(), r.Begun
		m.runner.report.Drivers = append(m.runner.report.Drivers, of)
		sum.Took, sum.Drained = max(sum.Took, r.Took), max(sum.Drained, r.Drained)
		sum.Offered += r.Offered
		sum.Sent += r.Sent
		sum.InTime += r.InTime
		sum.Connections += r.Connections
		sum.Interrupted = sum.Interrupted || r.Interrupted
		sum.RanOut = sum.RanOut || r.RanOut
		sum.Digest.Merge(r.Digest)
	}
	if sum.Took == 0 && !m.start.IsZero() {
		sum.Took = time.Since(m.start)
	}
	return sum
}
