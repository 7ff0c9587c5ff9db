package drive_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// book is a server whose callers note which arrival each request is made for.
type book struct {
	took  time.Duration
	fails func(k int64, mode int) measure.Kind // nil: all are well

	mu    sync.Mutex // guards all below
	lines []line
}

// line is a request that a caller made.
type line struct {
	k, user int64
	mode    int
	at      time.Time
}

func (b *book) newCaller() drive.Caller { return &noting{book: b, k: -1} }

// noting is a caller that takes data.
type noting struct {
	book    *book
	k, user int64
}

func (c *noting) Draw(k, user int64) { c.k, c.user = k, user }
func (c *noting) Close() error       { return nil }

func (c *noting) Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) {
	sent := time.Now()
	c.book.mu.Lock()
	c.book.lines = append(c.book.lines, line{c.k, c.user, mode, sent})
	c.book.mu.Unlock()
	kind := measure.OK
	if c.book.fails != nil {
		kind = c.book.fails(c.k, mode)
	}
	if c.book.took > 0 {
		answered, late := time.NewTimer(c.book.took), time.NewTimer(time.Until(deadline))
		defer answered.Stop()
		defer late.Stop()
		select {
		case <-answered.C:
		case <-late.C:
			kind = measure.Timeout
		case <-ctx.Done():
			kind = measure.Reset
		}
	}
	*out = measure.Outcome{Kind: kind, Sent: sent, Done: time.Now(), Bytes: 10}
}

// of returns the requests of one arrival, in order.
func (b *book) of(k int64) []line {
	return slices.DeleteFunc(slices.Clone(b.lines), func(l line) bool { return l.k != k })
}

// visits are mode 0, whose steps are modes 1 to 3, with 20 to 40 ms of thinking.
func visits() []*drive.Session {
	return []*drive.Session{{Steps: []int{1, 2, 3}, ThinkMin: 20 * ms, ThinkMax: 40 * ms, Seed: 5}}
}

func (b *book) common(sessions []*drive.Session) drive.Common {
	modes := 1
	isSession := []bool{false}
	if sessions != nil {
		modes, isSession = 4, []bool{true}
	}
	return drive.Common{
		NewCaller: b.newCaller, NewAlarm: drive.TimerAlarm, Sessions: sessions,
		Recorder: measure.NewRecorder(measure.Config{Modes: modes, Sessions: isSession}),
	}
}

// An open load is of sessions. The first step is due by the schedule, however slow the steps before it are; every other when the one before it
// has ended and the user has thought.
func TestOpenSessions(t *testing.T) {
	run := func() (lines []line, r drive.Result, got []measure.Result) {
		synctest.Test(t, func(t *testing.T) {
			b := &book{took: 10 * ms}
			c := drive.OpenConfig{Common: b.common(visits()), Stream: constant(t, 100, time.Second), For: time.Second}
			var err error
			if r, err = drive.Open(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			got = finish(t, c.Recorder)
			for i := range b.lines {
				b.lines[i].at = time.Unix(0, int64(b.lines[i].at.Sub(r.Start)))
			}
			lines = b.lines
		})
		return lines, r, got
	}
	lines, r, got := run()
	if r.Offered != 100 || r.Sent != 100 || r.InTime != 100 || r.Took != time.Second || r.RanOut {
		t.Errorf("got %+v, want 100 sessions offered, sent, and begun in time", r)
	}
	for mode, m := range got {
		if l := m.Ledger; l.Scheduled != 100 || l.Completed != 100 {
			t.Errorf("mode %d: ledger %+v, want 100", mode, l)
		}
		if mode > 0 && (m.Response.P50 != m.Service.P50 || m.Response.Max > 11*ms || m.Lag.Max > ms) {
			t.Errorf("step %d: response %s, service %s, lag %s: it is due when its user has thought", mode, m.Response.Max, m.Service.Max, m.Lag.Max)
		}
	}
	// Three steps of 10 ms and two thinks of 20 to 40.
	if s := got[0].Response; s.P50 < 80*ms || s.P50 > 100*ms || s.Max > 111*ms || got[0].Ledger.Bytes != 3000 {
		t.Errorf("sessions took %s, at most %s, and %d bytes", s.P50, s.Max, got[0].Ledger.Bytes)
	}
	b := &book{lines: lines}
	thinks := map[time.Duration]bool{}
	for k := range int64(100) {
		steps := b.of(k)
		if len(steps) != 3 || steps[0].mode != 1 || steps[1].mode != 2 || steps[2].mode != 3 || steps[0].user != k {
			t.Fatalf("session %d made %+v", k, steps)
		}
		if at := time.Duration(steps[0].at.UnixNano()); at != time.Duration(k)*10*ms {
			t.Errorf("session %d began at %s", k, at)
		}
		for i := 1; i < 3; i++ {
			think := steps[i].at.Sub(steps[i-1].at) - 10*ms
			if thinks[think] = true; think < 20*ms || think > 40*ms {
				t.Errorf("session %d: the user thought for %s", k, think)
			}
		}
	}
	if len(thinks) < 150 {
		t.Errorf("200 thinks have %d lengths", len(thinks))
	}
	again, _, _ := run()
	slices.SortFunc(lines, earlier)
	slices.SortFunc(again, earlier)
	if !slices.Equal(lines, again) {
		t.Error("one seed, two loads")
	}
}

// earlier orders requests by their time, and then by their arrival.
func earlier(a, b line) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.k, b.k))
}

