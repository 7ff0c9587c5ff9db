package live_test

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

const ms = time.Millisecond

// underWay and ended are pages as short as they can be.
func underWay(run *result.Run, token string) ([]byte, error) {
	return []byte("live " + run.ID + " " + token), nil
}

func ended() (page, event []byte) { return []byte("report r1"), []byte(`{"of":"r1"}`) }

// serve serves the page of a run of one mode, and returns its address.
func serve(t testing.TB, stop func()) (s *live.Server, url string) {
	t.Helper()
	s, url, err := live.Serve(t.Context(), "127.0.0.1:0", underWay, stop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.Started(&result.Run{ID: "r1"})
	t.Cleanup(s.Stopped)
	return s, url
}

// second records requests that were due in a second of a phase that began long enough ago.
func second(s *live.Server, at, requests int) {
	start := time.Unix(1_700_000_000, 0)
	for i := range requests {
		due := time.Duration(at)*time.Second + time.Duration(i)*ms
		sent := start.Add(due + ms)
		s.Scheduled(0)
		s.Record(0, due, start, &measure.Outcome{Kind: measure.OK, Sent: sent, Done: sent.Add(9 * ms)})
	}
}

func outcome() *measure.Outcome {
	start := time.Unix(1_700_000_000, 0)
	return &measure.Outcome{Kind: measure.OK, Sent: start.Add(ms), Done: start.Add(9 * ms)}
}

var warm = live.Phase{Round: 1, Rounds: 2, Name: "warm", Turn: "ttl", Took: []string{"ttl"}}

func TestLateViewersGetWhatWas(t *testing.T) {
	t.Parallel()
	s, url := serve(t, nil)
	s.Begin(warm)
	second(s, 0, 300)
	second(s, 1, 200)
	s.End()
	first := view(t, url, "")
	if m := first.next("phase"); !strings.Contains(m.data, `"Name":"warm"`) {
		t.Errorf("phase: got %s", m.data)
	}
	got := first.next("points")
	all := points(t, got)
	if len(all) != 2 || all[0].N != 300 || all[1].N != 200 || all[1].At != 1 || all[0].Done != 300 || all[0].Scheduled != 300 || all[0].Round != 1 || all[0].Phase != "warm" {
		t.Errorf("got %+v, want two seconds of 300 and 200", all)
	}
	if p := all[0].P50; math.Abs(float64(p)/10_000-1) > .02 {
		t.Errorf("p50: got %d us, want 10 ms", p)
	}

	s.Begin(live.Phase{Round: 2, Rounds: 2, Name: "warm", Turn: "ttl", Took: []string{"ttl"}})
	second(s, 1, 7)
	s.End()
	if again := points(t, view(t, url, got.id).next("points")); len(again) != 1 || again[0].N != 207 || again[0].Scheduled != 207 || again[0].Seen != 2 || again[0].Round != 2 {
		t.Errorf("who had seen event %s got %+v, want one second alone, of both rounds", got.id, again)
	}
	if refreshed := points(t, view(t, url, "").next("points")); len(refreshed) != 2 || refreshed[0].N != 300 || refreshed[0].Seen != 1 || refreshed[1].N != 207 {
		t.Errorf("a refresh got %+v, want two seconds, the second of both rounds", refreshed)
	}
	if now := points(t, first.next("points")); len(now) != 1 {
		t.Errorf("the first viewer got %+v, want the one second", now)
	}
}

// TestSlowViewerIsDropped has a viewer that reads nothing: nobody waits for it, and others get all.
func TestSlowViewerIsDropped(t *testing.T) {
	t.Parallel()
	s, url := serve(t, nil)
	deaf, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if _, err := deaf.Write([]byte("GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := deaf.Read(make([]byte, 1)); err != nil { // it is there
		t.Fatal(err)
	}
	wide := live.Phase{Name: strings.Repeat("warm", 2500), Turn: "mix"} // an event is of some 200 kB
	for range 10 {
		wide.Took = append(wide.Took, "m")
	}
	good := view(t, url, "")
	for round := range 80 { // more than any socket buffers
		wide.Round = round + 1
		s.Begin(wide)
		start := time.Unix(1_700_000_000, 0)
		for i := range wide.Took {
			s.Record(i, 0, start, &measure.Outcome{Kind: measure.OK, Sent: start, Done: start.Add(time.Duration(i+1) * ms)})
		}
		s.End()
		for n := 0; n < 10; { // the clock may have sent some of them before the end of the phase did
			for _, p := range points(t, good.next("points")) {
				if p.Round == round+1 {
					n++
				}
			}
		}
	}
	if err := deaf.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, deaf) // what was sent before it was dropped
	if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	if all := int64(80 * 10 * 10_000); n > all {
		t.Errorf("a viewer that reads nothing got %d bytes in the end, want it dropped", n)
	}
}

func TestStopWantsTheToken(t *testing.T) {
	t.Parallel()
	stopped := 0
	_, url := serve(t, func() { stopped++ })
	_, body := get(t, url)
	token := strings.Fields(body)[2]
	for _, tt := range []struct {
		token  string
		status int
		want   int
	}{{"", http.StatusForbidden, 0}, {"x" + token[1:], http.StatusForbidden, 0}, {token, http.StatusNoContent, 1}} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"stop", nil)
		req.Header.Set(live.TokenHeader, tt.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || stopped != tt.want {
			t.Errorf("token %q: got status %d, stopped %d times; want %d and %d", tt.token, resp.StatusCode, stopped, tt.status, tt.want)
		}
	}
	if resp, err := http.Get(url + "stop"); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %v, %v", resp.StatusCode, err)
	}
}

