package live_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result/resulttest"
)

// TestThePage looks on in a browser: figures after the first event, all of them again after a refresh, the button that ends the run, and the report in the end.
func TestThePage(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	stopped := make(chan bool, 1)
	s, url, err := live.Serve(t.Context(), "127.0.0.1:0", page.Live, func() { stopped <- true })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	s.Started(resulttest.Base())
	p := b.Open(t, url, browsertest.View{})
	p.Until(`document.documentElement.dataset.ready === "true"`)
	s.Begin(warm)
	second(s, 0, 300)
	s.End()
	p.Until(`document.querySelectorAll(".uplot").length > 3`)
	if status := browsertest.Eval[string](p, `document.getElementById("status").textContent`); !strings.Contains(status, "round 1 of 2, ttl, warm") {
		t.Errorf("status: got %q", status)
	}
	p.Keep("live-1400-light")
	s.Begin(live.Phase{Round: 1, Rounds: 2, Name: "warm", Turn: "early", Took: []string{"", "", "early"}})
	s.Record(2, 0, time.Unix(1_700_000_000, 0), outcome())
	s.End()
	p.Until(`document.querySelectorAll(".legend button[data-key]").length === 2`)

	p.Reload()
	p.Until(`document.querySelectorAll(".legend button[data-key]").length === 2`)
	p.Click("#stop")
	select {
	case <-stopped:
	case <-t.Context().Done():
	}
	r, err := report.New(resulttest.Stampede(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(func() ([]byte, []byte, error) { return page.Report(r) }); err != nil {
		t.Fatal(err)
	}
	p.Until(`document.documentElement.dataset.report === "true"`)
	if title := browsertest.Eval[string](p, `document.querySelector("h1").textContent`); !strings.Contains(title, "FAIL stampede") {
		t.Errorf("in the end: got %q, want the verdict", title)
	}
	if charts := browsertest.Eval[int](p, `document.querySelectorAll(".uplot").length`); charts < 4 {
		t.Errorf("the report has %d charts", charts)
	}
	for _, asked := range p.Requests() {
		if !strings.HasPrefix(asked, url) {
			t.Errorf("the page asked for %s", asked)
		}
	}
	if said := p.Console(); len(said) > 0 {
		t.Errorf("console: %q", said)
	}
}
