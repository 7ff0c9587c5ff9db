package page_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/history"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/result/resulttest"
)

// stored are runs of two modes, of which the last are slower; one is invalid for a reason that is markup.
func stored(t *testing.T) *history.History {
	t.Helper()
	book := new(history.Book)
	for i := range 14 {
		run := resulttest.Base()
		run.ID = fmt.Sprintf("202611%02d-120000-stampede", i+1)
		run.Started = time.Date(2026, 11, i+1, 12, 0, 0, 0, time.UTC)
		run.Stack.App = fmt.Sprintf("c0ffee%06d, go1.26.8", i/3)
		fast := time.Duration(20+i%3) * ms
		if i >= 9 {
			fast *= 2
		}
		if i == 4 {
			run.Invalid = []string{"the stack broke: </script><img src=x onerror=\"window.hacked = 1\">\u202e\x1b[2J"}
		}
		run.Modes[1].Name = strings.Repeat("long", 50)
		loads := []resulttest.Load{{Mode: "ttl", Phase: "warm", Requests: 300, Took: time.Second, Fast: fast}, {Mode: run.Modes[1].Name, Phase: "warm", Requests: 300, Took: time.Second, Fast: ms}}
		if err := book.Add(resulttest.Fill(run, 1, loads)); err != nil {
			t.Fatal(err)
		}
	}
	h, err := book.Ask(history.Query{Scenario: "stampede"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHistory opens the page of a figure across runs: each run is a dot and a row, the change is named, and the page is as quiet and as accessible as that of a run.
func TestHistory(t *testing.T) {
	t.Parallel()
	h := stored(t)
	url, _ := file(t, func(b *bytes.Buffer) error { return page.WriteHistory(b, h) })
	b := browsertest.Start(t)
	for _, v := range []browsertest.View{{Width: 1400}, {Width: 1400, Dark: true}, {Width: 400, Dark: true}} {
		p := b.Open(t, url, v)
		if dots := browsertest.Eval[int](p, `document.querySelectorAll(".by-run circle").length`); dots != 28 {
			t.Errorf("%d dots, want one for each of 14 runs of two modes", dots)
		}
		text := browsertest.Eval[[]string](p, `[...document.querySelectorAll(".by-run tbody tr")].map(r => [...r.children].map(c => c.textContent).join("|"))`)
		for i, point := range h.Series[0].Points {
			want := h.Render(point.Value)
			if !point.Known {
				want = "not used: INVALID: the stack broke"
			}
			if !strings.HasPrefix(text[i], point.Run+"|"+point.Commit+"|"+want) {
				t.Errorf("row %d: got %q, want run, commit and %q", i, text[i], want)
			}
		}
		if changes := browsertest.Eval[[]string](p, `[...document.querySelectorAll(".by-run .warning")].map(x => x.textContent)`); len(changes) != 1 || !strings.Contains(changes[0], h.Describe(h.Series[0].Changes[0])) {
			t.Errorf("changes: got %q, want that of %s", changes, h.Series[0].Points[9].Run)
		}
		inert(t, p, v)
		p.Keep(fmt.Sprintf("history-%d-%t", v.Width, v.Dark))
		p.Accessible()
		p.Quiet()
	}
}