// TestNamesAreRefused: a name may have been made to stand for this address by the page that asks.
func TestNamesAreRefused(t *testing.T) {
	t.Parallel()
	_, url := serve(t, nil)
	for host, want := range map[string]int{"evil.example": http.StatusForbidden, "evil.example:80": http.StatusForbidden, "localhost:1": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:80": http.StatusOK} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestTheReportComesLast(t *testing.T) {
	t.Parallel()
	s, url := serve(t, nil)
	before := view(t, url, "")
	s.Begin(warm)
	second(s, 0, 10)
	s.End()
	if err := s.Finish(ended()); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*viewer{"before": before, "after": view(t, url, "")} {
		if m := v.next("report"); m.data != `"{\"of\":\"r1\"}"` {
			t.Errorf("%s: got %s", name, m.data)
		}
		if _, err := io.ReadAll(v.r); err != nil {
			t.Errorf("%s: after the report: %v, want the end", name, err)
		}
	}
	if _, body := get(t, url); body != "report r1" {
		t.Errorf("the page is %q, want the report", body)
	}
}

// TestFiguresAreNear compares the figures of the page with those of the recorder, whose the report's are.
func TestFiguresAreNear(t *testing.T) {
	t.Parallel()
	s, url := serve(t, nil)
	s.Begin(warm)
	r := measure.NewRecorder(measure.Config{Observer: s})
	start := time.Unix(1_700_000_000, 0)
	r.Start(start)
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range 3000 {
		due := time.Duration(k) * 300 * time.Microsecond
		o := &measure.Outcome{Kind: measure.OK, Sent: start.Add(due), Done: start.Add(due + time.Duration(rng.ExpFloat64()*float64(20*ms)))}
		if k%100 == 0 {
			o.Kind = measure.Reset
		}
		r.Scheduled(0, due)
		r.Record(0, due, o)
	}
	s.End()
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	got, want := points(t, view(t, url, "").next("points"))[0], results[0]
	for name, pair := range map[string][2]float64{"p50": {float64(got.P50), float64(want.Response.P50.Microseconds())}, "p95": {float64(got.P95), float64(want.Response.P95.Microseconds())},
		"p99": {float64(got.P99), float64(want.Response.P99.Microseconds())}} {
		if math.Abs(pair[0]/pair[1]-1) > .025 {
			t.Errorf("%s: got %v us, the recorder has %v", name, pair[0], pair[1])
		}
	}
	if got.N != want.Response.Count || got.Scheduled != want.Ledger.Scheduled || got.Failed != want.Ledger.Failed["reset"] || got.Done != want.Seconds[0].Done {
		t.Errorf("got %+v, want the counts of %+v", got, want.Ledger)
	}
}

// TestNobodyLooks: a run without a page has no Watch.
func TestNobodyLooks(t *testing.T) {
	var w *live.Watch
	w.Started(nil)
	w.Begin(warm)
	w.Record(0, 0, time.Now(), &measure.Outcome{})
	w.End()
	w.Stopped()
}

// TestWhatWorkersRecord compares the page of a run by workers, whose recorders report what came since they did so before, with that of a run that records the same itself.
func TestWhatWorkersRecord(t *testing.T) {
	t.Parallel()
	one, oneURL := serve(t, nil)
	merged, mergedURL := serve(t, nil)
	start := time.Unix(1_700_000_000, 0)
	var workers []*measure.Recorder
	for range 2 {
		r := measure.NewRecorder(measure.Config{Deltas: true})
		r.Start(start)
		workers = append(workers, r)
	}
	one.Begin(warm)
	merged.Begin(warm)
	rng := rand.New(rand.NewPCG(1, 2))
	flush := func(last bool) {
		for _, r := range workers {
			d := r.Flush(start.Add(time.Second), last)
			for i := range d.Modes {
				merged.Merge(&d.Modes[i])
			}
		}
	}
	for k := range 2000 {
		due := time.Duration(k) * ms
		o := &measure.Outcome{Kind: measure.OK, Sent: start.Add(due + ms), Done: start.Add(due + 2*ms + time.Duration(rng.ExpFloat64()*float64(20*ms)))}
		if k%100 == 0 {
			o.Kind = measure.Refused
		}
		r := workers[k%2]
		r.Scheduled(0, due)
		r.Record(0, due, o)
		one.Record(0, due, start, o)
		if k%700 == 0 {
			flush(false)
		}
	}
	flush(true)
	one.End()
	merged.End()
	want, got := points(t, view(t, oneURL, "").next("points")), points(t, view(t, mergedURL, "").next("points"))
	if len(want) < 2 || len(got) != len(want) {
		t.Fatalf("got %d seconds, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		for name, pair := range map[string][2]int64{"p50": {g.P50, w.P50}, "p99": {g.P99, w.P99}, "max": {g.Max, w.Max}, "lag": {g.Lag, w.Lag}} {
			if math.Abs(float64(pair[0])/float64(max(pair[1], 1))-1) > .025 {
				t.Errorf("second %d, %s: got %d us, want %d", w.At, name, pair[0], pair[1])
			}
		}
		if g.N != w.N || g.LagN != w.LagN || g.Failed != w.Failed || g.Done != w.Done || g.Scheduled != w.Scheduled || g.At != w.At {
			t.Errorf("second %d: got %+v, want %+v", w.At, g, w)
		}
	}
}
