package keep_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/result"

	"go.uber.org/goleak"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/keep"
	"loadlab/loadgen/internal/trace/otlp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var due = time.Unix(1_700_000_000, 0)

// sample makes the request of a trace that took some milliseconds.
func sample(n int, mode, phase string, ms float64) trace.Sample {
	s := trace.Sample{
		TraceID: traceID(n), Mode: mode, Phase: phase, Round: 1, Method: "GET", Path: "/x", Due: due,
		Response: time.Duration(ms * float64(time.Millisecond)), Lag: time.Millisecond, Status: 200,
	}
	s.Service = s.Response - s.Lag
	binary.BigEndian.PutUint64(s.SpanID[:], uint64(n)<<1|1)
	return s
}

// arrive lets the server's spans of a request arrive: its own, and so many queries.
func arrive(s *keep.Store, r trace.Sample, queries int) {
	server := otlp.Span{
		TraceID: r.TraceID, ID: [8]byte{0: 1, 7: 2}, Parent: r.SpanID, Name: "GET /x", Kind: "server", Service: "app",
		Start: due.UnixNano() + 1e6, End: due.UnixNano() + int64(r.Response),
	}
	for i := range queries {
		s.Add(&otlp.Span{
			TraceID: r.TraceID, ID: [8]byte{0: 2, 6: byte(i), 7: 2}, Parent: server.ID, Name: "SELECT agents", Kind: "client", Service: "app",
			Start: server.Start + int64(i), End: server.Start + int64(i) + 5, Attributes: []otlp.Attribute{
				{Name: "db.system.name", Value: "sqlite"}, {Name: "db.query.text", Value: fmt.Sprintf("SELECT * FROM agents WHERE id = %d", i)},
			},
		})
	}
	s.Add(&server)
}

func describe(traces []result.Trace) string {
	var parts []string
	for _, t := range traces {
		parts = append(parts, fmt.Sprintf("%s/%s/%s/%v", t.Mode, t.Phase, t.Why, t.Response))
	}
	return strings.Join(parts, " ")
}

func TestSlowestAndMedian(t *testing.T) {
	store := keep.NewStore(keep.Limits{}, time.Now)
	k := keep.New(keep.Config{Store: store})
	n := 0
	offer := func(mode, phase string, ms ...float64) {
		for _, x := range ms {
			n++
			s := sample(n, mode, phase, x)
			k.Offer(s)
			arrive(store, s, 2)
		}
	}
	offer("ttl", "warm", 10, 20, 30, 40, 50, 60, 70)
	offer("swr", "warm", 5, 6)
	k.End("ttl", "warm", 0)
	k.End("swr", "warm", 0)
	offer("ttl", "expiry", 100)
	k.End("ttl", "expiry", 0)
	k.End("nobody", "expiry", 0)
	const want = "ttl/warm/slowest/70ms ttl/warm/slowest/60ms ttl/warm/slowest/50ms ttl/warm/median/40ms " +
		"swr/warm/slowest/6ms swr/warm/slowest/5ms ttl/expiry/slowest/100ms"
	got := k.Assemble(t.Context())
	if describe(got) != want {
		t.Errorf("got  %s\nwant %s", describe(got), want)
	}
	for _, tr := range got {
		if tr.Problem != "" || len(tr.Spans) != 5 || tr.Spans[0].Service != trace.Service || trace.Orphans(&tr) != 0 {
			t.Errorf("%s: %d spans, %s", tr.ID, len(tr.Spans), tr.Problem)
		}
	}
}

