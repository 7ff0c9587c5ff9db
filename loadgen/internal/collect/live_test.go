package collect_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/collect"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// seconds records requests in the first seconds of a phase.
func seconds(w *live.Watch, round int, requests ...int) {
	w.Begin(live.Phase{Round: round, Rounds: 2, Name: "warm", Turn: "ttl", Took: []string{"ttl"}})
	start := time.Unix(1_700_000_000, 0)
	for at, n := range requests {
		for range n {
			due := time.Duration(at) * time.Second
			w.Record(0, due, start, &measure.Outcome{Kind: measure.OK, Sent: start.Add(due), Done: start.Add(due + 10*time.Millisecond)})
		}
	}
	w.End()
}

// looker reads the events of a page.
type looker struct {
	t     *testing.T
	lines *bufio.Scanner
}

func look(t *testing.T, url string) *looker {
	t.Helper()
	resp, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &looker{t, bufio.NewScanner(resp.Body)}
}

// points returns how many requests each second has, in the next event that has some.
func (l *looker) points() string {
	l.t.Helper()
	for is := false; l.lines.Scan(); {
		switch text := l.lines.Text(); {
		case strings.HasPrefix(text, "event: "):
			is = text == "event: points"
		case is && strings.HasPrefix(text, "data: "):
			var all []struct {
				At *int
				N  int
			}
			if err := json.Unmarshal([]byte(text[len("data: "):]), &all); err != nil {
				l.t.Fatal(err)
			}
			var list []string
			for _, p := range all {
				if p.At != nil {
					list = append(list, fmt.Sprintf("%d: %d", *p.At, p.N))
				}
			}
			return strings.Join(list, ", ")
		}
	}
	l.t.Fatalf("the events end: %v", l.lines.Err())
	return ""
}

// TestLive checks that a page that is served where the command is shows the run elsewhere: from its begin, whenever it is asked for, once, and also over a second connection.
func TestLive(t *testing.T) {
	pod, url := serve(t, func() {})
	pod.Live.Started(&result.Run{ID: "r1", Scenario: result.Scenario{Name: "mine"}})
	t.Cleanup(pod.Live.Stopped)
	seconds(&pod.Live.Watch, 1, 3, 2)

	page, shown, err := live.Serve(t.Context(), "127.0.0.1:0", func(run *result.Run, _ string) ([]byte, error) { return []byte(run.ID + " " + run.Scenario.Name), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close(context.Background()) })
	var got []string
	c := client(t, "the secret", collect.View{Live: func(m *live.Message) {
		got = append(got, m.Name)
		if err := page.Take(m); err != nil {
			t.Error(err)
		}
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go p.serve(pod.Addr())
	lost := make(chan error, 1)
	go func() {
		_, err := c.Follow(t.Context(), "http://"+l.Addr().String())
		lost <- err
	}()
	resp, err := http.Get(shown) // when the head of the run is there
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(text) != "r1 mine" {
		t.Errorf("the page is of %q", text)
	}
	first := look(t, shown)
	if s := first.points(); s != "0: 3, 1: 2" {
		t.Errorf("the page has %s", s)
	}
	p.cut()
	if err := <-lost; err == nil {
		t.Fatal("the run is over, though its connection was cut")
	}
	before := len(got)
	seconds(&pod.Live.Watch, 2, 0, 5)
	followed := make(chan error, 1)
	go func() {
		_, err := c.Follow(t.Context(), url)
		followed <- err
	}()
	if s := first.points(); s != "1: 7" {
		t.Errorf("after the second round the page has %s", s)
	}
	if s := look(t, shown).points(); s != "0: 3, 1: 7" {
		t.Errorf("who looks late sees %s", s)
	}
	pod.Over(collect.Over{}, nil)
	if err := <-followed; err != nil {
		t.Error(err)
	}
	if again := strings.Join(got[before:], " "); again != "phase points" {
		t.Errorf("over the second connection came %s", again)
	}
}
