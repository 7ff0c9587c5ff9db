package shard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/shard"
)

// silence is the limit of lead.
const silence = 10 * time.Second

// lasts is a loop that sends nothing and is over after a time.
func lasts(d time.Duration) func(context.Context, time.Time) shard.Done {
	return func(ctx context.Context, at time.Time) (done shard.Done) {
		wait := time.NewTimer(time.Until(at.Add(d)))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			done.Result.Interrupted = true
		}
		done.Result.Took = time.Since(at)
		return done
	}
}

// TestCut checks that a run goes on over a cut of a worker's connection at any point, that it is counted, and that the load took no notice.
func TestCut(t *testing.T) {
	t.Parallel()
	const length = 8 * time.Second
	for name, tt := range map[string]struct {
		lives   func(worker, n int) int    // of the network
		at      func(h *hand, nw *network) // sets up what cuts worker 1
		between func(nw *network)          // the phases
		least   time.Duration              // that the cut lasts
		most    time.Duration              //
		cuts    int                        // that are counted
		slow    time.Duration              // worker 2 is, to prepare the first phase
		late    time.Duration              // the begin of the second phase, at most, after the end of the first
	}{
		"never":                     {most: 0},
		"before the handshake":      {lives: first(1, 1)},
		"in the handshake":          {lives: first(1, 900)},
		"at the greeting":           {lives: first(1, 2500)},
		"when the job has come":     {at: func(h *hand, nw *network) { h.onJoin = func() { nw.cut(1, time.Second) } }, cuts: 1, least: time.Second, most: 2 * time.Second},
		"while a phase is prepared": {at: func(h *hand, nw *network) { h.onPrepare = once(func() { nw.cut(1, 7*time.Second) }) }, cuts: 1, least: 7 * time.Second, most: 8 * time.Second},
		"when it is ready, and others are not": {
			at: func(h *hand, nw *network) {
				h.onPrepare = once(func() { time.AfterFunc(time.Second, func() { nw.cut(1, 4*time.Second) }) })
			}, slow: 3 * time.Second, cuts: 1, least: 4 * time.Second, most: 5 * time.Second,
		},
		"at the begin of a phase": {at: func(h *hand, nw *network) { h.onDrive = once(func() { nw.cut(1, 0) }) }, cuts: 1},
		"during a phase": {at: func(h *hand, nw *network) {
			h.onDrive = once(func() { time.AfterFunc(1500*time.Millisecond, func() { nw.cut(1, 4*time.Second) }) })
		}, cuts: 1, least: 4 * time.Second, most: 5 * time.Second},
		"longer than the phase": {at: func(h *hand, nw *network) { h.onDrive = once(func() { nw.cut(1, 9*time.Second) }) }, cuts: 1, least: 9 * time.Second, most: silence},
		"three times":           {at: func(h *hand, nw *network) { h.onDrive = once(func() { thrice(nw) }) }, cuts: 3, least: 500 * time.Millisecond, most: time.Second},
		"between phases":        {between: func(nw *network) { nw.cut(1, 5*time.Second) }, cuts: 1, least: 5 * time.Second, most: 6 * time.Second, late: 6 * time.Second},
		"at the last report":    {at: func(h *hand, nw *network) { h.onLast = once(func() { nw.cut(1, 4*time.Second) }) }, cuts: 1, least: 4 * time.Second, most: 5 * time.Second},
		"without a word":        {at: func(h *hand, nw *network) { h.onDrive = once(func() { nw.swallow(1, 6*time.Second) }) }, cuts: 1, least: 5 * time.Second, most: silence},
	} {
		virtually(t, name, func(t *testing.T) {
			nw := newNetwork()
			nw.lives = tt.lives
			c := lead(t, nw, 3)
			var hands []*hand
			for i := range 3 {
				hands = append(hands, start(t, c, i, over(nw, func(h *hand) {
					h.drive = lasts(length)
					if i == 1 && tt.at != nil {
						tt.at(h, nw)
					}
					if i == 2 && tt.slow > 0 {
						h.onPrepare = once(func() { <-time.NewTimer(tt.slow).C })
					}
				})))
			}
			if err := c.Join(t.Context()); err != nil {
				t.Fatal(err)
			}
			for phase := range 2 {
				before := time.Now()
				s := newSink()
				if err := c.Drive(t.Context(), json.RawMessage(`{}`), s); err != nil {
					t.Fatal(err)
				}
				for i, h := range hands {
					reports := s.reports[i]
					for second, got := range reports {
						if got != second {
							t.Errorf("phase %d, worker %d: reports of the seconds %v", phase, i, reports)
						}
					}
					if !s.done[i] || len(reports) != int(length/time.Second)+1 && len(reports) != int(length/time.Second) {
						t.Errorf("phase %d, worker %d: done %t, with reports of the seconds %v", phase, i, s.done[i], reports)
					}
					if at := h.starts[phase]; !at.Equal(s.began) {
						t.Errorf("phase %d, worker %d: begins %s off", phase, i, at.Sub(s.began))
					}
					if h.late {
						t.Errorf("phase %d, worker %d: learns of the begin when it is over", phase, i)
					}
					if took := h.took[phase]; took != length {
						t.Errorf("phase %d, worker %d: drove for %s, want %s", phase, i, took, length)
					}
				}
				if phase == 1 && s.began.Sub(before) > tt.late+time.Second {
					t.Errorf("the second phase began after %s", s.began.Sub(before))
				}
				if phase == 0 && tt.between != nil {
					tt.between(nw)
				}
			}
			c.Close()
			for i, h := range hands {
				if <-h.done; h.err != nil {
					t.Errorf("worker %d: %v", i, h.err)
				}
			}
			for _, m := range c.Members() {
				want := shard.Cuts{}
				if m.Index == 1 {
					want.N = tt.cuts
				}
				if m.Cuts.N != want.N || m.Index == 1 && (m.Cuts.Longest < tt.least || m.Cuts.Longest > tt.most) {
					t.Errorf("%s was cut off %+v, want %d times, for %s to %s", m.Name(), m.Cuts, want.N, tt.least, tt.most)
				}
			}
			if n := nw.dialled(1); tt.lives != nil && n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

// first has the first connection of a worker end after some bytes.
func first(worker, bytes int) func(int, int) int {
	return func(w, n int) int {
		if w == worker && n == 1 {
			return bytes
		}
		return 0
	}
}

// once is a function that does something the first time.
func once(do func()) func() {
	return func() {
		if do != nil {
			do()
		}
		do = nil
	}
}

func thrice(nw *network) {
	for i := range 3 {
		time.AfterFunc(time.Duration(2*i+1)*time.Second, func() { nw.cut(1, 500*time.Millisecond) })
	}
}

// counting is a worker that measures something else every second, and knows what it has measured.
type counting struct {
	simulated
	flushed map[int]int64 // by phase: requests
	phase   int
}

func (w *counting) Prepare(load json.RawMessage) (shard.Load, error) {
	w.phase++
	_, err := w.simulated.Prepare(load)
	return w, err
}

func (w *counting) Drive(ctx context.Context, at time.Time) shard.Done {
	return lasts(3*time.Second)(ctx, at)
}

func (w *counting) Flush(last bool) (measure.Delta, []shard.Seen) {
	d, seen := w.simulated.Flush(last)
	w.flushed[w.phase] = w.sent
	return d, seen
}

// TestNothingTwice checks that whatever is lost with a connection is sent again, and that nothing counts twice: with connections that end after any number of bytes, what is
// merged is what the workers have measured.
func TestNothingTwice(t *testing.T) {
	t.Parallel()
	var whole int
	virtually(t, "not cut", func(t *testing.T) { whole = nothingTwice(t, nil).carried(0) })
	const points = 12
	for i := range points {
		bytes := whole * (i + 1) / (points + 1)
		virtually(t, fmt.Sprintf("the first after %d bytes of %d", bytes, whole), func(t *testing.T) {
			if n := nothingTwice(t, first(0, bytes)).dialled(0); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
		bytes += whole / 3 // less than that, and nothing comes through but greetings
		virtually(t, fmt.Sprintf("each after %d bytes", bytes), func(t *testing.T) {
			if n := nothingTwice(t, func(_, n int) int { return bytes + 31*n }).dialled(0); n < 2 && bytes < whole {
				t.Errorf("%d connections, want more", n)
			}
		})
	}
}

func nothingTwice(t *testing.T, lives func(worker, n int) int) *network {
	t.Helper()
	const n = 2
	nw := newNetwork()
	nw.lives = lives
	c := lead(t, nw, n)
	var workers []*counting
	ended := make(chan error, n)
	for i := range n {
		w := &counting{simulated: simulated{rng: rand.New(rand.NewPCG(uint64(i), 1)), each: 40 + i}, flushed: map[int]int64{}}
		workers = append(workers, w)
		go func() {
			ended <- shard.Work(t.Context(), shard.WorkerConfig{
				Secret: []byte(secret), Dial: nw.dial(i), Identity: shard.Identity{Index: i, UID: fmt.Sprint("uid-", i), Program: program, Scenario: scenario},
			}, w)
		}()
	}
	if err := c.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	for phase := 1; phase <= 2; phase++ {
		s := &noted{merging: merging{measure.NewMerged(measure.Config{}, n)}}
		if err := c.Drive(t.Context(), json.RawMessage(`{}`), s); err != nil {
			t.Fatal(err)
		}
		results, err := s.merged.Finish()
		if err != nil {
			t.Fatal(err)
		}
		want := workers[0].flushed[phase] + workers[1].flushed[phase]
		if r := results[0]; r.Ledger.Scheduled != want || r.Response.Count != want || want < 200 {
			t.Errorf("phase %d: %d requests with %d response times, want %d", phase, r.Ledger.Scheduled, r.Response.Count, want)
		}
		for i := range n {
			for second, got := range s.seconds[i] {
				if got != second {
					t.Errorf("phase %d, worker %d: figures of the seconds %v", phase, i, s.seconds[i])
				}
			}
		}
	}
	c.Close()
	for range n {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return nw
}

// noted is a sink that merges, and notes of which seconds it is told.
type noted struct {
	merging
	seconds [2][]int
}

func (s *noted) Report(worker int, r *shard.Report) error {
	s.seconds[worker] = append(s.seconds[worker], r.Second)
	return s.merging.Report(worker, r)
}
