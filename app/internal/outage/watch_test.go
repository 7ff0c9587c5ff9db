package outage_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("connection refused")

// patient is a dependency, and the watch of it.
type patient struct {
	*outage.Watch
	book    *outage.Book
	metrics *prometheus.Registry
	log     testkit.Log
	down    atomic.Bool
	hangs   atomic.Bool // a ping does not fail at once, but takes all its time
	pings   atomic.Int64
}

func watch(t *testing.T, cfg outage.Config, failures int) *patient {
	p := &patient{metrics: prometheus.NewRegistry()}
	p.book = outage.NewBook(p.metrics)
	cfg.Dependency, cfg.Log = api.DependencyRedis, slog.New(slog.NewTextHandler(&p.log, nil))
	cfg.Timeout = func() time.Duration { return 250 * time.Millisecond }
	cfg.Ping = func(ctx context.Context) error {
		p.pings.Add(1)
		if p.hangs.Load() {
			<-ctx.Done()
		}
		if p.down.Load() {
			return errRefused
		}
		return ctx.Err()
	}
	p.Watch = p.book.Watch(cfg)
	p.SetFailures(failures)
	t.Cleanup(p.Close)
	return p
}

// call makes a call, and reports whether it was allowed.
func (p *patient) call(r outage.Result) bool {
	c, ok := p.Begin(time.Now())
	if ok {
		p.End(c, r, errRefused)
	}
	return ok
}

// pass lets time pass in a bubble of synctest.
func pass(d time.Duration) { <-time.NewTimer(d).C }

func (p *patient) lines() int { return strings.Count(p.log.String(), "\n") }

func TestTheBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 3)
		p.down.Store(true)
		// Neither a row that is broken, nor what is no failure, opens it.
		for _, r := range []outage.Result{outage.Failed, outage.Failed, outage.Answered, outage.Failed, outage.Unknown, outage.Failed} {
			if !p.call(r) || p.Down() {
				t.Fatalf("after %d: it is open", r)
			}
		}
		if p.pings.Load() != 0 || p.lines() != 0 {
			t.Errorf("closed, it has sent %d pings and logged %s", p.pings.Load(), &p.log)
		}
		began := time.Now()
		p.call(outage.Failed)
		for range 10 {
			if p.call(outage.Answered) || !p.Down() {
				t.Error("a call was allowed while it is open")
			}
		}
		pass(10 * time.Second)
		if n := p.pings.Load(); n < 10*5 || n > 10*10+1 {
			t.Errorf("%d pings in 10 s, want one every 100 to 200 ms", n)
		}
		p.down.Store(false)
		back := time.Now()
		for p.Down() {
			pass(time.Millisecond)
		}
		if took := time.Since(back); took > 200*time.Millisecond {
			t.Errorf("closed %s after it was back, want 200ms at most", took)
		}
		list := p.book.Outages().Outages
		if len(list) != 1 || list[0].Failed != 3 || list[0].Skipped != 10 || list[0].Probes != p.pings.Load()-1 || list[0].Attempts != list[0].Probes+3 ||
			!list[0].Began.Equal(began) || list[0].Ongoing() {
			t.Errorf("got %+v after %d pings", list, p.pings.Load())
		}
		if !p.call(outage.Answered) {
			t.Error("closed, it allows no call")
		}
		log := p.log.String()
		if p.lines() != 2 || !strings.Contains(log, "level=WARN msg=\"outage began\" dependency=redis failed=3") ||
			!strings.Contains(log, "level=INFO msg=\"outage ended\" dependency=redis lasted=10.") || !strings.Contains(log, "skipped=10") {
			t.Errorf("got the log\n%s", log)
		}
	})
}

// A call that was under way when an outage ended is no failure of what came back.
func TestLateFailuresOpenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 2)
		late, _ := p.Begin(time.Now())
		p.down.Store(true)
		p.call(outage.Failed)
		p.call(outage.Failed)
		p.down.Store(false)
		pass(time.Second)
		if p.Down() {
			t.Fatal("it has not closed")
		}
		for range 5 {
			p.End(late, outage.Failed, errRefused)
		}
		if p.Down() || !p.call(outage.Answered) {
			t.Error("late failures opened it")
		}
	})
}

