package e2e_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"loadlab/internal/promtest"
	"loadlab/otel/signal"
)

// Every exemplar leads to a trace that was received: with the span of the request, and the span of the app that served it in the mode
// that the exemplar is of.
func (l *lab) testExemplars(t *testing.T) {
	for _, p := range l.servers() {
		suffixes := []string{"_bucket", ""}
		if !p.Version.KeepsBoth() {
			suffixes = []string{map[bool]string{true: "", false: "_bucket"}[p == l.native]}
		}
		for _, name := range []string{signal.HTTPServerDuration, signal.LoadResponse, signal.LoadService, signal.LoadLag} {
			for _, suffix := range suffixes {
				l.testExemplarsOf(t, p, name+suffix)
			}
		}
	}
}

func (l *lab) testExemplarsOf(t *testing.T, p *promtest.Server, name string) {
	exemplars, err := p.Exemplars(t.Context(), name, l.begin, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{} // modes
	for _, e := range exemplars {
		id, mode := e.Labels[signal.LogTraceID], e.Series[signal.LabelMode]
		got := l.spans.traces[id]
		if got == nil || got.requests != 1 || got.servers != 1 || got.mode != mode {
			t.Errorf("%s: the exemplar of %s at %v leads to trace %q: got %+v, want a request that %[2]s served", name, mode, e.Time, id, got)
		}
		seen[mode] = true
	}
	for _, mode := range modes() {
		if !seen[mode] {
			t.Errorf("%s: there are no exemplars of %s", name, mode)
		}
	}
}

// In the phases where every request is traced, every trace came, and has as many spans of SQL queries as the response said it took.
func (l *lab) testSpans(t *testing.T) {
	for _, err := range l.spans.bad {
		t.Errorf("a request of the exporter: %v", err)
	}
	type key struct{ mode, phase string }
	traces, queries := map[key]int64{}, map[key]int64{}
	for id, r := range l.spans.traces {
		if r.requests == 0 {
			continue // work in the background
		}
		if r.requests != 1 || r.servers != 1 || r.queries != r.told {
			t.Errorf("trace %s: got %+v, want one request, one span of serving it, and as many queries as it tells", id, *r)
		}
		if r.mode == naive && r.queries != naiveQueries {
			t.Errorf("trace %s: %d queries of a naive page, want %d", id, r.queries, naiveQueries)
		}
		k := key{r.mode, r.phase}
		traces[k]++
		queries[k] += int64(r.queries)
	}
	for _, c := range l.run.Cells {
		k := key{c.Mode, c.Phase}
		switch c.Phase {
		case first, herd:
			if traces[k] != c.Ledger.Scheduled || c.Server.Timed != c.Ledger.Scheduled || queries[k] != c.Server.SQL {
				t.Errorf("%s, %s: %d traces with %d queries; the ledger has %d requests, %d of which said that they took %d",
					c.Mode, c.Phase, traces[k], queries[k], c.Ledger.Scheduled, c.Server.Timed, c.Server.SQL)
			}
		case steady:
			if traces[k] < 10 || traces[k] > c.Ledger.Scheduled {
				t.Errorf("%s, %s: %d traces in two seconds, want about 40", c.Mode, c.Phase, traces[k])
			}
		}
	}
}

// naiveQueries is what a page of 20 costs the naive loader.
const naiveQueries = 62

// run.json keeps traces of every mode and phase, whole ones, and those of naive pages have a span for each of the 62 queries.
func (l *lab) testKeptTraces(t *testing.T) {
	for _, mode := range modes() {
		for _, phase := range []string{first, steady} {
			if !slices.ContainsFunc(l.run.Traces, func(x trace) bool { return x.Mode == mode && x.Phase == phase }) {
				t.Errorf("no trace of %s in %s is kept", mode, phase)
			}
		}
	}
	for _, x := range l.run.Traces {
		if x.Problem != "" {
			t.Errorf("trace %s of %s in %s is not whole: %s", x.ID, x.Mode, x.Phase, x.Problem)
		}
		if l.spans.traces[x.ID] == nil {
			t.Errorf("trace %s of %s in %s was not passed on", x.ID, x.Mode, x.Phase)
		}
		queries, told := 0, ""
		for _, s := range x.Spans {
			if isSQL(s.Attributes) {
				queries++
			}
			if s.Kind == "server" {
				told = s.Attributes[signal.AttrSQLQueries]
			}
		}
		if told != "" && told != strconv.Itoa(queries) {
			t.Errorf("trace %s of %s in %s: %d spans of queries, the request made %s", x.ID, x.Mode, x.Phase, queries, told)
		}
		if x.Mode == naive && queries != naiveQueries {
			t.Errorf("trace %s of %s in %s: %d queries, want %d", x.ID, x.Mode, x.Phase, queries, naiveQueries)
		}
	}
}
