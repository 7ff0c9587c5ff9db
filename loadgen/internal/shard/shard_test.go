package shard_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/shard"
)

func TestMain(m *testing.M) {
	if addr, ok := isSimulated(); ok {
		simulate(addr)
		return
	}
	goleak.VerifyTestMain(m)
}

// quick are limits for tests of what takes too long.
func quick() shard.Limits {
	return shard.Limits{Join: 10 * time.Second, Prepare: 10 * time.Second, Silence: time.Second, Stop: 5 * time.Second}
}

// patient are limits for tests in which nothing does.
func patient() shard.Limits { return shard.Limits{} }

const secret, program, scenario = "the secret of this run", "program", "scenario"

func listen(t *testing.T, n int, limits shard.Limits) *shard.Coordinator {
	t.Helper()
	c, err := shard.Listen(t.Context(), "127.0.0.1:0", shard.Config{
		Workers: n, Secret: []byte(secret), Program: program, Scenario: scenario, Job: json.RawMessage(`"the job"`), Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hand is a worker of a test. It is of no use to copy it.
type hand struct {
	shard.WorkerConfig
	drive func(ctx context.Context, at time.Time) shard.Done

	onJoin, onPrepare, onDrive, onLast func() // what happens then; nil is nothing

	cancel context.CancelFunc
	done   chan struct{}
	err    error // after done

	mu     sync.Mutex // guards all below
	job    string
	starts []time.Time
	late   bool // it was told to begin when that was over
	took   []time.Duration
	flush  int
}

// start starts a worker.
func start(t *testing.T, c *shard.Coordinator, index int, change func(*hand)) *hand {
	t.Helper()
	h := &hand{
		WorkerConfig: shard.WorkerConfig{
			Addr: c.Addr(), Secret: []byte(secret), Limits: c.Limits,
			Identity: shard.Identity{Index: index, UID: "uid-" + string(rune('a'+index)), Host: "here", PID: 1, Program: program, Scenario: scenario},
		},
		drive: func(context.Context, time.Time) shard.Done { return shard.Done{} },
		done:  make(chan struct{}),
	}
	if change != nil {
		change(h)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.cancel = cancel
	go func() {
		defer close(h.done)
		h.err = shard.Work(ctx, h.WorkerConfig, h)
	}()
	t.Cleanup(func() { cancel(); <-h.done })
	return h
}

// happens calls a function, if there is one.
func happens(what func()) {
	if what != nil {
		what()
	}
}

func (h *hand) Join(_ context.Context, job json.RawMessage) error {
	happens(h.onJoin)
	h.mu.Lock()
	defer h.mu.Unlock()
	return json.Unmarshal(job, &h.job)
}

func (h *hand) Prepare(json.RawMessage) (shard.Load, error) {
	happens(h.onPrepare)
	return h, nil
}

func (h *hand) Drive(ctx context.Context, at time.Time) shard.Done {
	h.mu.Lock()
	h.starts, h.late = append(h.starts, at), h.late || time.Now().After(at)
	h.mu.Unlock()
	happens(h.onDrive)
	done := h.drive(ctx, at)
	h.mu.Lock()
	h.took = append(h.took, done.Result.Took)
	h.mu.Unlock()
	return done
}

func (h *hand) Flush(last bool) (measure.Delta, []shard.Seen) {
	if last {
		happens(h.onLast)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flush++
	return measure.Delta{Settled: h.flush}, nil
}

// sink notes what becomes of a phase.
type sink struct {
	began   time.Time
	reports map[int][]int // seconds, by worker
	done    map[int]bool
	lost    map[int]bool
	refuse  error
	taken   chan struct{} // closed by the first report
}

func newSink() *sink {
	return &sink{reports: map[int][]int{}, done: map[int]bool{}, lost: map[int]bool{}, taken: make(chan struct{})}
}

func (s *sink) Begin(at time.Time) { s.began = at }

func (s *sink) Report(worker int, r *shard.Report) error {
	if len(s.reports) == 0 {
		close(s.taken)
	}
	s.reports[worker] = append(s.reports[worker], r.Second)
	s.done[worker] = r.Done != nil
	return s.refuse
}

func (s *sink) Lost(worker int) { s.lost[worker] = true }

// untilStopped drives until the phase is stopped.
func untilStopped(ctx context.Context, at time.Time) shard.Done {
	<-ctx.Done()
	var d shard.Done
	d.Result.Interrupted, d.Result.Took = true, time.Since(at)
	return d
}

// TestPhases checks that all workers drive every phase from the same moment on, and end when the run does.
func TestPhases(t *testing.T) {
	const n = 5
	c := listen(t, n, patient())
	var hands []*hand
	for i := range n {
		hands = append(hands, start(t, c, i, nil))
	}
	if err := c.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s := newSink()
		if err := c.Drive(t.Context(), json.RawMessage(`{}`), s); err != nil {
			t.Fatal(err)
		}
		for i, h := range hands {
			at := h.starts[len(h.starts)-1]
			clock := c.Members()[i].Clock
			if off := at.Sub(s.began).Abs(); off > clock.Error+clock.Offset.Abs()+time.Millisecond {
				t.Errorf("worker %d was to begin %s off", i, off)
			}
			if !s.done[i] || len(s.reports[i]) != 1 || s.reports[i][0] != 0 {
				t.Errorf("worker %d: reports of the seconds %v, done %t", i, s.reports[i], s.done[i])
			}
		}
	}
	ids := c.Members()
	if len(ids) != n || ids[3].UID != "uid-d" || hands[0].job != "the job" {
		t.Errorf("members %v, job %q", ids, hands[0].job)
	}
	c.Close()
	for i, h := range hands {
		<-h.done
		if h.err != nil {
			t.Errorf("worker %d: %v", i, h.err)
		}
	}
}

// TestRefused checks that whoever is not what a worker should be fails the run by name, or, without the secret, does not get to do so.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change       func(*hand)
		worker, run_ string // what either reports
	}{
		"another scenario": {func(h *hand) { h.Scenario = "other" }, "another scenario", "worker 1 (here, process 1, uid uid-b) has another scenario"},
		"another program":  {func(h *hand) { h.Program = "other" }, "another program", "worker 1 (here, process 1, uid uid-b) is another program"},
		"twice":            {func(h *hand) { h.Index, h.UID = 0, "other" }, "started twice", "worker 0 was started twice: uid other came after uid uid-a"},
		"no such index":    {func(h *hand) { h.Index = 2 }, "there is no worker 2", "worker 1 has not registered"},
		"wrong secret":     {func(h *hand) { h.Secret = []byte("guess") }, shard.ErrSecret.Error(), "connections without the secret of the run: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			limits := quick()
			limits.Join = time.Second
			c := listen(t, 2, limits)
			defer c.Close()
			first := start(t, c, 0, nil)
			for len(c.Members()) == 0 {
				select {
				case <-first.done:
					t.Fatal(first.err)
				default:
				}
			}
			h := start(t, c, 1, test.change)
			<-h.done
			if h.err == nil || !strings.Contains(h.err.Error(), test.worker) {
				t.Errorf("the worker ends with %v, want %q", h.err, test.worker)
			}
			err := c.Join(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.run_) {
				t.Errorf("the run ends with %v, want %q", err, test.run_)
			}
			if lost := new(shard.LostError); !errors.As(err, &lost) {
				t.Errorf("%v names no worker", err)
			}
		})
	}
}

// TestLost checks that a worker that ends, fails, or reports what cannot be fails the run by name, that the others are stopped, and that what they report
// is there.
func TestLost(t *testing.T) {
	for name, test := range map[string]struct {
		break_ func(s *sink, h *hand)
		want   string
	}{
		"ends":          {func(_ *sink, h *hand) { h.cancel() }, "worker 1 (here, process 1, uid uid-b) "},
		"is not reason": {func(s *sink, _ *hand) { s.refuse = errors.New("no such mode") }, "reports what cannot be: no such mode"},
	} {
		t.Run(name, func(t *testing.T) {
			c := listen(t, 3, quick())
			defer c.Close()
			var hands []*hand
			for i := range 3 {
				hands = append(hands, start(t, c, i, func(h *hand) { h.drive = untilStopped }))
			}
			if err := c.Join(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := newSink()
			if name != "ends" {
				test.break_(s, hands[1])
			} else {
				go func() {
					<-s.taken
					test.break_(s, hands[1])
				}()
			}
			err := c.Drive(t.Context(), json.RawMessage(`{}`), s)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			for i := range hands {
				if !s.done[i] && !s.lost[i] {
					t.Errorf("worker %d has neither reported its end nor is it lost", i)
				}
			}
			if err := c.Drive(t.Context(), json.RawMessage(`{}`), newSink()); err == nil {
				t.Error("a run without a worker goes on")
			}
		})
	}
}

// TestInterrupted checks that the end of a run's context stops all workers, and that their last reports arrive.
func TestInterrupted(t *testing.T) {
	c := listen(t, 2, quick())
	defer c.Close()
	for i := range 2 {
		start(t, c, i, func(h *hand) { h.drive = untilStopped })
	}
	if err := c.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := newSink()
	go func() {
		<-s.taken
		cancel()
	}()
	if err := c.Drive(ctx, json.RawMessage(`{}`), s); err != nil {
		t.Error(err)
	}
	if !s.done[0] || !s.done[1] || len(s.lost) > 0 {
		t.Errorf("done %v, lost %v", s.done, s.lost)
	}
}
