package keep_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/loadgen/internal/trace/keep"
	"loadlab/loadgen/internal/trace/otlp"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func traceID(n int) keep.ID { return keep.ID{byte(n), byte(n >> 8), byte(n >> 16), 15: 1} }

// put adds a span to trace n; others are the traces that it links to.
func put(s *keep.Store, n, id int, parent byte, others ...int) {
	span := otlp.Span{TraceID: traceID(n), ID: [8]byte{byte(id), byte(id >> 8), 7: 1}, Parent: [8]byte{parent}, Name: "work"}
	for _, o := range others {
		span.Links = append(span.Links, otlp.Link{TraceID: traceID(o), SpanID: [8]byte{1}})
	}
	s.Add(&span)
}

func spansOf(s *keep.Store, n int) int {
	spans, _, _ := keep.Get(s, traceID(n))
	return len(spans)
}

func TestStoreIsBounded(t *testing.T) {
	limits := keep.Limits{Traces: 100, Spans: 1000, SpansPerTrace: 50, Age: time.Hour}
	s := keep.NewStore(limits, time.Now)
	rng := rand.New(rand.NewPCG(1, 2))
	pinned := map[int]int{}
	for i := range 60_000 {
		n := rng.IntN(2000)
		switch {
		case i%50 == 0 && len(pinned) < 20:
			s.Pin(traceID(n))
			pinned[n]++
		case i%50 == 25:
			for n := range pinned {
				for ; pinned[n] > 0; pinned[n]-- {
					s.Unpin(traceID(n))
				}
				delete(pinned, n)
				break
			}
		default:
			put(s, n, i, byte(rng.IntN(2)), rng.IntN(2000))
		}
		// A trace that is pinned may be one more than the limit, and so may each that it holds.
		if traces, spans := keep.Size(s); spans > limits.Spans || traces > limits.Traces+20*5 {
			t.Fatalf("after %d steps: %d traces, %d spans", i, traces, spans)
		}
	}
	for n := range pinned {
		for ; pinned[n] > 0; pinned[n]-- {
			s.Unpin(traceID(n))
		}
	}
	if held := keep.Held(s); held != 0 {
		t.Errorf("%d traces are held and nothing is pinned", held)
	}
	if traces, spans := keep.Size(s); traces > limits.Traces || spans > limits.Spans || keep.Count(s) != spans {
		t.Errorf("at the end: %d traces, %d spans, and %d spans counted", traces, spans, keep.Count(s))
	}
}

func TestPinnedTracesSurviveAFlood(t *testing.T) {
	s := keep.NewStore(keep.Limits{Traces: 50, Spans: 500}, time.Now)
	s.Pin(traceID(1)) // before its spans arrive
	for id := range 63 {
		put(s, 1, id, 0)
		put(s, 2, id, 0)
	}
	s.Pin(traceID(2)) // and after that
	for i := range 10_000 {
		put(s, 100+i, 1, 0)
	}
	if a, b := spansOf(s, 1), spansOf(s, 2); a != 63 || b != 63 {
		t.Errorf("%d and %d spans are left, want 63 of each", a, b)
	}
	s.Unpin(traceID(1))
	for i := range 10_000 {
		put(s, 20_000+i, 1, 0)
	}
	if a, b := spansOf(s, 1), spansOf(s, 2); a != 0 || b != 63 {
		t.Errorf("%d and %d spans are left, want none and 63", a, b)
	}
}

