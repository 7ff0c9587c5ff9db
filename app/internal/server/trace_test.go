package server_test

import (
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/app/api"
	"loadlab/otel/signal"
)

// Trace contexts of a caller that samples its request, and of one that does not.
const (
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampled   = "00-" + traceID + "-00f067aa0ba902b7-01"
	unsampled = "00-" + traceID + "-00f067aa0ba902b7-00"
)

func attribute(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

func TestASampledNaiveRequestIsOneTraceWithASpanForEveryQuery(t *testing.T) {
	r := newRig(t, "", true)
	a := get(t, r.api.URL+api.PathLive+"naive/", api.HeaderTraceparent, sampled)
	queries, _ := a.cost(t)
	r.flush()
	spans, servers := 0, 0
	for _, s := range r.spans.GetSpans() {
		if s.SpanContext.TraceID().String() != traceID {
			t.Errorf("span %s is in trace %s", s.Name, s.SpanContext.TraceID())
		}
		switch {
		case strings.HasPrefix(s.Name, "SELECT"):
			spans++
		case strings.HasPrefix(s.Name, "GET "):
			servers++
			const want = "SELECT agents x 20, SELECT locations x 20, SELECT offices x 20: 60 of 62 queries"
			if got := attribute(s, signal.AttrSQLRepeated); got != want {
				t.Errorf("%s is %q, want %q", signal.AttrSQLRepeated, got, want)
			}
		}
	}
	if strconv.Itoa(spans) != queries || servers != 1 {
		t.Errorf("%d SQL spans and %d server spans; Server-Timing says %s queries", spans, servers, queries)
	}
	if got := a.Header.Get(api.HeaderServerTiming); !strings.Contains(got, `traceparent;desc="00-`+traceID) || !strings.HasSuffix(got, `-01"`) {
		t.Errorf("Server-Timing %q does not carry the sampled trace", got)
	}
}

func TestACacheDecisionIsASpan(t *testing.T) {
	r := newRig(t, "", true)
	get(t, r.api.URL+api.PathCached+"ttl/", api.HeaderTraceparent, sampled)
	r.flush()
	names := map[string]int{}
	for _, s := range r.spans.GetSpans() {
		names[s.Name]++
	}
	if names["cache get"] != 1 || names["set"] != 1 {
		t.Errorf("spans %v, want one cache decision and one SET", names)
	}
}

func TestAnUnsampledRequestHasNoSpans(t *testing.T) {
	r := newRig(t, "", true)
	a := get(t, r.api.URL+api.PathLive+"naive/", api.HeaderTraceparent, unsampled)
	r.flush()
	if n := len(r.spans.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
	if got := a.Header.Get(api.HeaderServerTiming); !strings.Contains(got, `traceparent;desc="00-`+traceID) || !strings.HasSuffix(got, `-00"`) {
		t.Errorf("Server-Timing %q does not carry the unsampled trace", got)
	}
}

// Checks of health and readiness are no requests: those of a day would push the traces of a load out of any store.
func TestChecksOfHealthAreNotTraced(t *testing.T) {
	r := newRig(t, "", true)
	for _, path := range []string{api.PathHealthz, api.PathReadyz} {
		get(t, r.api.URL+path)
		if a := get(t, r.api.URL+path, api.HeaderTraceparent, sampled); !strings.HasSuffix(a.Header.Get(api.HeaderServerTiming), `-00"`) {
			t.Errorf("%s: Server-Timing %q, want the trace of the caller, which is not sampled here", path, a.Header.Get(api.HeaderServerTiming))
		}
	}
	r.flush()
	if n := len(r.spans.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

func TestARequestOfNobodysTraceIsSampledWhenTracesAreExported(t *testing.T) {
	r := newRig(t, "", true)
	get(t, r.api.URL+api.PathLive+"optimized/")
	r.flush()
	n := 0
	for _, s := range r.spans.GetSpans() {
		if s.Name != signal.SpanPoolWait { // there is one if the wait was long
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d spans, want the server's and two queries'", n)
	}
}
