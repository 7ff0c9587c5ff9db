package measure_test

import (
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// outcome is a request that was due at due, sent lag later and done after service.
func outcome(start time.Time, kind measure.Kind, due, lag, service time.Duration) *measure.Outcome {
	sent := start.Add(due + lag)
	return &measure.Outcome{Kind: kind, Sent: sent, Done: sent.Add(service)}
}

func finish(t testing.TB, r *measure.Recorder) []measure.Result {
	t.Helper()
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func near(got, want time.Duration) bool {
	return float64((got - want).Abs()) <= 0.001*float64(want)+float64(time.Microsecond)
}

func TestThreeClocks(t *testing.T) {
	start := time.Now()
	never := &measure.Outcome{Kind: measure.Unsent, Done: start.Add(3 * time.Second)}
	tests := []struct {
		name                   string
		due                    time.Duration
		o                      *measure.Outcome
		response, service, lag time.Duration // 0: nothing recorded
	}{
		{"ok", 100 * ms, outcome(start, measure.OK, 100*ms, 2*ms, 30*ms), 32 * ms, 30 * ms, 2 * ms},
		{"timeout is a lower bound", 0, outcome(start, measure.Timeout, 0, 5*ms, 995*ms), 1000 * ms, 995 * ms, 5 * ms},
		{"unsent is a lower bound", 1000 * ms, never, 2000 * ms, 0, 2000 * ms},
		{"refused says nothing of latency", 0, outcome(start, measure.Refused, 0, ms, ms), 0, 0, 0},
		{"nor does a bad status", 0, outcome(start, measure.Status, 0, ms, ms), 0, 0, 0},
	}
	for _, tt := range tests {
		r := measure.NewRecorder(measure.Config{})
		r.Start(start)
		r.Scheduled(0, tt.due)
		r.Record(0, tt.due, tt.o)
		got := finish(t, r)[0]
		for _, c := range []struct {
			clock string
			got   result.Summary
			want  time.Duration
		}{{"response", got.Response, tt.response}, {"service", got.Service, tt.service}, {"lag", got.Lag, tt.lag}} {
			if n := int64(min(c.want, 1)); c.got.Count != n || !near(c.got.P50, c.want) {
				t.Errorf("%s: %s: got %d values, p50 %v, want %d, %v", tt.name, c.clock, c.got.Count, c.got.P50, n, c.want)
			}
		}
		if !got.Ledger.Balanced() {
			t.Errorf("%s: ledger %+v does not balance", tt.name, got.Ledger)
		}
	}
}

func TestLedgerAndServer(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{Modes: 2})
	r.Start(start)
	for i := range 10 {
		due := time.Duration(i) * 100 * ms
		kind := []measure.Kind{measure.OK, measure.OK, measure.Status, measure.OK, measure.Reset}[i%5]
		o := outcome(start, kind, due, ms, 10*ms)
		o.Bytes = 1000
		if kind == measure.OK {
			o.Timed, o.Cache = true, api.CacheHit
			o.Timing = api.Timing{SQL: 2, SQLTime: 3 * ms, Redis: 1, RedisTime: ms, Wait: 2 * ms, Total: time.Duration(10+i) * ms}
			if i >= 3 {
				o.Stored, o.Cache = true, api.CacheMiss
			}
		}
		r.Scheduled(1, due)
		r.Record(1, due, o)
	}
	live := r.Snapshot()
	got := finish(t, r)
	wantLedger := result.Ledger{Scheduled: 10, Completed: 6, Failed: map[string]int64{"status": 2, "reset": 2}, Bytes: 10_000}
	if diff := cmp.Diff(wantLedger, got[1].Ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	wantServer := result.Server{
		Timed: 6, SQL: 12, SQLTime: 18 * ms, Redis: 6, RedisTime: 6 * ms, Wait: 12 * ms, Total: (10 + 11 + 13 + 15 + 16 + 18) * ms,
		MinMiss: 13 * ms, Cache: map[string]int64{"hit": 2, "miss": 4},
	}
	if diff := cmp.Diff(wantServer, got[1].Server); diff != "" {
		t.Errorf("server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(result.Ledger{}, got[0].Ledger); diff != "" || len(got[0].Seconds) != 0 {
		t.Errorf("the idle mode has a ledger or seconds:\n%s", diff)
	}
	if live.All.Scheduled != 10 || live.All.Ended != 10 || live.All.Failed != 4 || live.Modes[1].Bytes != 10_000 || !near(live.All.P95, 11*ms) {
		t.Errorf("live: got %+v", live)
	}
}

// TestRevalidationIsCounted: of conditional requests, and of nothing else.
func TestRevalidationIsCounted(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{Modes: 2})
	r.Start(start)
	for i := range 10 {
		due := time.Duration(i) * ms
		o := outcome(start, measure.OK, due, 0, ms)
		o.Conditional, o.NotModified = i > 0, i > 3
		if o.NotModified {
			o.Saved = 100
		}
		for mode := range 2 {
			r.Scheduled(mode, due)
			r.Record(mode, due, o)
			o.Conditional, o.NotModified, o.Saved = false, false, 0
		}
	}
	got := finish(t, r)
	if diff := cmp.Diff(&result.Revalidation{Asked: 9, NotModified: 6, Saved: 600}, got[0].Asked); diff != "" || got[1].Asked != nil {
		t.Errorf("got %+v of the mode that is not conditional, and (-want +got):\n%s", got[1].Asked, diff)
	}
}

// merged is the response times of all seconds.
func merged(t testing.TB, res measure.Result) *hist.Histogram {
	t.Helper()
	var all []string
	for _, s := range res.Seconds {
		all = append(all, s.Response)
	}
	h, err := hist.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestSecondsAddUp records requests that end in any order, seconds late, and finds all of them again in the seconds they were due in.
func TestSecondsAddUp(t *testing.T) {
	start := time.Now()
	rng := rand.New(rand.NewPCG(1, 1))
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	perSecond := map[int]int64{}
	var late []time.Duration
	for k := range 6000 {
		due := time.Duration(k) * 5 * ms
		r.Scheduled(0, due)
		perSecond[k/200]++
		if rng.IntN(10) == 0 {
			late = append(late, due)
		} else {
			r.Record(0, due, outcome(start, measure.OK, due, ms, 10*ms))
		}
		if len(late) > 300 {
			i := rng.IntN(len(late))
			r.Record(0, late[i], outcome(start, measure.OK, late[i], ms, 5*time.Second))
			late = append(late[:i], late[i+1:]...)
		}
	}
	for _, due := range late {
		r.Record(0, due, outcome(start, measure.OK, due, ms, 5*time.Second))
	}
	got := finish(t, r)[0]
	if h := merged(t, got); h.Count() != 6000 || got.Response.Count != 6000 || h.Quantile(0.99) != got.Response.P99 || h.Mean() != got.Response.Mean {
		t.Errorf("seconds hold %d values with p99 %v, the summary %d with %v", h.Count(), h.Quantile(0.99), got.Response.Count, got.Response.P99)
	}
	if len(got.Seconds) != 35 {
		t.Fatalf("got %d seconds, want 30, and 5 in which late responses came", len(got.Seconds))
	}
	var done int64
	for i, s := range got.Seconds {
		h, err := hist.Decode(s.Response)
		if err != nil {
			t.Fatal(err)
		}
		if s.At != i || h.Count() != perSecond[i] || s.Scheduled != perSecond[i] || s.Failed != 0 {
			t.Errorf("second %d: got at %d with %d values of %d scheduled, want %d", i, s.At, h.Count(), s.Scheduled, perSecond[i])
		}
		done += s.Done
	}
	if done != 6000 || got.Seconds[34].Done == 0 {
		t.Errorf("got %d done, want 6000, some of them in the last second: %+v", done, got.Seconds[34])
	}
}

// TestSecondReopened: a user of a closed loop that comes due long after its second was closed.
func TestSecondReopened(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	for _, due := range []time.Duration{0, time.Second, 10 * time.Second, 500 * ms, 11 * time.Second} {
		r.Scheduled(0, due)
		r.Record(0, due, outcome(start, measure.OK, due, ms, ms))
	}
	got := finish(t, r)[0]
	var ats []int
	for _, s := range got.Seconds {
		ats = append(ats, s.At)
	}
	if diff := cmp.Diff([]int{0, 1, 10, 11}, ats); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
	if h, err := hist.Decode(got.Seconds[0].Response); err != nil || h.Count() != 2 {
		t.Errorf("first second: got %v, %v, want 2 values", h, err)
	}
}

func TestMaxSeconds(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{MaxSeconds: 8})
	r.Start(start)
	const n = 100
	for k := range n {
		due := time.Duration(k) * time.Second
		r.Scheduled(0, due)
		r.Record(0, due, outcome(start, measure.OK, due, ms, time.Duration(k+1)*ms))
	}
	got := finish(t, r)[0]
	if len(got.Seconds) != 8 || merged(t, got).Count() != n {
		t.Errorf("got %d seconds with %d values, want 8 with %d", len(got.Seconds), merged(t, got).Count(), n)
	}
	if last := got.Seconds[7]; last.At != n-1 {
		t.Errorf("the latest second was joined: it begins at %d", last.At)
	}
	for i := 1; i < len(got.Seconds); i++ {
		if got.Seconds[i].At <= got.Seconds[i-1].At {
			t.Errorf("seconds out of order: %d after %d", got.Seconds[i].At, got.Seconds[i-1].At)
		}
	}
}

func TestClampedIsCounted(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	r.Scheduled(0, 0)
	r.Record(0, 0, outcome(start, measure.OK, 0, ms, 2*time.Minute))
	if got := finish(t, r)[0]; got.Clamped != 2 || !near(got.Response.Max, time.Minute) {
		t.Errorf("got %d clamped, max %v, want 2 (response and service), 1m", got.Clamped, got.Response.Max)
	}
}

func TestConcurrentUse(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{Modes: 3, Oracles: []*measure.Oracle{{}}})
	r.Start(start)
	var wg sync.WaitGroup
	const workers, each = 8, 3000
	var next atomic.Int64 // users keep pace with each other, as they do in time
	for w := range workers {
		wg.Go(func() {
			for k := range each {
				due := time.Duration(next.Add(1)) * ms
				r.Scheduled(w%3, due)
				o := outcome(start, measure.OK, due, ms, ms)
				o.Version = 1
				r.Record(w%3, due, o)
				if k%1000 == 0 {
					r.Snapshot()
				}
			}
		})
	}
	wg.Wait()
	var n, values int64
	for _, res := range finish(t, r) {
		if !res.Ledger.Balanced() {
			t.Errorf("ledger %+v does not balance", res.Ledger)
		}
		n += res.Ledger.Completed
		values += merged(t, res).Count()
	}
	if n != workers*each || values != n {
		t.Errorf("got %d requests, %d values, want %d of both", n, values, workers*each)
	}
}

// TestStatuses: responses are counted by status code, whatever became of them; a request without a response is in no count.
func TestStatuses(t *testing.T) {
	r := measure.NewRecorder(measure.Config{})
	start := time.Now()
	r.Start(start)
	for i, o := range []measure.Outcome{
		{Kind: measure.OK, Status: 200}, {Kind: measure.OK, Status: 200}, {Kind: measure.Status, Status: 404}, {Kind: measure.Truncated, Status: 200},
		{Kind: measure.Refused}, {Kind: measure.Status, Status: 999},
	} {
		due := time.Duration(i) * time.Millisecond
		o.Sent, o.Done = start.Add(due), start.Add(due+time.Millisecond)
		r.Scheduled(0, due)
		r.Record(0, due, &o)
	}
	if got, want := finish(t, r)[0].Statuses, map[int]int64{200: 3, 404: 1, 999: 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Sessions are in no sum over modes, and nobody observes them: their requests are.
func TestSessionsAreNoRequests(t *testing.T) {
	seen := &watch{}
	r := measure.NewRecorder(measure.Config{Modes: 2, Sessions: []bool{true}, Observer: seen})
	start := time.Now()
	r.Start(start)
	for mode, took := range []time.Duration{time.Second, 10 * time.Millisecond} {
		r.Scheduled(mode, 0)
		r.Record(mode, 0, &measure.Outcome{Sent: start, Done: start.Add(took)})
	}
	s := r.Snapshot()
	if s.All.Scheduled != 1 || s.All.Ended != 1 || s.All.P99 > 11*time.Millisecond || s.Modes[0].Ended != 1 || s.Modes[0].P99 < 900*time.Millisecond {
		t.Errorf("got %+v", s)
	}
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Ledger.Completed != 1 || results[1].Ledger.Completed != 1 || seen.scheduled != 1 || seen.recorded != 1 {
		t.Errorf("ledgers %+v and %+v, observed %+v", results[0].Ledger, results[1].Ledger, seen)
	}
}

// watch counts what it observes, of mode 1 alone.
type watch struct{ scheduled, recorded int }

func (w *watch) Scheduled(mode int) { w.scheduled += mode }

func (w *watch) Record(mode int, _ time.Duration, _ time.Time, _ *measure.Outcome) {
	w.recorded += mode
}
