package expose_test

import (
	"encoding/hex"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
	"loadlab/otel/signal"
)

const ms = time.Millisecond

func exporter() *expose.Exporter { return planned(expose.Plan{}) }

// planned returns an exporter of a run that is to do what is planned.
func planned(p expose.Plan) *expose.Exporter {
	p.Info = expose.Info{RunID: "r1", Scenario: "stampede", GitSHA: "0123456789ab", Stack: "local", Baseline: "ttl", Jaeger: "https://jaeger.example"}
	return expose.New(p, func() (exported, dropped int64) { return 7, 3 })
}

// outcome is a request that was due at due, sent lag later and done after service.
func outcome(start time.Time, kind measure.Kind, due, lag, service time.Duration) *measure.Outcome {
	sent := start.Add(due + lag)
	return &measure.Outcome{Kind: kind, Sent: sent, Done: sent.Add(service)}
}

func want(t *testing.T, s scrape, name string, want float64) {
	t.Helper()
	if got, ok := s.values[name]; !ok || math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: got %v (there: %v), want %v", name, got, ok, want)
	}
}

func TestRequests(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	e.Begin(expose.Labels{Round: 2, Name: "warm", Mode: "mix", Modes: []string{"naive", "", "ttl"}})
	start := time.Now()
	ends := []*measure.Outcome{
		outcome(start, measure.OK, 100*ms, 2*ms, 30*ms),
		outcome(start, measure.Timeout, 100*ms, 5*ms, 995*ms),
		{Kind: measure.Unsent, Done: start.Add(600 * ms)},
		outcome(start, measure.Refused, 100*ms, ms, ms),
		outcome(start, measure.Status, 100*ms, ms, ms),
		outcome(start, measure.Status, 100*ms, ms, ms),
	}
	for _, o := range ends {
		e.Scheduled(0)
		e.Record(0, 100*ms, start, o)
	}
	for range 3 {
		e.Scheduled(2)
	}
	e.Record(2, 0, start, outcome(start, measure.OK, 0, 0, ms))

	s := get(t, url)
	want(t, s, of(signal.LoadScheduled, "naive", "warm"), 6)
	want(t, s, of(signal.LoadCompleted, "naive", "warm"), 1)
	want(t, s, of(signal.LoadInFlight, "naive", "warm"), 0)
	want(t, s, of(signal.LoadInFlight, "ttl", "warm"), 2)
	kinds := map[measure.Kind]float64{measure.Timeout: 1, measure.Unsent: 1, measure.Refused: 1, measure.Status: 2, measure.Reset: 0, measure.Check: 0}
	for kind, n := range kinds {
		want(t, s, of(signal.LoadErrors, "naive", "warm", signal.LabelKind, kind.String()), n)
	}
	want(t, s, of(signal.LoadResponse+"_count", "naive", "warm"), 3)
	want(t, s, of(signal.LoadResponse+"_sum", "naive", "warm"), .032+1+.5)
	want(t, s, of(signal.LoadService+"_count", "naive", "warm"), 2)
	want(t, s, of(signal.LoadService+"_sum", "naive", "warm"), .03+.995)
	want(t, s, of(signal.LoadLag+"_count", "naive", "warm"), 3)
	want(t, s, of(signal.LoadLag+"_sum", "naive", "warm"), .002+.005+.5)
	want(t, s, of(signal.LoadService+"_bucket", "naive", "warm", "le", "0.05"), 1)
	want(t, s, of(signal.LoadLag+"_bucket", "naive", "warm", "le", "0.0025"), 1)
	for series := range s.values {
		if strings.HasPrefix(series, "loadgen_") && strings.Contains(series, signal.LabelMode+`=""`) {
			t.Errorf("a mode that takes no part has a series: %s", series)
		}
	}
	native := s.native[of(signal.LoadResponse, "naive", "warm")]
	if native.GetSchema() != 3 || len(native.GetPositiveSpan()) == 0 {
		t.Errorf("native histogram: got %v, want one of schema 3", native)
	}
	if line := of(signal.LoadResponse+"_count", "naive", "warm") + " 3\n"; !strings.Contains(text(t, url), line) {
		t.Errorf("OpenMetrics lacks %q", line)
	}
}

