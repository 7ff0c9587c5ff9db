package page_test

import (
	"strings"
	"testing"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/result/resulttest"

	"github.com/chromedp/chromedp/kb"
)

// span is what a chart shows of the axis of time, in seconds.
const span = `(id => { const c = document.getElementById(id).closest("section").querySelector(".chart"); return [Number(c.dataset.from), Number(c.dataset.to)]; })`

func spanOf(p *browsertest.Page, chart string) [2]float64 {
	return browsertest.Eval[[2]float64](p, span+`("`+chart+`")`)
}

// middle scrolls a chart into the window, and returns where it is.
const middle = `(id => { const c = document.getElementById(id).closest("section").querySelector(".u-over, canvas"); c.scrollIntoView({block: "center"}); const r = c.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })`

func TestZoomIsShared(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	url, _ := file(t, ofRun(t, traced(t)))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	all := spanOf(p, "latency")
	box := browsertest.Eval[[4]float64](p, middle+`("latency")`)
	p.Drag(box[0]+box[2]*.3, box[1]+60, box[0]+box[2]*.6, box[1]+70)
	got := spanOf(p, "latency")
	if got[0] <= all[0] || got[1] >= all[1] {
		t.Fatalf("dragged over a part: got %v of %v", got, all)
	}
	for _, chart := range []string{"heat", "rates", "lag"} {
		if other := spanOf(p, chart); other != got {
			t.Errorf("%s shows %v, latency %v", chart, other, got)
		}
	}
	browsertest.Eval[bool](p, `document.getElementById("latency").closest("section").querySelector(".chart").focus(), true`)
	p.Keys("0")
	if back := spanOf(p, "heat"); back != all {
		t.Errorf("after 0: got %v, want %v", back, all)
	}
	p.Keys(kb.ArrowRight)
	p.Keys(kb.ArrowRight)
	if text := browsertest.Eval[string](p, `document.getElementById("latency").closest("section").querySelector(".readout").textContent`); !strings.Contains(text, "ttl ") || !strings.Contains(text, " of ") {
		t.Errorf("with arrow keys: got %q, want the figures of a second", text)
	}
	p.Keys("+")
	if in := spanOf(p, "lag"); in == all {
		t.Errorf("after +: got %v, want less", in)
	}
	p.Quiet()
}

func TestLegend(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	url, _ := file(t, ofRun(t, traced(t)))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	has := func(mode string) (n int) {
		for _, chart := range []string{"latency", "percentiles", "rates"} {
			for key := range browsertest.Eval[map[string]string](p, rows+`("`+chart+`")`) {
				if strings.HasSuffix(key, "| "+mode) {
					n++
					break
				}
			}
		}
		return n
	}
	if n := has("ttl"); n != 3 {
		t.Fatalf("ttl is in %d of 3 charts", n)
	}
	p.Click(`.legend button[data-key="0:0"]`)
	if n := has("ttl"); n != 0 {
		t.Errorf("switched off, ttl is in %d charts", n)
	}
	if n := has("early"); n != 3 {
		t.Errorf("early is in %d of 3 charts", n)
	}
	p.Quiet()
}

func TestTraces(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	url, _ := file(t, ofRun(t, traced(t)))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	title := `document.querySelector("dialog[open] h2")?.textContent ?? ""`

	p.Click(`button.open[data-trace="d56b3252abbd692cf7505ea923f0267b"]`)
	if got := browsertest.Eval[string](p, title); !strings.Contains(got, "singleflight") {
		t.Errorf("opened %q, want singleflight's trace", got)
	}
	p.Accessible()
	p.Keep("trace-1400")
	p.Click("dialog button.link")
	if got := browsertest.Eval[string](p, title); !strings.Contains(got, "ttl") {
		t.Errorf("followed the link to %q, want ttl's trace", got)
	}
	p.Keys(kb.Escape)
	if got := browsertest.Eval[string](p, title); got != "" {
		t.Errorf("after Escape %q is open", got)
	}
	browsertest.Eval[bool](p, `document.getElementById("latency").closest("section").querySelector(".chart").focus(), true`)
	for range 3 { // to the second of the kept traces, which has the begin of the phase expiry
		p.Keys(kb.ArrowRight)
		p.Keys(kb.Enter)
		if browsertest.Eval[string](p, title) != "" {
			break
		}
	}
	if got := browsertest.Eval[string](p, title); !strings.Contains(got, "ttl") {
		t.Errorf("Enter in the chart of response times opened %q, want the slower of both", got)
	}
	p.Keys(kb.Escape)
	box := browsertest.Eval[[4]float64](p, middle+`("heat")`)
	p.ClickAt(box[0]+box[2]*.5, box[1]+box[3]*.5)
	if got := browsertest.Eval[string](p, title); !strings.Contains(got, "ttl") {
		t.Errorf("a cell of the heat map opened %q", got)
	}
	p.Quiet()
}

// TestContents goes to a table far below.
func TestContents(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	url, _ := file(t, ofRun(t, traced(t)))
	p := b.Open(t, url, browsertest.View{Width: 400})
	p.Until(ready)
	p.Click(".contents summary")
	const link = `[...document.querySelectorAll(".contents a")].find(a => a.textContent === "Modes by phase")`
	browsertest.Eval[bool](p, link+`.click(), true`)
	p.Until(`Math.abs(document.getElementById(` + link + `.hash.slice(1)).getBoundingClientRect().top) < 300`)
	p.Accessible()
	p.Quiet()
}

// TestTracesInTables opens the trace that the table of an outage names.
func TestTracesInTables(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	run := resulttest.Outage(t)
	url, _ := file(t, ofRun(t, run))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	p.Click("section.report td button.open")
	id := browsertest.Eval[string](p, `document.querySelector("section.report td button.open").textContent`)
	if got := browsertest.Eval[string](p, `document.querySelector("dialog[open]")?.textContent ?? ""`); len(id) != 8 || !strings.Contains(got, "trace "+id) {
		t.Errorf("%q opened %q, want its trace", id, got)
	}
	p.Quiet()
}

// TestTracesWithoutRoom has more spans than a page takes: it says that a trace is left out, and where all are.
func TestTracesWithoutRoom(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	run := traced(t)
	for range 30_000 {
		run.Traces[1].Spans = append(run.Traces[1].Spans, run.Traces[1].Spans[1])
	}
	url, _ := file(t, ofRun(t, run))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	const want = "1 more trace was kept and has no room on this page"
	if got := browsertest.Eval[string](p, `document.getElementById("slowest").closest("section").textContent`); !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Quiet()
}
