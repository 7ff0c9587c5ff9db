package trace_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"loadlab/loadgen/internal/result"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/trace"
	"loadlab/otel/signal"
)

func query(system, text string, took time.Duration) result.Span {
	return result.Span{
		Name: "SELECT", Kind: "client", Duration: took, Attributes: map[string]string{signal.AttrDBSystem: system, signal.AttrDBQueryText: text},
	}
}

// naive are the queries of the naive page of 20.
func naive() []result.Span {
	spans := []result.Span{
		query("sqlite", `SELECT count(*) FROM "properties" AS "p"`, time.Millisecond),
		query("sqlite", `SELECT "p"."id" FROM "properties" AS "p" ORDER BY p.created_at DESC, p.id DESC LIMIT 20`, time.Millisecond),
	}
	for i := range 20 {
		spans = append(spans,
			query("sqlite", fmt.Sprintf(`SELECT "a"."id", "a"."name" FROM "agents" AS "a" WHERE (id = %d)`, 100+i), 40*time.Microsecond),
			query("sqlite", fmt.Sprintf(`SELECT "o"."id", "o"."name" FROM "offices" AS "o" WHERE (id = %d)`, i%10), 30*time.Microsecond),
			query("sqlite", fmt.Sprintf(`SELECT "l"."id", "l"."city" FROM "locations" AS "l" WHERE (id = %d)`, 3*i), 20*time.Microsecond))
	}
	return spans
}

func TestNPlusOne(t *testing.T) {
	got := trace.FindQueries(append(naive(), query("redis", "get key", time.Second), result.Span{Name: "cache get"}))
	const want = "agents by id x 20, offices by id x 20, locations by id x 20: 60 of 62 queries"
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got.Time != 2*time.Millisecond+20*90*time.Microsecond {
		t.Errorf("the queries took %v", got.Time)
	}
	offices := trace.Repeat{
		Shape: "SELECT o.id, o.name FROM offices AS o WHERE (id = ?)", Verb: "SELECT", Table: "offices", By: []string{"id"},
		Count: 20, Distinct: 10, Time: 600 * time.Microsecond,
	}
	if diff := cmp.Diff(offices, got.Repeats[1]); diff != "" {
		t.Error(diff)
	}
}

// The steps of a driver are no queries: those of otelsql, a service of another repository that was tried.
func TestStepsOfADriver(t *testing.T) {
	var spans []result.Span
	for i := range 20 {
		one := query("sqlite", fmt.Sprintf("SELECT name FROM owners WHERE id = %d", i), time.Microsecond)
		reset, rows := query("sqlite", "", time.Microsecond), query("sqlite", "", time.Microsecond)
		one.Name, reset.Name, rows.Name = "sql.conn.query", "sql.conn.reset_session", "sql.rows"
		spans = append(spans, reset, one, rows)
	}
	if got := trace.FindQueries(spans).String(); got != "owners by id x 20: 20 of 20 queries" {
		t.Errorf("got %s", got)
	}
}

func TestQueriesThatAreNotRepeated(t *testing.T) {
	batched := []result.Span{
		query("postgresql", `SELECT count(*) FROM "properties" AS "p"`, 1), query("postgresql", `SELECT * FROM "agents" WHERE (id IN (1, 2))`, 1),
		query("postgresql", `SELECT * FROM "agents" WHERE (id IN (1, 2, 3))`, 1),
	}
	if got := trace.FindQueries(batched); got.Count != 3 || got.Repeats != nil || got.String() != "" {
		t.Errorf("got %+v", got)
	}
	if got := trace.FindQueries(nil); got.Count != 0 || got.String() != "" {
		t.Errorf("got %+v", got)
	}
}