// TestClocksAreThoseOfTheReport feeds the same outcomes to a recorder: the same must enter the same clocks.
func TestClocksAreThoseOfTheReport(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	r := measure.NewRecorder(measure.Config{})
	start := time.Now()
	r.Start(start)
	e.Begin(expose.Labels{Name: "p", Mode: "m", Modes: []string{"m"}})
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range 2000 {
		due := time.Duration(k) * ms
		o := outcome(start, measure.Kind(rng.IntN(int(measure.Kinds))), due, time.Duration(rng.IntN(1000))*ms, time.Duration(rng.IntN(1000))*ms)
		if rng.IntN(3) == 0 && o.Kind != measure.OK {
			o.Sent = time.Time{}
		}
		r.Scheduled(0, due)
		e.Scheduled(0)
		r.Record(0, due, o)
		e.Record(0, due, start, o)
	}
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s, m := get(t, url), results[0]
	want(t, s, of(signal.LoadScheduled, "m", "p"), float64(m.Ledger.Scheduled))
	want(t, s, of(signal.LoadCompleted, "m", "p"), float64(m.Ledger.Completed))
	for kind, n := range m.Ledger.Failed {
		want(t, s, of(signal.LoadErrors, "m", "p", signal.LabelKind, kind), float64(n))
	}
	for name, clock := range map[string]struct {
		count int64
		mean  time.Duration
	}{
		signal.LoadResponse: {m.Response.Count, m.Response.Mean},
		signal.LoadService:  {m.Service.Count, m.Service.Mean},
		signal.LoadLag:      {m.Lag.Count, m.Lag.Mean},
	} {
		count := s.values[of(name+"_count", "m", "p")]
		mean := s.values[of(name+"_sum", "m", "p")] / count
		if count != float64(clock.count) || math.Abs(mean/clock.mean.Seconds()-1) > .001 {
			t.Errorf("%s: got %v of %v s on average, want %d of %v", name, count, mean, clock.count, clock.mean)
		}
	}
}

func TestPhasesComeAndGo(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	info := func(mode, phase, round string) string {
		return of(signal.LoadPhase, mode, phase, signal.LabelRunID, "r1", signal.LabelScenario, "stampede", signal.LabelRound, round)
	}
	phases := func() (n int) {
		for series := range get(t, url).values {
			if strings.Contains(series, signal.LoadPhase) {
				n++
			}
		}
		return n
	}
	e.Scheduled(0) // between phases: counted nowhere
	if n := phases(); n != 0 {
		t.Errorf("before the first phase: %d run", n)
	}
	want(t, get(t, url), key(signal.LoadLinks, signal.LabelJaeger, "https://jaeger.example"), 1)
	want(t, get(t, url), key(signal.RunInfo, signal.LabelRunID, "r1", signal.LabelScenario, "stampede", signal.LabelGitSHA, "0123456789ab",
		signal.LabelStack, "local", signal.LabelBaseline, "ttl"), 1)
	e.Begin(expose.Labels{Round: 1, Name: "warm", Mode: "ttl", Modes: []string{"ttl"}})
	e.Scheduled(0)
	e.Begin(expose.Labels{Round: 1, Name: "expiry", Mode: "mix", Modes: []string{"ttl", "swr"}})
	e.Scheduled(0)
	e.Scheduled(1)
	for _, outside := range []int{-1, 2} {
		e.Scheduled(outside)
		e.Record(outside, 0, time.Now(), &measure.Outcome{})
	}
	s := get(t, url)
	want(t, s, info("mix", "expiry", "1"), 1)
	if n := phases(); n != 1 {
		t.Errorf("%d phases run, want 1", n)
	}
	e.End()
	e.End()
	e.Scheduled(0)
	if n := phases(); n != 0 {
		t.Errorf("after the end: %d run", n)
	}
	s = get(t, url)
	for _, series := range []string{of(signal.LoadScheduled, "ttl", "warm"), of(signal.LoadScheduled, "ttl", "expiry"), of(signal.LoadScheduled, "swr", "expiry")} {
		want(t, s, series, 1)
	}
}