// A step that fails ends its session: the rest were never due. The session has failed as its step did.
func TestAFailedStepEndsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{took: ms, fails: func(k int64, mode int) measure.Kind {
			if k%2 == 0 && mode == 2 {
				return measure.Status
			}
			return measure.OK
		}}
		c := drive.OpenConfig{Common: b.common(visits()), Stream: constant(t, 10, time.Second), For: time.Second}
		r, err := drive.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)
		for mode, want := range []string{"10 5 map[status:5]", "10 10 map[]", "10 5 map[status:5]", "5 5 map[]"} {
			if l := got[mode].Ledger; fmt.Sprint(l.Scheduled, l.Completed, l.Failed) != want || !l.Balanced() {
				t.Errorf("mode %d: got %+v, want %s", mode, l, want)
			}
		}
		if r.Offered != 10 {
			t.Errorf("%d offered, want the 10 sessions", r.Offered)
		}
	})
}

// A session keeps its connection while its user thinks. One that waits for a connection keeps its due time.
func TestSessionsKeepTheirConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{took: 10 * ms}
		sessions := []*drive.Session{{Steps: []int{1, 2, 3}, ThinkMin: 35 * ms, ThinkMax: 35 * ms}}
		c := drive.OpenConfig{Common: b.common(sessions), Stream: burst(4), Connections: 2}
		r, err := drive.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)
		if r.Connections != 2 || r.Took != 200*ms {
			t.Errorf("%d connections for %s, want 2 for 200ms", r.Connections, r.Took)
		}
		near := func(got, want time.Duration) bool { return got > want-ms && got < want+ms }
		if !near(got[0].Response.Max, 200*ms) || !near(got[0].Service.Max, 100*ms) || !near(got[0].Lag.Max, 100*ms) || !near(got[1].Response.Max, 110*ms) || !near(got[2].Response.Max, 10*ms) {
			t.Errorf("sessions: response %s, service %s, lag %s; first steps %s, second %s", got[0].Response.Max, got[0].Service.Max, got[0].Lag.Max, got[1].Response.Max, got[2].Response.Max)
		}
	})
}

// A phase that is interrupted stops users who think: their sessions are timed out, no step is due any more, and every ledger balances.
func TestInterruptedSessions(t *testing.T) {
	for name, run := range map[string]func(context.Context, drive.Common) (drive.Result, error){
		"open": func(ctx context.Context, c drive.Common) (drive.Result, error) {
			return drive.Open(ctx, drive.OpenConfig{Common: c, Stream: burst(10), For: time.Minute})
		},
		"closed": func(ctx context.Context, c drive.Common) (drive.Result, error) {
			return drive.Closed(ctx, drive.ClosedConfig{Common: c, Users: 10, For: time.Minute})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &book{took: 10 * ms}
			c := b.common([]*drive.Session{{Steps: []int{1, 2, 3}, ThinkMin: 10 * time.Second, ThinkMax: 10 * time.Second}})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r, err := run(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			got := finish(t, c.Recorder)
			for mode, want := range []string{"10 0 map[timeout:10]", "10 10 map[]", "0 0 map[]", "0 0 map[]"} {
				if l := got[mode].Ledger; fmt.Sprint(l.Scheduled, l.Completed, l.Failed) != want || !l.Balanced() {
					t.Errorf("%s: mode %d: got %+v, want %s", name, mode, l, want)
				}
			}
			if !r.Interrupted || time.Since(r.Start) > 1100*ms {
				t.Errorf("%s: %+v after %s", name, r, time.Since(r.Start))
			}
		})
	}
}

