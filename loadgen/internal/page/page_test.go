package page_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

const ms = time.Millisecond

// ready is what a page sets when all is drawn.
const ready = `document.documentElement.dataset.ready === "true"`

// file writes the page of a run, and returns its address.
func file(t *testing.T, write func(b *bytes.Buffer) error) (url string, size int) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + path, b.Len()
}

func ofRun(t *testing.T, run *result.Run) func(b *bytes.Buffer) error {
	t.Helper()
	return func(b *bytes.Buffer) error {
		r, err := report.New(run)
		if err != nil {
			return err
		}
		return page.Write(b, r, report.Options{})
	}
}

// traced is a run with two kept traces, one of which waited for the other.
func traced(t *testing.T) *result.Run {
	run := resulttest.Stampede(t)
	const first, second = "4bf92f3577b34da6a3ce929d0e0e4736", "d56b3252abbd692cf7505ea923f0267b"
	miss := result.Trace{ID: first, Mode: "ttl", Phase: "expiry", Round: 1, Why: result.Slowest, Due: run.Started.Add(run.Cells[2].Start + 500*ms), Response: 24 * ms, Service: 24 * ms,
		Spans: []result.Span{
			{ID: "0a00000000000001", Name: "GET /api/properties/cached/ttl/", Kind: "client", Service: "loadgen", Duration: 24 * ms},
			{ID: "1", Parent: "0a00000000000001", Name: "GET /", Kind: "server", Service: "loadlab-app", Start: ms, Duration: 22 * ms},
			{ID: "2", Parent: "1", Name: "cache get", Service: "loadlab-app", Start: 2 * ms, Duration: 20 * ms, Attributes: map[string]string{"cache.result": "miss"}},
		}}
	waiter := miss
	waiter.ID, waiter.Mode, waiter.Response = second, "singleflight", 14*ms
	waiter.Spans = append([]result.Span(nil), miss.Spans...)
	waiter.Spans[2].Links = []result.Link{{TraceID: first, SpanID: "2"}}
	run.Traces = []result.Trace{miss, waiter}
	return run
}

// evil is markup, runs from right to left, and is long.
var evil = `</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">` + "\u202e\u0000" + strings.Repeat("long", 50)

// hostile has evil names.
func hostile(t *testing.T) *result.Run {
	run := traced(t)
	run.Scenario.Name, run.Scenario.Why, run.Stack.Database, run.Phases[1].Name, run.Phases[1].Load, run.ID = evil, evil, evil, evil, evil, evil
	run.Gates[0].Expr, run.Gates[0].Compared, run.Warnings = evil, evil, []string{evil}
	run.Traces[0].Spans[1].Name, run.Traces[0].Failed = evil, evil
	run.Modes[0].Name = evil
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Mode == "ttl" {
			c.Mode, c.Failures, c.Ledger.Failed = evil, []result.Failure{{Kind: "status", Status: 500, Count: 1, Example: evil}}, map[string]int64{"status": 1}
			c.Ledger.Scheduled++
		}
		if c.Phase == "warm" {
			c.Phase = evil
		}
	}
	run.Traces[0].Mode = evil
	return run
}

// hostileStale has evil names where prices change: its pages' age and its laws are drawn.
func hostileStale(t *testing.T) *result.Run {
	run := resulttest.Stale(t)
	mode, phase := run.Modes[0].Name, run.Phases[len(run.Phases)-1].Name
	run.Modes[0].Name, run.Phases[len(run.Phases)-1].Name = evil, evil+"2"
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Mode == mode {
			c.Mode = evil
		}
		if c := &run.Cells[i]; c.Phase == phase {
			c.Phase = evil + "2"
		}
	}
	return run
}

// hostileTest is an A/B test whose endpoints have evil names.
func hostileTest() *ab.Test {
	test := abtest.All()["slower"]
	for i := range test.Plan.Endpoints {
		test.Plan.Endpoints[i].Mode = evil
	}
	for e := range test.Epochs {
		for i := range test.Epochs[e].Cells {
			test.Epochs[e].Cells[i].Mode = evil
		}
	}
	return test
}

