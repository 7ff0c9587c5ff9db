package live_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result/resulttest"
)

// TestTheTest looks on an A/B test: a dot for each epoch as they come, what it does, the button that ends it, and the report in the end.
func TestTheTest(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	stopped := make(chan bool, 1)
	s, url, err := live.Serve(t.Context(), "127.0.0.1:0", page.Live, func() { stopped <- true })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	shown := s.Test(func(test *ab.Test, doing, token string) ([]byte, []byte, error) {
		drawn, err := page.LiveAB(test, doing, token)
		return drawn.File, drawn.Event, err
	}, func(err error) { t.Error(err) })
	whole := abtest.All()["slower"]
	test := *whole
	test.Epochs, test.Traces = whole.Epochs[:3], nil
	shown.Now(&test, "measuring epoch 4")
	p := b.Open(t, url, browsertest.View{Width: 400, Dark: true})
	dots := func(n int) { p.Until(fmt.Sprintf(`document.querySelectorAll(".epoch").length === %d`, n)) }
	dots(3 * len(test.Plan.Endpoints))
	if lead := browsertest.Eval[string](p, `document.querySelector(".lead").textContent + " " + document.getElementById("status").textContent`); lead != "3 epochs so far; it is judged after 8. Nothing is decided before measuring epoch 4" {
		t.Errorf("the page says %q", lead)
	}
	p.Keep("live-ab-400-dark")
	p.Accessible()
	test.Epochs = whole.Epochs[:5]
	shown.Now(&test, "measuring epoch 6")
	dots(5 * len(test.Plan.Endpoints))
	p.Reload()
	dots(5 * len(test.Plan.Endpoints))
	press(t, p, stopped)
	r, err := report.NewABTest(whole)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := page.DrawAB(r)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s, p, drawn, "FAIL ")
	dots(len(whole.Epochs) * len(whole.Plan.Endpoints))
	if said := p.Console(); len(said) > 0 {
		t.Errorf("console: %q", said)
	}
}

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
	p.Accessible()
	s.Begin(live.Phase{Round: 1, Rounds: 2, Name: "warm", Turn: "early", Took: []string{"", "", "early"}})
	s.Record(2, 0, time.Unix(1_700_000_000, 0), outcome())
	s.End()
	p.Until(`document.querySelectorAll(".legend button[data-key]").length === 2`)

	p.Reload()
	p.Until(`document.querySelectorAll(".legend button[data-key]").length === 2`)
	press(t, p, stopped)
	r, err := report.New(resulttest.Stampede(t))
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := page.Draw(r)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s, p, drawn, "FAIL stampede")
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

// press presses the button that ends the run, and waits until it has.
func press(t *testing.T, p *browsertest.Page, stopped <-chan bool) {
	t.Helper()
	p.Click("#stop")
	select {
	case <-stopped:
	case <-t.Context().Done():
	}
}

// finish has the page show the report, whose title begins with a verdict.
func finish(t *testing.T, s *live.Server, p *browsertest.Page, drawn page.Drawn, verdict string) {
	t.Helper()
	if err := s.Finish(drawn.File, drawn.Event); err != nil {
		t.Fatal(err)
	}
	p.Until(`document.documentElement.dataset.report === "true"`)
	if title := browsertest.Eval[string](p, `document.querySelector("h1").textContent`); !strings.HasPrefix(title, verdict) {
		t.Errorf("in the end: got %q, want %q", title, verdict)
	}
}
