package drive_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// quick is a phase with callers that answer at once, on the real clock.
func quick() drive.Common {
	return drive.Common{
		NewCaller: func() drive.Caller { return instant{} },
		Recorder:  measure.NewRecorder(measure.Config{}),
		Timeout:   time.Hour,
	}
}

func burst(n int64) func() arrival.Stream {
	return func() arrival.Stream { return arrival.NewBurst(n) }
}

func TestAlarms(t *testing.T) {
	for name, newAlarm := range map[string]func(context.Context) (drive.Alarm, error){"system": drive.SystemAlarm, "timer": drive.TimerAlarm} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			alarm, err := newAlarm(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer alarm.Close()
			for _, ahead := range []time.Duration{-time.Second, 0, 50 * time.Microsecond, 3 * ms, 700 * time.Microsecond} {
				due := time.Now().Add(ahead)
				if !alarm.Wait(due) {
					t.Errorf("%v ahead: got false", ahead)
				}
				// The two clocks were read one after the other, so that a microsecond may be missing.
				if early := time.Until(due); early > 5*time.Microsecond {
					t.Errorf("%v ahead: woken %v early", ahead, early)
				}
			}
			time.AfterFunc(10*ms, cancel)
			if alarm.Wait(time.Now().Add(time.Hour)) {
				t.Error("the context ended: got true")
			}
			if alarm.Wait(time.Now().Add(-time.Hour)) || alarm.Wait(time.Now().Add(time.Hour)) {
				t.Error("after the context ended: got true")
			}
		})
	}
}

// TestRealClock drives both loops on the system's clock for a moment.
func TestRealClock(t *testing.T) {
	c := drive.OpenConfig{Common: quick(), Stream: constant(t, 1000, 200*ms), For: 200 * ms}
	c.NewCaller = func() drive.Caller {
		runtime.GC()
		return instant{}
	}
	r, got := open(t.Context(), t, c)
	if got.Ledger.Completed != 200 || r.Took < 200*ms || r.Self.Release.Count != 200 || r.Self.Hiccup.Count == 0 {
		t.Errorf("open: got %+v, %+v", r, got.Ledger)
	}
	if s := r.Self; s.Wall < 200*ms || s.Procs != runtime.GOMAXPROCS(0) || s.GCs < 1 || s.GCPause <= 0 {
		t.Errorf("self: got %+v", s)
	}
	if s := r.Self; runtime.GOOS == "linux" && (s.User+s.System <= 0 || s.MaxRSS < 1<<20) {
		t.Errorf("self: got %v user, %v system, %d bytes", s.User, s.System, s.MaxRSS)
	}

	closed := drive.ClosedConfig{Common: quick(), Users: 4, Requests: 100, ThinkMin: ms, ThinkMax: 2 * ms, Seed: 1}
	cr, err := drive.Closed(t.Context(), closed)
	if err != nil {
		t.Fatal(err)
	}
	cgot := finish(t, closed.Recorder)[0]
	balanced(t, cr, cgot)
	if cgot.Ledger.Completed != 100 || cr.Took < 24*ms || cr.Self.Wall < cr.Took/2 {
		t.Errorf("closed: got %+v, %+v", cr, cgot.Ledger)
	}
}

// TestCPU: the share of the processors is that of those it could use.
func TestCPU(t *testing.T) {
	for _, tt := range []struct {
		self drive.Self
		want float64
	}{
		{drive.Self{}, 0},
		{drive.Self{Wall: time.Second}, 0},
		{drive.Self{Wall: time.Second, Procs: 1, User: 500 * ms, System: 250 * ms}, 0.75},
		{drive.Self{Wall: 2 * time.Second, Procs: 4, User: time.Second, System: time.Second}, 0.25},
	} {
		if got := tt.self.CPU(); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.self, got, tt.want)
		}
	}
}

// TestMemoryIsFlat drives ten times as many requests, all of them a backlog from the start, and finds the same heap. It is measured by
// the last request, with everything that the phase holds still held.
func TestMemoryIsFlat(t *testing.T) {
	few, many := int64(1_000_000), int64(10_000_000)
	if testing.Short() || raceEnabled {
		few, many = 10_000, 100_000
	}
	measureAt := func(n int64) (heap int64) {
		c := quick()
		var once sync.Once
		var served int64
		var mu sync.Mutex
		c.NewCaller = func() drive.Caller {
			return callerFunc(func(out *measure.Outcome) {
				instant{}.Call(t.Context(), 0, time.Time{}, out)
				mu.Lock()
				served++
				last := served == n
				mu.Unlock()
				if last {
					once.Do(func() { heap = testkit.LiveHeap() })
				}
			})
		}
		_, got := open(t.Context(), t, drive.OpenConfig{Common: c, Stream: burst(n), Connections: 50})
		if got.Ledger.Completed != n {
			t.Fatalf("got %d of %d requests", got.Ledger.Completed, n)
		}
		return heap
	}
	measureAt(few / 10) // whatever is allocated once
	first, second := measureAt(few), measureAt(many)
	t.Logf("heap: %d kB at %d requests, %d kB at %d", first>>10, few, second>>10, many)
	if second > first+first/20 {
		t.Errorf("heap grew from %d kB to %d kB", first>>10, second>>10)
	}
}

// callerFunc is a caller that ignores its arguments.
type callerFunc func(out *measure.Outcome)

func (f callerFunc) Call(_ context.Context, _ int, _ time.Time, out *measure.Outcome) { f(out) }
func (f callerFunc) Close() error                                                     { return nil }
