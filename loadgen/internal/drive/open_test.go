package drive_test

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// TestFreeze is the test that every generator with bounded connections failed (see the facts): the server stands still 1 s in every
// 5 s, so of the requests that come all the time a fifth waits, evenly from 0 to 1 s: p90 500 ms, p95 750 ms, p99 950 ms.
func TestFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &server{answer: func(_ int, now time.Time) (time.Duration, measure.Kind) {
			if at := now.Sub(start) % (5 * time.Second); at >= 4*time.Second {
				return 5*time.Second - at + ms/2, measure.OK
			}
			return ms / 2, measure.OK
		}}
		r, got := open(t.Context(), t, drive.OpenConfig{
			Common: common(s, 1), Stream: constant(t, 200, 20*time.Second), For: 20 * time.Second, Connections: 64,
		})
		for _, q := range []struct {
			name      string
			got, want time.Duration
		}{{"p90", got.Response.P90, 500 * ms}, {"p95", got.Response.P95, 750 * ms}, {"p99", got.Response.P99, 950 * ms}} {
			if off := float64(q.got-q.want) / float64(q.want); off < -0.02 || off > 0.02 {
				t.Errorf("response %s: got %v, want %v to 2%%", q.name, q.got, q.want)
			}
		}
		// The service time sees only the 64 requests that were on their way in each freeze.
		if got.Service.P90 > 10*ms || got.Ledger.Completed != 4000 {
			t.Errorf("service p90: got %v of %d requests, want far below the response time's, of 4000", got.Service.P90, got.Ledger.Completed)
		}
		if r.Connections != 64 || s.max != 64 || r.Took != 20*time.Second {
			t.Errorf("got %d connections, %d in flight, took %v, want 64, 64, 20s", r.Connections, s.max, r.Took)
		}
		// It was the server that was late, not the generator.
		if r.Self.Release.Max > ms || got.Lag.P99 < 100*ms || r.InTime < 3850 {
			t.Errorf("released up to %v late, lag p99 %v, %d sent in time", r.Self.Release.Max, got.Lag.P99, r.InTime)
		}
	})
}

// TestSchedule: requests are made when they are due and in order, on as few connections as it takes.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: always(15*ms, measure.OK)}
		r, got := open(t.Context(), t, drive.OpenConfig{Common: common(s, 1), Stream: constant(t, 100, time.Second), For: time.Second})
		for k, c := range s.calls {
			if want := r.Start.Add(time.Duration(k)*10*ms + drive.DefaultTimeout); !c.deadline.Equal(want) {
				t.Fatalf("request %d: deadline %v, want %v", k, c.deadline.Sub(r.Start), want.Sub(r.Start))
			}
		}
		if r.Offered != 100 || r.Sent != 100 || r.InTime != 100 || r.Connections != 2 || s.opened != 2 || s.open != 0 {
			t.Errorf("got %+v, %d opened, %d open, want 100 requests on 2 connections, all closed", r, s.opened, s.open)
		}
		if got.Lag.Max > 2*time.Microsecond || r.Took != time.Second || r.Drained != 5*ms {
			t.Errorf("lag %v, took %v, drained %v, want 0, 1s, 5ms", got.Lag.Max, r.Took, r.Drained)
		}
	})
}

// TestHurried: what had waited for a connection most of its time is not the target's if it is not connected in the rest, and is named if it is not answered.
func TestHurried(t *testing.T) {
	for name, want := range map[string]struct {
		sent   bool
		kind   string
		code   string
		others map[string]int64
	}{
		"connecting": {false, "unsent", measure.TooLate, map[string]int64{"timeout": 1, "unsent": 2}},
		"answering":  {true, "timeout", "sent late, after it had waited for a connection", map[string]int64{"timeout": 3}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := common(nil, 1)
			c.Timeout = time.Second
			c.NewCaller = func() drive.Caller { return lateCaller{sent: want.sent} }
			stream := constant(t, 100, 30*ms)
			if _, err := drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: stream, Connections: 1, For: 30 * ms}); err != nil {
				t.Fatal(err)
			}
			got := finish(t, c.Recorder)[0]
			if !maps.Equal(got.Ledger.Failed, want.others) {
				t.Errorf("%s: got %v, want %v", name, got.Ledger.Failed, want.others)
			}
			n := int64(0)
			for _, f := range got.Failures {
				if f.Kind == want.kind && f.Code == want.code {
					n += f.Count
				}
			}
			if n != 2 {
				t.Errorf("%s: got %+v, want 2 that are %s (%s)", name, got.Failures, want.kind, want.code)
			}
		})
	}
}