func TestExemplarsOfSampledRequests(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	e.Begin(expose.Labels{Name: "p", Mode: "m", Modes: []string{"m"}})
	start := time.Now()
	e.Record(0, 0, start, outcome(start, measure.OK, 0, ms, 2*ms))
	if got := get(t, url).exemplars; len(got) != 0 {
		t.Errorf("nothing was sampled: got %v", got)
	}
	o := outcome(start, measure.OK, 0, 2*ms, 40*ms)
	o.TraceID, o.Sampled = [16]byte{0x4b, 0xf9, 15: 7}, true
	e.Record(0, 0, start, o)
	trace := hex.EncodeToString(o.TraceID[:])
	s, inText := get(t, url), text(t, url)
	for _, clock := range []struct {
		name, le string
		value    float64
	}{{signal.LoadResponse, "0.05", .042}, {signal.LoadService, "0.05", .04}, {signal.LoadLag, "0.0025", .002}} {
		got := s.exemplars[of(clock.name+"_bucket", "m", "p", "le", clock.le)]
		if l := got.GetLabel(); len(l) != 1 || l[0].GetName() != signal.LogTraceID || l[0].GetValue() != trace || math.Abs(got.GetValue()-clock.value) > 1e-9 {
			t.Errorf("%s: got exemplar %v, want trace %s of %v s", clock.name, got, trace, clock.value)
		}
		if n := len(s.native[of(clock.name, "m", "p")].GetExemplars()); n != 1 {
			t.Errorf("%s: %d exemplars of the native histogram, want 1", clock.name, n)
		}
	}
	if n := strings.Count(inText, ` # {`+signal.LogTraceID+`="`+trace+`"} `); n != 3 {
		t.Errorf("%d exemplars in OpenMetrics, want one a clock", n)
	}
}

// TestConcurrently records from many goroutines while phases change and metrics are scraped: no request is lost or counted twice.
func TestConcurrently(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	const workers, requests, phases = 4, 500, 3
	start := time.Now()
	for range phases {
		e.Begin(expose.Labels{Name: "p", Mode: "mix", Modes: []string{"a", "b"}})
		var busy sync.WaitGroup
		for w := range workers {
			busy.Go(func() {
				for k := range requests {
					o := outcome(start, measure.OK, 0, 0, ms)
					o.Sampled = k%100 == 0
					e.Scheduled(w % 2)
					e.Record(w%2, 0, start, o)
				}
			})
		}
		get(t, url)
		busy.Wait()
		e.End()
	}
	s := get(t, url)
	for _, mode := range []string{"a", "b"} {
		want(t, s, of(signal.LoadCompleted, mode, "p"), phases*requests*workers/2)
		want(t, s, of(signal.LoadResponse+"_count", mode, "p"), phases*requests*workers/2)
		want(t, s, of(signal.LoadInFlight, mode, "p"), 0)
	}
}

// TestFromZero: what a mode does in a phase is there before the phase begins, and so are the spans that were passed on.
func TestFromZero(t *testing.T) {
	url, _ := serve(t, planned(expose.Plan{
		Modes: []expose.Mode{{Name: "ttl", App: "ttl"}, {Name: "cached", App: "swr"}},
		Phases: []expose.Phase{
			{Name: "warm", Modes: []string{"ttl", "cached"}, Actions: []string{"flush"}, Warmup: true}, {Name: "mixed", Modes: []string{"cached"}, Replicas: 2},
		},
	}))
	s := get(t, url)
	want(t, s, of(signal.LoadScheduled, "ttl", "warm"), 0)
	want(t, s, of(signal.LoadErrors, "cached", "warm", signal.LabelKind, "timeout"), 0)
	want(t, s, of(signal.LoadResponse+"_count", "cached", "mixed", signal.LabelReplica, "2"), 0)
	want(t, s, key(signal.LoadActions, signal.LabelPhase, "warm", signal.LabelAction, "flush"), 0)
	want(t, s, key(signal.LoadMode, signal.LabelMode, "cached", signal.LabelAppMode, "swr"), 2)
	want(t, s, key(signal.SpansExported), 7)
	want(t, s, key(signal.SpansDropped), 3)
	if _, there := s.values[of(signal.LoadScheduled, "ttl", "mixed")]; there {
		t.Error("a mode that takes no part in a phase has series there")
	}
}

