package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"loadlab/internal/testkit"

	"loadlab/loadgen/internal/history"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

const ms = time.Millisecond

// stored are runs on one machine: a dozen of which the last five are slower, one that is invalid, and one of few requests.
func stored(t *testing.T) *history.Book {
	t.Helper()
	book := new(history.Book)
	for i := range 14 {
		run := resulttest.Base()
		run.ID = fmt.Sprintf("202611%02d-120000-stampede", i+1)
		run.Started = time.Date(2026, 11, i+1, 12, 0, 0, 0, time.UTC)
		run.Stack.App = fmt.Sprintf("c0ffee%06d, go1.26.8", i/3)
		l := resulttest.Load{Mode: "ttl", Phase: "warm", Requests: 300, Took: time.Second, Fast: time.Duration(20+i%3) * ms}
		switch {
		case i == 4:
			run.Invalid = []string{"the stack broke: </script><b>\x1b[2J"}
		case i == 6:
			l.Requests = 50
		case i >= 9:
			l.Fast *= 2
		}
		add(t, book, resulttest.Fill(run, 1, []resulttest.Load{l}))
	}
	return book
}

func add(t *testing.T, book *history.Book, run *result.Run) {
	t.Helper()
	if err := book.Add(run); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, book *history.Book, q history.Query) *history.History {
	t.Helper()
	h, err := book.Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestChangesAreNamed(t *testing.T) {
	h := ask(t, stored(t), history.Query{Scenario: "stampede"})
	if h.Phase != "warm" || h.Figure != "p99" || len(h.Series) != 1 {
		t.Fatalf("got %+v", h)
	}
	s := h.Series[0]
	if len(s.Points) != 14 || s.Used != 12 || s.Points[4].Known || s.Points[6].Known {
		t.Errorf("%d points, %d used: %+v", len(s.Points), s.Used, s.Points)
	}
	if len(s.Changes) != 1 || s.Changes[0].At != 9 || s.Changes[0].After < 1.8*s.Changes[0].Before {
		t.Errorf("changes: %+v, want one at 9 to twice as much", s.Changes)
	}
}

// A run on another machine, or of another load, is a series of its own.
func TestSeriesAreOfOneMachineAndLoad(t *testing.T) {
	book := stored(t)
	for _, change := range []func(*result.Run){
		func(r *result.Run) { r.Machine.Cores = 64 }, func(r *result.Run) { r.Stack.Kind = "local" }, func(r *result.Run) { r.Phases[1].Load = "900/s" },
		func(r *result.Run) { r.Modes[0].Path = "/elsewhere" },
	} {
		run := resulttest.Base()
		change(run)
		add(t, book, resulttest.Fill(run, 1, []resulttest.Load{{Mode: "ttl", Phase: "warm", Requests: 300, Took: time.Second, Fast: ms}}))
	}
	h := ask(t, book, history.Query{Scenario: "stampede", Mode: "ttl"})
	if len(h.Series) != 5 || len(h.Series[0].Points) != 14 {
		t.Errorf("got %d series: %+v", len(h.Series), h.Series)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	book := stored(t)
	for _, q := range []history.Query{{Scenario: "other"}, {Scenario: "stampede", Mode: "none"}, {Scenario: "stampede", Phase: "none"}, {Scenario: "stampede", Figure: "p77"}} {
		if _, err := book.Ask(q); !errors.Is(err, history.ErrNothing) {
			t.Errorf("%+v: got %v", q, err)
		}
	}
	if names, runs := book.Scenarios(); len(names) != 1 || runs["stampede"] != 14 {
		t.Errorf("got %v, %v", names, runs)
	}
}

func TestGoldens(t *testing.T) {
	h := ask(t, stored(t), history.Query{Scenario: "stampede"})
	for _, width := range []int{80, 120} {
		var b bytes.Buffer
		if err := h.Text(&b, history.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		testkit.Golden(t, fmt.Sprintf("%d.txt", width), b.String())
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); uniseg.StringWidth(line) > width || strings.Contains(line, "\x1b") {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
}