// lateCaller makes calls that end at their deadlines.
type lateCaller struct{ sent bool }

func (l lateCaller) Call(_ context.Context, _ int, deadline time.Time, out *measure.Outcome) {
	*out = measure.Outcome{Kind: measure.Timeout, Code: "connecting", Err: context.DeadlineExceeded}
	if l.sent {
		out.Sent, out.Code = time.Now(), "waiting for the response"
	}
	<-time.NewTimer(time.Until(deadline)).C
	out.Done = time.Now()
}

func (lateCaller) Close() error { return nil }

// TestUnsent: a hundred requests are due at once, four connections hang for as long as they may, and the others never leave.
func TestUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: always(time.Hour, measure.OK)}
		c := common(s, 1)
		c.Timeout = 2 * time.Second
		r, got := open(t.Context(), t, drive.OpenConfig{Common: c, Stream: func() arrival.Stream { return arrival.NewBurst(100) }, Connections: 4})
		if failed := got.Ledger.Failed; r.Offered != 100 || r.Sent != 4 || failed["timeout"] != 4 || failed["unsent"] != 96 || len(s.calls) != 4 {
			t.Errorf("got %d offered, %d sent, ledger %+v, want 100 = 4 timeout + 96 unsent", r.Offered, r.Sent, got.Ledger)
		}
		// All of them are in the response distribution, with the time they waited.
		if got.Response.Count != 100 || got.Response.P50.Round(10*ms) != 2*time.Second || got.Service.Count != 4 || got.Lag.Count != 100 {
			t.Errorf("got response %+v, service %+v", got.Response, got.Service)
		}
		if r.Took != 2*time.Second {
			t.Errorf("took %v, want the timeout, 2s", r.Took)
		}
	})
}

// TestOverload: 100/s against a server that hangs. What waits is sent as soon as a connection is given up; nothing outlives its
// deadline, and nothing that waited for its whole timeout looks faster than that.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := common(&server{answer: always(time.Hour, measure.OK)}, 1)
		c.Timeout = 2 * time.Second
		r, got := open(t.Context(), t, drive.OpenConfig{Common: c, Stream: constant(t, 100, 3*time.Second), For: 3 * time.Second, Connections: 4})
		if failed := got.Ledger.Failed; r.Offered != 300 || failed["timeout"]+failed["unsent"] != 300 {
			t.Errorf("got %d offered, ledger %+v, want 300 timeout or unsent", r.Offered, got.Ledger)
		}
		if got.Response.P50.Round(10*ms) != 2*time.Second || got.Service.P50 > 100*ms || r.Took+r.Drained > 5*time.Second {
			t.Errorf("response p50 %v, service p50 %v, took %v + %v", got.Response.P50, got.Service.P50, r.Took, r.Drained)
		}
	})
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2505*ms)
		defer cancel()
		c := common(&server{answer: func(n int, _ time.Time) (time.Duration, measure.Kind) {
			if n >= 200 {
				return time.Hour, measure.OK
			}
			return ms, measure.OK
		}}, 1)
		c.Timeout = 30 * time.Second
		begun := time.Now()
		r, got := open(ctx, t, drive.OpenConfig{Common: c, Stream: constant(t, 100, 10*time.Second), For: 10 * time.Second, Connections: 10})
		// 251 were due by 2.505 s; 200 were answered, ten were on their way and were stopped after the grace, the others never left.
		failed := got.Ledger.Failed
		if !r.Interrupted || r.Offered != 251 || got.Ledger.Completed != 200 || failed["timeout"] != 10 || failed["unsent"] != 41 {
			t.Errorf("got interrupted %v, %d offered, %+v, want 251 = 200 + 10 timeout + 41 unsent", r.Interrupted, r.Offered, got.Ledger)
		}
		if took := time.Since(begun); took != 2505*ms+drive.DefaultGrace || r.Took != 2505*ms {
			t.Errorf("returned after %v, took %v, want a grace of %v after 2.505s", took, r.Took, drive.DefaultGrace)
		}
	})
}