// TestChoiceAgainstAll compares what is kept with what sorting everything would give.
func TestChoiceAgainstAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	store := keep.NewStore(keep.Limits{}, time.Now)
	k := keep.New(keep.Config{Store: store, Slowest: 5, Reservoir: 64, Seed: 1})
	var all []float64
	for round := range 3 {
		for i := range 5000 {
			ms := rng.ExpFloat64() * 10
			all = append(all, ms)
			k.Offer(sample(round*5000+i, "ttl", "warm", ms))
		}
		k.End("ttl", "warm", 0)
	}
	slices.SortFunc(all, func(a, b float64) int { return cmp.Compare(b, a) })
	if n := keep.Held(store); n != 5+3 {
		t.Errorf("%d traces are pinned, want the 5 slowest and a median of each round", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // there are no spans to wait for
	got := k.Assemble(ctx)
	if len(got) != 6 {
		t.Fatalf("kept %s", describe(got))
	}
	for i, tr := range got[:5] {
		if want := time.Duration(all[i] * float64(time.Millisecond)); tr.Response != want {
			t.Errorf("the slowest but %d took %v, want %v", i, tr.Response, want)
		}
	}
	median := float64(got[5].Response) / float64(time.Millisecond)
	if at, _ := slices.BinarySearchFunc(all, median, func(a, b float64) int { return cmp.Compare(b, a) }); at < 5000 || at > 10_000 {
		t.Errorf("the median is the slowest but %d of %d", at, len(all))
	}
}

func TestTheCallersMedianIsUsed(t *testing.T) {
	store := keep.NewStore(keep.Limits{}, time.Now)
	k := keep.New(keep.Config{Store: store, Slowest: 1})
	for i, ms := range []float64{10, 20, 30, 40, 50} { // only slow requests were sampled
		k.Offer(sample(i+1, "ttl", "warm", ms))
	}
	k.End("ttl", "warm", 12*time.Millisecond)
	if got := k.Wanted(); !slices.Equal(got, []keep.ID{traceID(5), traceID(1)}) {
		t.Errorf("kept %v", got)
	}
}

func TestAssembleWaitsForWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := keep.NewStore(keep.Limits{}, time.Now)
		k := keep.New(keep.Config{Store: store})
		s := sample(1, "naive", "warm", 40)
		s.Timed, s.SQL = true, 62
		k.Offer(s)
		k.End("naive", "warm", 0)
		go func() {
			arrive(store, s, 10)
			time.Sleep(500 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
			for i := range 52 {
				store.Add(&otlp.Span{
					TraceID: s.TraceID, ID: [8]byte{0: 3, 6: byte(i)}, Parent: [8]byte{0: 1, 7: 2}, Name: "SELECT offices",
					Attributes: []otlp.Attribute{{Name: "db.system.name", Value: "sqlite"}},
				})
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		got := k.Assemble(ctx)
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("it waited %v", took)
		}
		if got[0].Problem != "" || len(got[0].Spans) != 65 {
			t.Errorf("%d spans: %s", len(got[0].Spans), got[0].Problem)
		}
	})
}

func TestAssembleSaysWhatDidNotArrive(t *testing.T) {
	for _, test := range []struct {
		name    string
		arrives func(store *keep.Store, s trace.Sample)
		want    string
	}{
		{"nothing", func(*keep.Store, trace.Sample) {}, "no span of the server arrived"},
		{"queries are missing", func(store *keep.Store, s trace.Sample) { arrive(store, s, 60) }, "60 of 62 queries have a span"},
		{"a parent is missing", func(store *keep.Store, s trace.Sample) {
			arrive(store, s, 62)
			store.Add(&otlp.Span{TraceID: s.TraceID, ID: [8]byte{9}, Parent: [8]byte{8}})
		}, "the parent of 1 of 66 spans did not arrive"},
		{"no room", func(store *keep.Store, s trace.Sample) {
			arrive(store, s, 62)
			for i := range 50 {
				store.Add(&otlp.Span{TraceID: s.TraceID, ID: [8]byte{9, byte(i)}, Parent: [8]byte{0: 1, 7: 2}})
			}
		}, "13 spans are left out, for lack of room"},
		{"all is there", func(store *keep.Store, s trace.Sample) { arrive(store, s, 70) }, ""}, // background work is in the trace too
	} {
		synctest.Test(t, func(t *testing.T) {
			store := keep.NewStore(keep.Limits{SpansPerTrace: 100}, time.Now)
			k := keep.New(keep.Config{Store: store})
			s := sample(1, "naive", "warm", 40)
			s.Timed, s.SQL = true, 62
			k.Offer(s)
			test.arrives(store, s)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			got := k.Assemble(ctx)
			if got[0].Problem != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got[0].Problem, test.want)
			}
			if waited := time.Since(start); (waited == time.Second) != (test.want != "") {
				t.Errorf("%s: waited %v", test.name, waited)
			}
		})
	}
}

func TestNobodyWaitsForAFailedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep.New(keep.Config{Store: keep.NewStore(keep.Limits{}, time.Now)})
		s := sample(1, "ttl", "warm", 40)
		s.Failed, s.Status = "refused", 0
		k.Offer(s)
		start := time.Now()
		got := k.Assemble(t.Context())
		if time.Since(start) != 0 || got[0].Failed != "refused" || !got[0].Spans[0].Failed {
			t.Errorf("after %v: %+v", time.Since(start), got[0])
		}
	})
}