// With the breaker off, nothing is spared, outages are counted all the same, and a call that is answered ends one.
func TestWithoutABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 0)
		p.down.Store(true)
		for range 5 {
			if !p.call(outage.Failed) {
				t.Error("a call was spared")
			}
		}
		if !p.Down() || p.book.Outages().Outages[0].Failed != 5 {
			t.Errorf("got %+v", p.book.Outages())
		}
		p.call(outage.Answered)
		if p.Down() || p.book.Outages().Outages[0].Ongoing() {
			t.Error("a call was answered, and the outage lasts")
		}
		p.call(outage.Failed)
		p.call(outage.Failed)
		p.call(outage.Failed)
		p.SetFailures(3)
		if p.call(outage.Answered) {
			t.Error("turned on during an outage, it spares nothing")
		}
		p.SetFailures(0)
		if !p.call(outage.Answered) || p.Down() {
			t.Error("turned off during an outage, it spares calls")
		}
	})
}

// A hanging dependency is asked one question at a time, and the answer to it ends the outage.
func TestPingsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 1)
		p.hangs.Store(true)
		p.call(outage.Failed)
		pass(10 * time.Second)
		if n := p.pings.Load(); n < 20 || n > 30 {
			t.Errorf("%d pings of 250 ms in 10 s", n)
		}
		p.hangs.Store(false)
		pass(450 * time.Millisecond)
		if p.Down() {
			t.Error("it has not closed 450 ms after the dependency was back")
		}
	})
}

// A database may fail a call and be well: only a ping that fails too makes it an outage.
func TestSuspicions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{Confirm: true}, 0)
		for range 100 {
			p.call(outage.Failed)
			synctest.Wait()
		}
		if p.Down() || len(p.book.Outages().Outages) != 0 || p.lines() != 1 {
			t.Errorf("it answers pings: got %+v and the log\n%s", p.book.Outages(), &p.log)
		}
		pass(time.Minute)
		p.call(outage.Failed)
		synctest.Wait()
		if !strings.Contains(p.log.String(), "failed=100") || p.lines() != 2 {
			t.Errorf("got the log\n%s", &p.log)
		}
		p.down.Store(true)
		p.call(outage.Failed)
		p.call(outage.Failed)
		synctest.Wait()
		if got := p.book.Outages().Outages; !p.Down() || len(got) != 1 || got[0].Failed != 2 {
			t.Errorf("it answers no ping: got %+v", got)
		}
		p.down.Store(false)
		pass(time.Second)
		if p.Down() || p.lines() != 4 {
			t.Errorf("got the log\n%s", &p.log)
		}
	})
}

func TestCloseEndsTheProbing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 1)
		p.hangs.Store(true)
		p.call(outage.Failed)
		synctest.Wait()
		p.Close()
		if list := p.book.Outages().Outages; len(list) != 1 || !list[0].Ongoing() || list[0].Probes != 0 {
			t.Errorf("got %+v, want one that lasts", list)
		}
		q := watch(t, outage.Config{}, 1)
		q.Close()
		q.call(outage.Failed)
		if q.Down() || q.pings.Load() != 0 {
			t.Error("an outage began after Close")
		}
	})
}

// However many outages there are, the list is bounded, and it has the last.
func TestTheListIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 1)
		const n = 300
		for range n {
			p.down.Store(true)
			p.call(outage.Failed)
			synctest.Wait()
			p.down.Store(false)
			pass(time.Second)
		}
		got := p.book.Outages()
		if len(got.Outages) >= n || got.Dropped != int64(n-len(got.Outages)) || got.Outages[len(got.Outages)-1].Lasted(time.Now()) > time.Second {
			t.Errorf("got %d outages and %d dropped", len(got.Outages), got.Dropped)
		}
	})
}

