package page_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
	"loadlab/loadgen/internal/unit"
)

// TestWhatFiguresAreNot: a page whose figures are not to be relied on says so before it draws them, and gates that are all not judged for one reason have it once.
func TestWhatFiguresAreNot(t *testing.T) {
	t.Parallel()
	limited := func(run *result.Run) {
		run.Limited = []string{"requests were released late"}
		for i := range run.Gates {
			run.Gates[i].Verdict, run.Gates[i].Reason, run.Gates[i].Compared = result.NotJudged, "the generator was the bottleneck", ""
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*result.Run)
		want   map[string]int // how often a text is on the page
	}{
		{"valid", func(*result.Run) {}, map[string]int{"<strong>warning</strong>": 0, " not judged: ": 0, "3 modes, 3 rounds · embedded, SQLite 3.51, miniredis 2.40.0": 1}},
		{"limited", limited, map[string]int{"The generator was the bottleneck: the times below": 1, "3 gates are not judged: the generator was the bottleneck.": 1, `>compared<`: 0}},
		{"interrupted", func(run *result.Run) { run.Interrupted = true }, map[string]int{"The run was stopped before its end": 1}},
		{"invalid", func(run *result.Run) { run.Invalid = []string{"the stack broke"} }, map[string]int{"The run is not valid.": 1}},
	} {
		run := resulttest.Stampede(t)
		tt.change(run)
		var b bytes.Buffer
		if err := ofRun(t, run)(&b); err != nil {
			t.Fatal(err)
		}
		body, _, _ := strings.Cut(b.String(), "<script")
		for text, n := range tt.want {
			if got := strings.Count(body, text); got != n {
				t.Errorf("%s: %q is there %d times, want %d", tt.name, text, got, n)
			}
		}
	}
}

// TestSure compares what stands beside the middle of rounds with the figures of all requests, and has a run of one round without intervals claim none.
func TestSure(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	run := traced(t)
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	url, _ := file(t, ofRun(t, run))
	p := b.Open(t, url, browsertest.View{})
	p.Until(ready)
	got := browsertest.Eval[map[string]string](p, rows+`("sure")`)
	for _, phase := range f.Phases() {
		for _, m := range f.Modes() {
			v, _, err := f.Value("p99", m, phase)
			want := unit.Latency(figure.Duration(v))
			if err != nil {
				continue
			}
			if text := got[phase+", "+m+" | p99 of all requests"]; text != want {
				t.Errorf("p99 of %s in %s: got %q, want %q", m, phase, text, want)
			}
		}
	}
	// What a slow request's time went to adds up to it. The slowest of ttl took 24 ms.
	if parts := browsertest.Eval[string](p, `document.querySelector("table.slow tbody tr td.wide").firstChild.textContent`); parts != "the app itself 22.0 ms + network and the server's queue 2.00 ms" {
		t.Errorf("the slowest request of ttl: got %q", parts)
	}
	p.Quiet()

	url, _ = file(t, ofRun(t, resulttest.Fill(resulttest.Base(), 1, resulttest.StampedeLoads())))
	p = b.Open(t, url, browsertest.View{Height: 1200})
	p.Until(ready)
	if about := browsertest.Eval[string](p, `document.getElementById("sure-about").textContent`); !strings.Contains(about, "one round has no intervals") || strings.Contains(about, "The ratio is to") {
		t.Errorf("of one round: got %q", about)
	}
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#sure ~ .chart .bar").length`); n != 0 {
		t.Errorf("of one round: %d intervals are drawn", n)
	}
	p.Quiet()
}

// Two runs are told apart before they are drawn.
func TestComparedRunsAreNamedFirst(t *testing.T) {
	t.Parallel()
	other := resulttest.Stampede(t)
	other.ID, other.Started = "20261123-010203-stampede", other.Started.Add(time.Hour)
	var b bytes.Buffer
	if err := page.WriteRuns(&b, []*result.Run{resulttest.Stampede(t), other}); err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(b.String(), `<div id="charts">`)
	if !ok || !strings.Contains(before, "<dt>B</dt><dd>20261123-010203-stampede") {
		t.Errorf("before the charts nothing names the second run")
	}
}