func TestWhatAKeptRequestWaitedForIsKeptToo(t *testing.T) {
	store := keep.NewStore(keep.Limits{Traces: 8}, time.Now)
	k := keep.New(keep.Config{Store: store, Slowest: 1})
	leader, waiter := sample(1, "singleflight", "expiry", 30), sample(2, "singleflight", "expiry", 40)
	for i := range 20 { // the leader is neither the slowest nor the median
		k.Offer(sample(100+i, "singleflight", "expiry", 1))
	}
	k.End("singleflight", "expiry", time.Millisecond)
	k.Offer(leader)
	arrive(store, leader, 5)
	k.Offer(waiter)
	arrive(store, waiter, 0)
	store.Add(&otlp.Span{
		TraceID: waiter.TraceID, ID: [8]byte{5}, Parent: [8]byte{0: 1, 7: 2}, Name: "cache get",
		Links:  []otlp.Link{{TraceID: leader.TraceID, SpanID: [8]byte{1}}},
		Events: []otlp.Event{{At: waiter.Due.UnixNano() + 9, Name: "waited", Attributes: []otlp.Attribute{{Name: "lab.cache.reason", Value: "for it"}}}},
	})
	store.Add(&otlp.Span{ // a refresh that the waiter caused, a trace of its own
		TraceID: traceID(3), ID: [8]byte{6}, Name: "cache refresh", Start: due.UnixNano() + 7, End: due.UnixNano() + 9,
		Links: []otlp.Link{{TraceID: waiter.TraceID, SpanID: [8]byte{5}}},
	})
	k.End("singleflight", "expiry", time.Millisecond)
	for i := range 100 {
		put(store, 1000+i, 1, 0)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := k.Assemble(ctx)
	const want = "singleflight/expiry/slowest/40ms singleflight/expiry/median/1ms singleflight/expiry/linked/30ms singleflight/expiry/linked/0s"
	if describe(got) != want {
		t.Fatalf("got  %s\nwant %s", describe(got), want)
	}
	wait := slices.IndexFunc(got[0].Spans, func(s result.Span) bool { return s.Name == "cache get" })
	if links := got[0].Spans[wait].Links; len(links) != 1 || links[0].TraceID != got[2].ID {
		t.Errorf("the waiter's link is lost: %+v", got[0].Spans)
	}
	events := []result.Event{{At: 9, Name: "waited", Attributes: map[string]string{"lab.cache.reason": "for it"}}}
	if !reflect.DeepEqual(got[0].Spans[wait].Events, events) {
		t.Errorf("got events %+v, want %+v", got[0].Spans[wait].Events, events)
	}
	if refresh := got[3]; len(refresh.Spans) != 1 || refresh.Spans[0].Start != 0 || !refresh.Due.Equal(due.Add(7)) || refresh.Problem != "" {
		t.Errorf("the refresh: %+v", refresh)
	}
}

func TestKeeperIsSafeForConcurrentUse(t *testing.T) {
	store := keep.NewStore(keep.Limits{Traces: 100, Spans: 2000}, time.Now)
	k := keep.New(keep.Config{Store: store})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				s := sample(g*10_000+i, "ttl", "warm", float64(i%97))
				arrive(store, s, 3)
				k.Offer(s)
				if i%500 == 0 {
					k.End("ttl", "warm", 0)
					k.Wanted()
				}
			}
		})
	}
	wg.Wait()
	k.End("ttl", "warm", 0)
	got := k.Assemble(t.Context())
	if _, spans := keep.Size(store); len(got) != 4 || spans > 2000 {
		t.Errorf("kept %s, %d spans", describe(got), spans)
	}
	for _, tr := range got {
		if tr.Problem != "" || len(tr.Spans) != 6 {
			t.Errorf("%d spans, %s", len(tr.Spans), tr.Problem)
		}
	}
}

func BenchmarkOffer(b *testing.B) {
	k := keep.New(keep.Config{Store: keep.NewStore(keep.Limits{}, time.Now)})
	s := sample(0, "ttl", "warm", 1)
	rng := rand.New(rand.NewPCG(1, 1))
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		binary.BigEndian.PutUint64(s.TraceID[:], n)
		s.Response = time.Duration(rng.Int64N(1e9))
		k.Offer(s)
	}
}