func TestRepeatsOfOtherServices(t *testing.T) {
	long := strings.Repeat("column_of_a_wide_table, ", 100) + "1 FROM wide WHERE id = 5"
	for _, test := range []struct {
		name  string
		spans func(i int) result.Span
		want  string
	}{
		{"a write", func(i int) result.Span {
			return query("mysql", fmt.Sprintf("INSERT INTO `events` (`a`) VALUES (%d)", i), 1)
		}, "INSERT events x 5: 5 of 5 queries"},
		{"two columns", func(i int) result.Span {
			return query("mysql", fmt.Sprintf("SELECT * FROM t WHERE tenant = 'x' AND id = %d", i), 1)
		}, "t by tenant, id x 5: 5 of 5 queries"},
		{"no text", func(int) result.Span {
			return result.Span{Name: "SELECT agents", Attributes: map[string]string{
				signal.AttrDBSystem: "postgresql", signal.AttrDBCollection: "agents", signal.AttrDBOperation: "SELECT",
			}}
		}, "agents x 5: 5 of 5 queries"},
		{"nothing but a name", func(int) result.Span {
			return result.Span{Name: "query", Attributes: map[string]string{signal.AttrDBSystem: "postgresql"}}
		}, "query x 5: 5 of 5 queries"},
		{"texts that were cut off", func(i int) result.Span {
			return query("mysql", trace.Cut("SELECT '"+strings.Repeat("x", i*7)+"', "+long), 1)
		}, "SELECT ?, column_of_a_wide_table, col… x 5: 5 of 5 queries"},
	} {
		var spans []result.Span
		for i := range 5 {
			spans = append(spans, test.spans(i))
		}
		if got := trace.FindQueries(spans).String(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestSampleSpans(t *testing.T) {
	s := trace.Sample{
		TraceID: [16]byte{1, 2}, SpanID: [8]byte{0xab, 7: 0xcd}, Mode: "ttl", Phase: "expiry", Round: 2, Method: "GET", Path: "/x",
		Due: time.Unix(100, 5), Response: 12 * time.Millisecond, Service: 10 * time.Millisecond, Lag: 2 * time.Millisecond, Status: 200,
	}
	got := s.Trace(result.Slowest)
	want := result.Trace{
		ID: "01020000000000000000000000000000", Mode: "ttl", Phase: "expiry", Round: 2, Why: "slowest", Due: time.Unix(100, 5),
		Response: 12 * time.Millisecond, Service: 10 * time.Millisecond, Lag: 2 * time.Millisecond,
		Spans: []result.Span{
			{
				ID: "ab000000000000cd", Name: "GET /x", Kind: "client", Service: "loadgen", Duration: 12 * time.Millisecond,
				Attributes: map[string]string{
					"http.request.method": "GET", "url.path": "/x", "lab.mode": "ttl", "lab.phase": "expiry", "lab.round": "2", "lab.lag_ms": "2",
					"http.response.status_code": "200",
				},
			},
			{ID: "ab000000000000cc", Parent: "ab000000000000cd", Name: "wait to be sent", Kind: "internal", Service: "loadgen", Duration: 2 * time.Millisecond},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.Failed, s.Status, s.Lag, s.Round = "timeout", 0, 0, 0
	if spans := s.Spans(); len(spans) != 1 || !spans[0].Failed || spans[0].Attributes["error.type"] != "timeout" || spans[0].Attributes["http.response.status_code"] != "" {
		t.Errorf("a failed request that was sent at once: %+v", spans)
	}
	s.SpanID, s.Lag = [8]byte{7: 1}, 1
	if spans := s.Spans(); spans[1].ID == "0000000000000000" || spans[1].ID == spans[0].ID {
		t.Errorf("the wait's id is %s", spans[1].ID)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	s := trace.Sample{TraceID: [16]byte{9}, SpanID: [8]byte{1}, Due: time.Date(2026, 11, 23, 0, 0, 0, 7, time.UTC), Response: 3, Lag: 1}
	want := s.Trace(result.Median)
	want.Spans = append(want.Spans, naive()...)
	want.Spans[1].Links = []result.Link{{TraceID: "ab", SpanID: "cd"}}
	want.Spans[1].Events = []result.Event{{At: 5, Name: "waited", Attributes: map[string]string{"lab.cache.reason": "for it"}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got result.Trace
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	all := []result.Trace{
		{ID: "ab12", Mode: "ttl", Phase: "warm", Why: result.Slowest, Faults: []string{"redis kill"}}, {ID: "ab34", Mode: "ttl", Phase: "expiry", Why: result.Median},
		{ID: "cd56", Mode: "swr", Phase: "expiry", Why: result.Slowest},
	}
	for _, test := range []struct{ id, mode, phase, why, want string }{
		{"", "", "", "", "ab12 ab34 cd56"}, {"AB", "", "", "", "ab12 ab34"}, {"", "ttl", "expiry", "", "ab34"},
		{"", "", "", "slowest", "ab12 cd56"}, {"", "", "", "fault", "ab12"}, {"ab", "swr", "", "", ""},
	} {
		var ids []string
		for _, f := range trace.Find(all, test.id, test.mode, test.phase, test.why) {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

func TestKept(t *testing.T) {
	for name, want := range map[string]string{
		"db.query.text": "db.query.text", "db.statement": "db.query.text", "http.status_code": "http.response.status_code", "lab.cache.age_ms": "lab.cache.age_ms",
		"db.sql.table": "db.collection.name", "lab.": "", "thread.id": "", "": "", "lab." + strings.Repeat("x", 100): "",
	} {
		got, ok := trace.Kept([]byte(name))
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", name, got, ok)
		}
	}
}

func TestCut(t *testing.T) {
	for _, s := range []string{"", strings.Repeat("x", trace.MaxText), strings.Repeat("x", trace.MaxText+1), strings.Repeat("ü", trace.MaxText), "x" + strings.Repeat("€", trace.MaxText)} {
		got := trace.Cut(s)
		if len(got) > trace.MaxText || !utf8.ValidString(got) || (got == s) != (len(s) <= trace.MaxText) {
			t.Errorf("%d bytes were cut to %d", len(s), len(got))
		}
	}
}