func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: always(20*ms, measure.OK)}
		r, got := open(t.Context(), t, drive.OpenConfig{
			Common: common(s, 1), Stream: func() arrival.Stream { return arrival.NewBurst(100) }, Connections: 80, MaxInFlight: 50,
		})
		if r.Connections != 50 || s.max != 50 || r.Took != 40*ms || r.Drained != 0 || r.InTime != 100 {
			t.Errorf("got %+v, %d in flight, want two rounds of 50 in 40ms", r, s.max)
		}
		if got.Response.P50.Round(ms) != 20*ms || got.Response.Max.Round(ms) != 40*ms {
			t.Errorf("got p50 %v, max %v, want 20ms, 40ms", got.Response.P50, got.Response.Max)
		}
	})
}

// TestReplay: the same seed makes the same requests at the same offsets, whatever the server does.
func TestReplay(t *testing.T) {
	mix, err := arrival.NewMix(9, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	record := func(took time.Duration, kind measure.Kind, seed uint64) (calls []call) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: always(took, kind)}
			c := common(s, 2)
			r, err := drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: poisson(t, 300, 2*time.Second, seed), Mode: mix.Mode, Connections: 1000})
			if err != nil {
				t.Fatal(err)
			}
			balanced(t, r, finish(t, c.Recorder)...)
			for _, c := range s.calls {
				calls = append(calls, call{c.mode, time.Time{}.Add(c.deadline.Sub(r.Start))})
			}
			slices.SortFunc(calls, func(a, b call) int { return cmp.Or(a.deadline.Compare(b.deadline), cmp.Compare(a.mode, b.mode)) })
		})
		return calls
	}
	fast := record(ms, measure.OK, 1)
	if slow := record(time.Second, measure.Reset, 1); !slices.Equal(fast, slow) || len(fast) < 500 {
		t.Errorf("%d and %d requests of the same seed differ", len(fast), len(slow))
	}
	if slices.Equal(fast, record(ms, measure.OK, 2)) {
		t.Error("requests of two seeds are the same")
	}
}

// TestLedgerBalances drives random loads against a server with random faults, some of them interrupted.
func TestLedgerBalances(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if rng.IntN(3) == 0 {
				time.AfterFunc(time.Duration(rng.Int64N(int64(4*time.Second))), cancel)
			}
			faults := rand.New(rand.NewPCG(seed, 1))
			s := &server{}
			s.answer = func(int, time.Time) (time.Duration, measure.Kind) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if faults.IntN(20) == 0 {
					return time.Hour, measure.OK
				}
				return time.Duration(faults.ExpFloat64() * float64(30*ms)), measure.Kind(faults.IntN(int(measure.Check) + 1))
			}
			mix, err := arrival.NewMix(seed, 3, 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			c := common(s, 3)
			c.Timeout = time.Duration(1 + rng.Int64N(int64(3*time.Second)))
			r, err := drive.Open(ctx, drive.OpenConfig{
				Common: c, Stream: poisson(t, 20+rng.Float64()*500, 3*time.Second, seed), Mode: mix.Mode,
				For: 3 * time.Second, Connections: 1 + rng.IntN(30),
			})
			if err != nil {
				t.Fatal(err)
			}
			modes := finish(t, c.Recorder)
			balanced(t, r, modes...)
			var unsent int64
			for _, m := range modes {
				unsent += m.Ledger.Failed["unsent"]
			}
			if asked := int64(len(s.calls)); asked > r.Offered || asked < r.Offered-unsent || s.open != 0 || s.inFlight != 0 {
				t.Errorf("seed %d: %d calls of %d offered, %d unsent; %d connections open", seed, asked, r.Offered, unsent, s.open)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	s := &server{}
	c := common(s, 1)
	defer finish(t, c.Recorder)
	for name, config := range map[string]drive.OpenConfig{
		"no caller":   {Common: drive.Common{Recorder: c.Recorder}, Stream: constant(t, 1, time.Second)},
		"no recorder": {Common: drive.Common{NewCaller: s.newCaller}, Stream: constant(t, 1, time.Second)},
		"no stream":   {Common: c},
	} {
		if _, err := drive.Open(t.Context(), config); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