// The hammer: whatever the calls of many goroutines do, at the end it is closed, and the counts add up.
func TestConcurrentCalls(t *testing.T) {
	p := watch(t, outage.Config{}, 3)
	var failed, skipped atomic.Int64
	done := make(chan struct{})
	for g := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 2000 {
				p.down.Store((i/100+g)%7 == 0)
				c, ok := p.Begin(time.Now())
				if !ok {
					skipped.Add(1)
					continue
				}
				if r := outage.Result((i / 10) % 2); r == outage.Failed {
					failed.Add(1)
					p.End(c, r, errRefused)
				} else {
					p.End(c, r, nil)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	p.down.Store(false)
	testkit.Eventually(t, "it is closed", func() bool { return !p.Down() })
	var sum api.Outage
	for _, o := range p.book.Outages().Outages {
		sum.Failed += o.Failed
		sum.Skipped += o.Skipped
	}
	if sum.Skipped != skipped.Load() || sum.Failed > failed.Load() {
		t.Errorf("the outages have %d failed and %d skipped calls, there were %d and %d", sum.Failed, sum.Skipped, failed.Load(), skipped.Load())
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, outage.Config{}, 2)
		expect := func(active, outages, seconds, attempts, skipped, closed string) {
			t.Helper()
			want := strings.NewReader(`
# HELP lab_breaker_skipped_calls_total Calls that were not made because the breaker was open.
# TYPE lab_breaker_skipped_calls_total counter
lab_breaker_skipped_calls_total{dependency="redis"} ` + skipped + `
# HELP lab_breaker_state State of the dependency's breaker: 0 closed or off, 1 open.
# TYPE lab_breaker_state gauge
lab_breaker_state{dependency="redis"} ` + active + `
# HELP lab_breaker_transitions_total Times the dependency's breaker, or its watch if that is off, changed to a state.
# TYPE lab_breaker_transitions_total counter
lab_breaker_transitions_total{dependency="redis",state="closed"} ` + closed + `
lab_breaker_transitions_total{dependency="redis",state="open"} ` + outages + `
# HELP lab_outage_active 1 while the dependency does not answer, else 0.
# TYPE lab_outage_active gauge
lab_outage_active{dependency="redis"} ` + active + `
# HELP lab_outage_attempts_total Calls and probes that were sent to the dependency in vain during outages.
# TYPE lab_outage_attempts_total counter
lab_outage_attempts_total{dependency="redis"} ` + attempts + `
# HELP lab_outage_seconds_total Time for which the dependency has not answered.
# TYPE lab_outage_seconds_total counter
lab_outage_seconds_total{dependency="redis"} ` + seconds + `
# HELP lab_outages_total Outages of the dependency that have begun.
# TYPE lab_outages_total counter
lab_outages_total{dependency="redis"} ` + outages + `
`)
			if err := testutil.GatherAndCompare(p.metrics, want); err != nil {
				t.Error(err)
			}
		}
		expect("0", "0", "0", "0", "0", "0")
		p.down.Store(true)
		p.call(outage.Failed)
		p.call(outage.Failed)
		p.call(outage.Failed)
		pass(50 * time.Millisecond)
		expect("1", "1", "0.05", "3", "1", "0") // two calls and the first ping
		p.down.Store(false)
		pass(time.Second)
		expect("0", "1", "0.1", "3", "1", "1")
		if problems, err := testutil.GatherAndLint(p.metrics); err != nil || len(problems) > 0 {
			t.Errorf("promlint: %v, %v", problems, err)
		}
	})
}

// BenchmarkClosed is what a closed breaker adds to a call.
func BenchmarkClosed(b *testing.B) {
	w := outage.NewBook(nil).Watch(outage.Config{Dependency: api.DependencyRedis})
	w.SetFailures(3)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		c, _ := w.Begin(now)
		w.End(c, outage.Answered, nil)
	}
}