func TestNewSpansAreDroppedWhenEverythingIsPinned(t *testing.T) {
	s := keep.NewStore(keep.Limits{Traces: 10, Spans: 100, SpansPerTrace: 80}, time.Now)
	s.Pin(traceID(1))
	s.Pin(traceID(2))
	for id := range 90 {
		put(s, 1, id, 0)
	}
	for id := range 90 {
		put(s, 2, id, 0)
	}
	spans, lost, _ := keep.Get(s, traceID(2))
	if spansOf(s, 1) != 80 || len(spans) != 20 || lost != 70 || s.Dropped() != 80 {
		t.Errorf("%d and %d spans, %d lost, %d dropped", spansOf(s, 1), len(spans), lost, s.Dropped())
	}
	const want = "80 spans were dropped: there was no room for them"
	if err := keep.New(keep.Config{Store: s}).Lost(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTracesAgeOut(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	s := keep.NewStore(keep.Limits{Age: 10 * time.Second}, c.read)
	put(s, 1, 1, 0)
	put(s, 2, 1, 0)
	s.Pin(traceID(2))
	c.now = c.now.Add(6 * time.Second)
	put(s, 3, 1, 0)
	c.now = c.now.Add(6 * time.Second)
	put(s, 4, 1, 0)
	if got := [4]int{spansOf(s, 1), spansOf(s, 2), spansOf(s, 3), spansOf(s, 4)}; got != [4]int{0, 1, 1, 1} {
		t.Errorf("spans are left of %v", got)
	}
}

func TestTheSameSpanTwiceIsOne(t *testing.T) {
	s := keep.NewStore(keep.Limits{}, time.Now)
	for range 2 {
		put(s, 1, 1, 0)
		put(s, 1, 2, 0)
	}
	if n := spansOf(s, 1); n != 2 {
		t.Errorf("%d spans", n)
	}
}

func TestRelatedTracesAreHeld(t *testing.T) {
	flood := func(s *keep.Store) {
		for i := range 1000 {
			put(s, 1000+i, 1, 0)
		}
	}
	for _, test := range []struct {
		name  string
		steps func(s *keep.Store)
	}{
		{"a waiter's leader, known before the pin", func(s *keep.Store) { put(s, 2, 1, 0); put(s, 1, 1, 9, 2); s.Pin(traceID(1)) }},
		{"a waiter's leader, known after the pin", func(s *keep.Store) { s.Pin(traceID(1)); put(s, 2, 1, 0); put(s, 1, 1, 9, 2) }},
		{"a refresh that the request caused", func(s *keep.Store) { put(s, 1, 1, 0); put(s, 2, 1, 0, 1); s.Pin(traceID(1)) }},
		{"a refresh, after the pin", func(s *keep.Store) { s.Pin(traceID(1)); put(s, 1, 1, 0); put(s, 2, 1, 0, 1) }},
		{"each of the other", func(s *keep.Store) { put(s, 1, 1, 9, 2); put(s, 2, 1, 9, 1); s.Pin(traceID(1)) }},
	} {
		s := keep.NewStore(keep.Limits{Traces: 20}, time.Now)
		test.steps(s)
		flood(s)
		if spansOf(s, 1) != 1 || spansOf(s, 2) != 1 {
			t.Errorf("%s: %d and %d spans are left", test.name, spansOf(s, 1), spansOf(s, 2))
		}
		s.Unpin(traceID(1))
		flood(s)
		if spansOf(s, 1) != 0 || spansOf(s, 2) != 0 || keep.Held(s) != 0 {
			t.Errorf("%s, unpinned: %d and %d spans are left", test.name, spansOf(s, 1), spansOf(s, 2))
		}
	}
	s := keep.NewStore(keep.Limits{}, time.Now)
	put(s, 1, 1, 0)
	for n := range 100 { // a waiter is no child of its leader's trace, and does not make that one hold it
		put(s, 10+n, 1, 9, 1)
	}
	if _, _, related := keep.Get(s, traceID(1)); len(related) != 0 {
		t.Errorf("the leader is related to %d waiters", len(related))
	}
}

// TestMemory fills a store with spans of the greatest usual size, and measures the heap.
func TestMemory(t *testing.T) {
	s := keep.NewStore(keep.Limits{Spans: 20_000}, time.Now)
	before := testkit.LiveHeap()
	for i := range 100_000 {
		s.Add(&otlp.Span{
			TraceID: traceID(i / 63), ID: [8]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}, Parent: [8]byte{1}, Name: "SELECT agents",
			Attributes: []otlp.Attribute{{Name: "db.query.text", Value: strings.Repeat("x", 200)}, {Name: "db.system.name", Value: "sqlite"}},
		})
	}
	used := testkit.LiveHeap() - before
	_, spans := keep.Size(s)
	t.Logf("%d spans in %d MB", spans, used>>20)
	if used > 30<<20 {
		t.Errorf("%d MB for %d spans", used>>20, spans)
	}
	runtime.KeepAlive(s)
}
