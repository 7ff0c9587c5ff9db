package drive_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == stopMe {
		driveAndStop(stopSelf)
		return
	}
	goleak.VerifyTestMain(m)
}

const ms = time.Millisecond

// call is a request as a caller got it.
type call struct {
	mode     int
	deadline time.Time
}

// server is what fake callers call. Its answers take time only on the clock of the test.
type server struct {
	// answer returns how long the n-th request, counted from 0, takes from now and how it ends.
	answer func(n int, now time.Time) (time.Duration, measure.Kind)

	mu            sync.Mutex // guards all below
	calls         []call
	inFlight, max int
	open, opened  int
}

func (s *server) newCaller() drive.Caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	s.opened++
	return &fakeCaller{s: s}
}

type fakeCaller struct{ s *server }

func (c *fakeCaller) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.open--
	return nil
}

func (c *fakeCaller) Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) {
	c.s.mu.Lock()
	n := len(c.s.calls)
	c.s.calls = append(c.s.calls, call{mode, deadline})
	c.s.inFlight++
	c.s.max = max(c.s.max, c.s.inFlight)
	c.s.mu.Unlock()

	sent := time.Now()
	took, kind := c.s.answer(n, sent)
	if took > 0 {
		answered, late := time.NewTimer(took), time.NewTimer(time.Until(deadline))
		select {
		case <-answered.C:
		case <-late.C:
			kind = measure.Timeout
		case <-ctx.Done():
			kind = measure.Reset // the loop is to know better
		}
		answered.Stop()
		late.Stop()
	}
	*out = measure.Outcome{Kind: kind, Sent: sent, Done: time.Now()}
	if kind == measure.Refused {
		out.Sent = time.Time{}
	}

	c.s.mu.Lock()
	c.s.inFlight--
	c.s.mu.Unlock()
}

// always answers every request alike.
func always(took time.Duration, kind measure.Kind) func(int, time.Time) (time.Duration, measure.Kind) {
	return func(int, time.Time) (time.Duration, measure.Kind) { return took, kind }
}

// instant answers at once and remembers nothing.
type instant struct{}

func (instant) Call(_ context.Context, _ int, _ time.Time, out *measure.Outcome) {
	now := time.Now()
	*out = measure.Outcome{Sent: now, Done: now}
}
func (instant) Close() error { return nil }

func common(s *server, modes int) drive.Common {
	return drive.Common{NewCaller: s.newCaller, Recorder: measure.NewRecorder(measure.Config{Modes: modes}), NewAlarm: drive.TimerAlarm}
}

func finish(t testing.TB, r *measure.Recorder) []measure.Result {
	t.Helper()
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func constant(t testing.TB, rate float64, d time.Duration) func() arrival.Stream {
	t.Helper()
	p, err := arrival.New(arrival.Constant(rate, d)...)
	if err != nil {
		t.Fatal(err)
	}
	return func() arrival.Stream { return arrival.NewConstant(p) }
}

func poisson(t testing.TB, rate float64, d time.Duration, seed uint64) func() arrival.Stream {
	t.Helper()
	p, err := arrival.New(arrival.Constant(rate, d)...)
	if err != nil {
		t.Fatal(err)
	}
	return func() arrival.Stream { return arrival.NewPoisson(p, seed) }
}

// open drives an open phase and returns its first mode.
func open(ctx context.Context, t *testing.T, c drive.OpenConfig) (drive.Result, measure.Result) {
	t.Helper()
	r, err := drive.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	got := finish(t, c.Recorder)[0]
	balanced(t, r, got)
	return r, got
}

// balanced checks that all that was offered is accounted for.
func balanced(t *testing.T, r drive.Result, modes ...measure.Result) {
	t.Helper()
	var scheduled int64
	for i, m := range modes {
		scheduled += m.Ledger.Scheduled
		if !m.Ledger.Balanced() {
			t.Errorf("mode %d: ledger %+v does not balance", i, m.Ledger)
		}
	}
	if scheduled != r.Offered {
		t.Errorf("%d requests scheduled, %d offered", scheduled, r.Offered)
	}
}
