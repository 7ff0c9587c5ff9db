package drive_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

func TestClosedTotals(t *testing.T) {
	tests := []struct {
		name        string
		c           drive.ClosedConfig
		answer      time.Duration
		want        int64
		took        time.Duration
		connections int
	}{
		{"a burst", drive.ClosedConfig{Users: 50, Requests: 50}, 10 * ms, 50, 10 * ms, 50},
		{"rounds", drive.ClosedConfig{Users: 10, Requests: 1003}, 10 * ms, 1003, 1010 * ms, 10},
		{"fewer requests than users", drive.ClosedConfig{Users: 10, Requests: 3}, 10 * ms, 3, 10 * ms, 10},
		{"one", drive.ClosedConfig{Users: 1, Requests: 1}, 10 * ms, 1, 10 * ms, 1},
		{"by time", drive.ClosedConfig{Users: 4, For: time.Second}, 10 * ms, 400, time.Second, 4},
		{"time first", drive.ClosedConfig{Users: 4, For: time.Second, Requests: 1000}, 10 * ms, 400, time.Second, 4},
		{"requests first", drive.ClosedConfig{Users: 4, For: time.Minute, Requests: 40}, 10 * ms, 40, 100 * ms, 4},
		{"thinking", drive.ClosedConfig{Users: 5, For: time.Second, ThinkMin: 90 * ms, ThinkMax: 90 * ms}, 10 * ms, 50, time.Second, 5},
		{"a slow last answer", drive.ClosedConfig{Users: 1, For: time.Second}, 700 * ms, 2, time.Second, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: always(tt.answer, measure.OK)}
			tt.c.Common = common(s, 1)
			r, err := drive.Closed(t.Context(), tt.c)
			if err != nil {
				t.Fatal(err)
			}
			got := finish(t, tt.c.Recorder)[0]
			balanced(t, r, got)
			if got.Ledger.Completed != tt.want || r.Offered != tt.want || r.Took != tt.took || r.Connections != tt.connections {
				t.Errorf("%s: got %d requests in %v on %d connections, want %d in %v on %d",
					tt.name, got.Ledger.Completed, r.Took, r.Connections, tt.want, tt.took, tt.connections)
			}
			if s.open != 0 || s.max > tt.c.Users || got.Lag.Max > 2*time.Microsecond || got.Response.Max-got.Service.Max > ms {
				t.Errorf("%s: %d connections left, %d in flight, lag %v", tt.name, s.open, s.max, got.Lag.Max)
			}
		})
	}
}

// TestClosedFailures: a failed request counts as one of the total, and one that is never answered ends by its timeout.
func TestClosedFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := common(&server{answer: func(n int, _ time.Time) (time.Duration, measure.Kind) {
			if n%10 == 9 {
				return time.Hour, measure.OK
			}
			return ms, measure.Kind(n % 2) // ok, refused
		}}, 1)
		c.Timeout = time.Second
		r, err := drive.Closed(t.Context(), drive.ClosedConfig{Common: c, Users: 5, Requests: 100})
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)[0]
		balanced(t, r, got)
		if l := got.Ledger; l.Scheduled != 100 || l.Completed != 50 || l.Failed["refused"] != 40 || l.Failed["timeout"] != 10 || r.Sent != 60 {
			t.Errorf("got ledger %+v, %d sent, want 50 ok, 40 refused, 10 timeout, 60 sent", l, r.Sent)
		}
	})
}