// TestEveryFixture writes the page of every run and test: none is too large to be sent around.
func TestEveryFixture(t *testing.T) {
	t.Parallel()
	pages := map[string]func(*bytes.Buffer) error{}
	for name, fixture := range resulttest.All() {
		pages[name] = ofRun(t, fixture(t))
	}
	for name, test := range abtest.All() {
		pages["ab-"+name] = ofTest(test)
	}
	for name, write := range pages {
		if _, size := file(t, write); size > 400<<10 {
			t.Errorf("%s: %d bytes, want at most 400 kB", name, size)
		}
	}
}

func ofTest(test *ab.Test) func(*bytes.Buffer) error {
	return func(b *bytes.Buffer) error {
		r, err := report.NewABTest(test)
		if err != nil {
			return err
		}
		return page.WriteAB(b, r, report.Options{})
	}
}

// TestPages opens pages: nothing is written to the console, nothing is asked for, nothing is wider than the window, and axe-core has no objection.
func TestPages(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	wide, dark, phone := browsertest.View{Width: 1400}, browsertest.View{Width: 1400, Dark: true}, browsertest.View{Width: 400, Dark: true}
	for _, tt := range []struct {
		name  string
		write func(*bytes.Buffer) error
		views []browsertest.View
	}{
		{"traced", ofRun(t, traced(t)), []browsertest.View{wide, dark, phone}},
		{"hostile", ofRun(t, hostile(t)), []browsertest.View{phone}},
		{"hostile-stale", ofRun(t, hostileStale(t)), []browsertest.View{wide, phone}},
		{"hostile-ab", ofTest(hostileTest()), []browsertest.View{phone}},
		{"outage", ofRun(t, resulttest.Outage(t)), []browsertest.View{{Width: 400}}},
		{"empty", ofRun(t, resulttest.Empty(t)), []browsertest.View{wide}},
		{"hit", ofRun(t, resulttest.Remote(t)), []browsertest.View{phone}},
		{"invalid", ofRun(t, resulttest.Invalid(t)), []browsertest.View{wide}},
		{"ab-slower", ofTest(abtest.All()["slower"]), []browsertest.View{wide}},
		{"two", func(b *bytes.Buffer) error {
			return page.WriteRuns(b, []*result.Run{resulttest.Stampede(t), resulttest.Stale(t)})
		}, []browsertest.View{wide}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, _ := file(t, tt.write)
			for _, v := range tt.views {
				p := b.Open(t, url, v)
				p.Until(ready)
				inert(t, p, v)
				p.Keep(fmt.Sprintf("%s-%d-%s", tt.name, v.Width, map[bool]string{false: "light", true: "dark"}[v.Dark]))
				p.Accessible()
				p.Quiet()
			}
		})
	}
}

// inert fails the test if the page is wider than its window, or a name in it was executed.
func inert(t *testing.T, p *browsertest.Page, v browsertest.View) {
	t.Helper()
	if over := browsertest.Eval[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("at %d: %d pixels wider than the window", v.Width, over)
	}
	if browsertest.Eval[bool](p, `"hacked" in window`) {
		t.Error("a name was executed")
	}
}

// BenchmarkLongRun opens the page of a run of ten minutes and twelve modes: under 3 MB, and drawn in less than 2 s on a machine that does nothing else.
func BenchmarkLongRun(b *testing.B) {
	r, err := report.New(resulttest.Long(b, 12, 600))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "report.html")
	var text bytes.Buffer
	if err := page.Write(&text, r, report.Options{}); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	if text.Len() > 3<<20 {
		b.Errorf("%d bytes, want at most 3 MB", text.Len())
	}
	browser := browsertest.Start(b)
	drawn := 0.0
	for b.Loop() {
		p := browser.Open(b, "file://"+path, browsertest.View{})
		p.Until(ready)
		drawn = browsertest.Eval[float64](p, `performance.now()`)
		p.Quiet()
	}
	b.ReportMetric(float64(text.Len())/1000, "kB")
	b.ReportMetric(drawn, "ms-drawn")
}