// A user of a closed load makes one session at a time, and thinks between its steps and between sessions.
func TestClosedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{took: 10 * ms}
		sessions := []*drive.Session{{Steps: []int{1, 2, 3}, ThinkMin: 35 * ms, ThinkMax: 35 * ms}}
		c := drive.ClosedConfig{Common: b.common(sessions), Users: 2, Requests: 6, ThinkMin: 100 * ms, ThinkMax: 100 * ms}
		r, err := drive.Closed(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)
		if r.Offered != 6 || r.Took != 500*ms || got[0].Ledger.Completed != 6 || got[3].Ledger.Completed != 6 {
			t.Errorf("%d sessions in %s, ledgers %+v and %+v, want 6 in 500ms", r.Offered, r.Took, got[0].Ledger, got[3].Ledger)
		}
		for k := range int64(6) {
			if steps := b.of(k); len(steps) != 3 || steps[0].user != steps[2].user || steps[0].user > 1 {
				t.Errorf("session %d made %+v", k, steps)
			}
		}
	})
}

// Every arrival takes a row of its own: in an open load by its place in the schedule, in a closed one by the order in which users begin.
func TestArrivalsAreNumbered(t *testing.T) {
	for name, run := range map[string]func(drive.Common) (drive.Result, error){
		"open": func(c drive.Common) (drive.Result, error) {
			return drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: burst(50), Connections: 3})
		},
		"closed": func(c drive.Common) (drive.Result, error) {
			return drive.Closed(t.Context(), drive.ClosedConfig{Common: c, Users: 7, Requests: 50})
		},
	} {
		b := &book{}
		c := b.common(nil)
		if _, err := run(c); err != nil {
			t.Fatal(err)
		}
		finish(t, c.Recorder)
		var ks []int64
		for _, l := range b.lines {
			ks = append(ks, l.k)
			if open := name == "open"; open && l.user != l.k || !open && (l.user > 6 || l.k < 7 && l.user != l.k) {
				t.Errorf("%s: arrival %d is of user %d", name, l.k, l.user)
			}
		}
		slices.Sort(ks)
		for i, k := range ks {
			if k != int64(i) || len(ks) != 50 {
				t.Fatalf("%s: arrivals %v, want 0 to 49", name, ks)
			}
		}
	}
}

// A loop ends when its data does, and reports it if there were more arrivals.
func TestRowsRunOut(t *testing.T) {
	for _, tt := range []struct {
		rows, want int64
		out        bool
	}{{0, 40, false}, {100, 40, false}, {40, 40, false}, {39, 39, true}, {3, 3, true}} {
		for name, run := range map[string]func(drive.Common) (drive.Result, error){
			"open": func(c drive.Common) (drive.Result, error) {
				return drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: burst(40), Connections: 3, For: 50 * ms})
			},
			"closed": func(c drive.Common) (drive.Result, error) {
				return drive.Closed(t.Context(), drive.ClosedConfig{Common: c, Users: 5, Requests: 40})
			},
		} {
			b := &book{}
			c := b.common(nil)
			c.Rows = tt.rows
			r, err := run(c)
			if err != nil {
				t.Fatal(err)
			}
			got := finish(t, c.Recorder)[0]
			balanced(t, r, got)
			if got.Ledger.Completed != tt.want || r.RanOut != tt.out {
				t.Errorf("%s, %d rows: %d requests, ran out %t, want %d, %t", name, tt.rows, got.Ledger.Completed, r.RanOut, tt.want, tt.out)
			}
			for _, l := range b.lines {
				if tt.rows > 0 && l.k >= tt.rows {
					t.Errorf("%s, %d rows: arrival %d was made", name, tt.rows, l.k)
				}
			}
		}
	}
}