// TestClosedReplay: the same seed gives each user the same think times.
func TestClosedReplay(t *testing.T) {
	dues := func(seed uint64) (dues []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: always(ms, measure.OK)}
			c := common(s, 1)
			r, err := drive.Closed(t.Context(), drive.ClosedConfig{
				Common: c, Users: 20, For: 10 * time.Second, ThinkMin: 100 * ms, ThinkMax: 500 * ms, Seed: seed,
			})
			if err != nil {
				t.Fatal(err)
			}
			finish(t, c.Recorder)
			for _, c := range s.calls {
				dues = append(dues, c.deadline.Sub(r.Start))
			}
			slices.Sort(dues)
		})
		return dues
	}
	a := dues(1)
	if !slices.Equal(a, dues(1)) {
		t.Error("think times of the same seed differ")
	}
	if slices.Equal(a, dues(2)) {
		t.Error("think times of two seeds are the same")
	}
	// 20 users, a request every 301 ms on average.
	if got, want := float64(len(a)), 20*10/0.301; math.Abs(got-want) > 0.05*want {
		t.Errorf("got %.0f requests, want about %.0f", got, want)
	}
}

func TestClosedInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1005*ms)
		defer cancel()
		s := &server{answer: func(n int, _ time.Time) (time.Duration, measure.Kind) {
			if n == 0 {
				return time.Hour, measure.OK // this user waits for an answer, the others think
			}
			return 10 * ms, measure.OK
		}}
		c := common(s, 1)
		c.Timeout = time.Hour
		r, err := drive.Closed(ctx, drive.ClosedConfig{Common: c, Users: 3, For: time.Hour, ThinkMin: 90 * ms, ThinkMax: 90 * ms})
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)[0]
		balanced(t, r, got)
		if l := got.Ledger; !r.Interrupted || l.Failed["timeout"] != 1 || l.Completed != 22 || time.Since(r.Start) != 1005*ms+drive.DefaultGrace {
			t.Errorf("got interrupted %v, ledger %+v after %v, want 22 ok, 1 timeout", r.Interrupted, l, time.Since(r.Start))
		}
	})
}

func TestClosedMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := common(&server{answer: always(10*ms, measure.OK)}, 2)
		r, err := drive.Closed(t.Context(), drive.ClosedConfig{Common: c, Users: 12, Weights: []float64{5, 1}, Requests: 120})
		if err != nil {
			t.Fatal(err)
		}
		got := finish(t, c.Recorder)
		balanced(t, r, got...)
		if a, b := got[0].Ledger.Completed, got[1].Ledger.Completed; a != 100 || b != 20 {
			t.Errorf("got %d and %d requests, want 100 and 20", a, b)
		}
	})
}

func TestAssign(t *testing.T) {
	tests := []struct {
		n       int
		weights []float64
		want    []int
	}{
		{3, nil, []int{0, 0, 0}},
		{6, []float64{5, 1}, []int{0, 0, 0, 1, 0, 0}},
		{4, []float64{1, 1}, []int{0, 1, 0, 1}},
		{3, []float64{1, 1}, []int{0, 1, 0}},
		{2, []float64{0, 3}, []int{1, 1}},
		{1, []float64{1, 5}, []int{1}},
	}
	for _, tt := range tests {
		if got := drive.Assign(tt.n, tt.weights); !slices.Equal(got, tt.want) {
			t.Errorf("%d users by %v: got %v, want %v", tt.n, tt.weights, got, tt.want)
		}
	}
	// Largest remainder: 100 users by 1:2:3 are 16.67, 33.33 and 50.
	count := make([]int, 3)
	for _, mode := range drive.Assign(100, []float64{1, 2, 3}) {
		count[mode]++
	}
	if !slices.Equal(count, []int{17, 33, 50}) {
		t.Errorf("100 users by 1:2:3: got %v, want [17 33 50]", count)
	}
}

func TestClosedRefuses(t *testing.T) {
	s := &server{}
	c := common(s, 1)
	defer finish(t, c.Recorder)
	for name, config := range map[string]drive.ClosedConfig{
		"no users":    {Common: c, Requests: 1},
		"no end":      {Common: c, Users: 1},
		"think times": {Common: c, Users: 1, Requests: 1, ThinkMin: 2, ThinkMax: 1},
		"no caller":   {Common: drive.Common{Recorder: c.Recorder}, Users: 1, Requests: 1},
	} {
		if _, err := drive.Closed(t.Context(), config); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