// TestShortOnesAreSeen: a phase and a fault that are over before a scrape are in the next one, and in no later one.
func TestShortOnesAreSeen(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	phase := of(signal.LoadPhase, "ttl", "burst", signal.LabelScenario, "stampede", signal.LabelRound, "1")
	start := of(signal.LoadPhaseStart, "ttl", "burst", signal.LabelRound, "1")
	fault := of(signal.LoadFault, "ttl", "burst", signal.LabelRound, "1", signal.LabelFault, "redis stop")
	before := time.Now()
	e.Begin(expose.Labels{Round: 1, Name: "burst", Mode: "ttl", Modes: []string{"ttl"}})
	over := e.Fault("redis stop")
	over()
	e.End()
	e.Fault("of no phase")()
	e.Action("burst", "flush")
	s := get(t, url)
	want(t, s, phase, 1)
	want(t, s, fault, 1)
	want(t, s, key(signal.LoadActions, signal.LabelPhase, "burst", signal.LabelAction, "flush"), 1)
	if at := s.values[start]; at < float64(before.UnixMilli())/1000 || at > float64(time.Now().UnixMilli())/1000 {
		t.Errorf("it began at %v", at)
	}
	s = get(t, url)
	for _, series := range []string{phase, start, fault} {
		if _, there := s.values[series]; there {
			t.Errorf("%s is still there", series)
		}
	}
	// A fault ends with its phase, or before.
	e.Begin(expose.Labels{Round: 1, Name: "burst", Mode: "ttl", Modes: []string{"ttl"}})
	late := e.Fault("redis stop")
	want(t, get(t, url), fault, 1)
	e.End()
	late()
	if _, there := get(t, url).values[fault]; there {
		t.Error("a fault outlasts its phase")
	}
	// One that was seen is gone when it is over.
	e.Begin(expose.Labels{Round: 1, Name: "burst", Mode: "ttl", Modes: []string{"ttl"}})
	want(t, get(t, url), phase, 1)
	e.End()
	if _, there := get(t, url).values[phase]; there {
		t.Error("a phase that was seen outlasts its end")
	}
}

// TestNobodyLooks: a run without metrics has no exporter.
func TestNobodyLooks(t *testing.T) {
	var e *expose.Exporter
	e.Begin(expose.Labels{Modes: []string{"m"}})
	e.Scheduled(0)
	e.Record(0, 0, time.Now(), &measure.Outcome{})
	e.End()
}

func TestNothingAllocated(t *testing.T) {
	e := exporter()
	e.Begin(expose.Labels{Name: "p", Mode: "m", Modes: []string{"m"}})
	start := time.Now()
	o := outcome(start, measure.OK, 0, ms, 20*ms)
	record := func() {
		e.Scheduled(0)
		e.Record(0, 0, start, o)
	}
	record() // the first value of a native bucket makes it
	if n := testing.AllocsPerRun(1000, record); n != 0 {
		t.Errorf("%v allocations per request, want none", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	e := exporter()
	e.Begin(expose.Labels{Name: "p", Mode: "m", Modes: []string{"m"}})
	start := time.Now()
	o := outcome(start, measure.OK, 0, ms, 20*ms)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		o.Done = o.Sent.Add(time.Duration(i%1000) * 20 * time.Microsecond)
		e.Scheduled(0)
		e.Record(0, 0, start, o)
	}
}

// BenchmarkScrape scrapes eight modes in five phases.
func BenchmarkScrape(b *testing.B) {
	e := exporter()
	start := time.Now()
	modes := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, phase := range []string{"prime", "warm", "expiry", "burst", "mix"} {
		e.Begin(expose.Labels{Name: phase, Mode: "mix", Modes: modes})
		for k := range 8000 {
			e.Record(k%8, 0, start, outcome(start, measure.OK, 0, time.Duration(k%100)*10*time.Microsecond, time.Duration(k)*10*time.Microsecond))
		}
	}
	url, _ := serve(b, e)
	for name, accept := range map[string]string{"protobuf": protobuf, "openmetrics": openMetrics} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				body, _ := fetch(b, url, accept)
				n, err := io.Copy(io.Discard, body)
				if err != nil {
					b.Fatal(err)
				}
				body.Close()
				b.ReportMetric(float64(n), "bytes")
			}
		})
	}
}

// Requests that are spread over replicas are counted and timed by the one that took them.
func TestReplicas(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	e.Begin(expose.Labels{Name: "p", Modes: []string{"m"}, Replicas: 2})
	start := time.Now()
	for i, kind := range []measure.Kind{measure.OK, measure.OK, measure.Reset, measure.OK} {
		e.Scheduled(0)
		e.Record(0, 0, start, &measure.Outcome{Kind: kind, Sent: start, Done: start.Add(time.Millisecond), Replica: min(i, 1)})
	}
	s := get(t, url)
	want(t, s, of(signal.LoadScheduled, "m", "p"), 4)
	for replica, n := range map[string]float64{"1": 1, "2": 2} {
		want(t, s, of(signal.LoadCompleted, "m", "p", signal.LabelReplica, replica), n)
		want(t, s, of(signal.LoadResponse+"_count", "m", "p", signal.LabelReplica, replica), n)
		want(t, s, of(signal.LoadErrors, "m", "p", signal.LabelReplica, replica, signal.LabelKind, "reset"), n-1)
	}
}
