package expose_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"loadlab/loadgen/internal/expose"
	"loadlab/otel/signal"
)

// TestBadAddress: the error is one line with what to do.
func TestBadAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	for addr, reason := range map[string]string{addr: "address already in use", "127.0.0.1:port": "port", "nonsense": "missing port"} {
		_, _, err := exporter().Serve(t.Context(), addr)
		if err == nil {
			t.Errorf("%s: got no error", addr)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, expose.Flag) || !strings.Contains(text, reason) || strings.Count(text, addr) > 1 || strings.Contains(text, "\n") {
			t.Errorf("%s: got %q, want one line with %q and %s", addr, text, reason, expose.Flag)
		}
	}
}

func TestServesRuntimeMetrics(t *testing.T) {
	url, _ := serve(t, exporter())
	s := get(t, url)
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "go_sched_latencies_seconds_count", "go_gc_pauses_seconds_count"} {
		if _, ok := s.values[key(name)]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestEveryInterface(t *testing.T) {
	url, stop, err := exporter().Serve(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if !strings.HasPrefix(url, "http://localhost:") {
		t.Errorf("got %s, want an address that can be asked", url)
	}
}

// TestLastScrape: a scraper gets the run's last figures before the server ends.
func TestLastScrape(t *testing.T) {
	e := exporter()
	url, stop := serve(t, e)
	e.Begin(expose.Labels{Name: "p", Mode: "m", Modes: []string{"m"}})
	get(t, url)
	e.Scheduled(0)
	e.End()
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	// Scrapes go on until the server is gone; it ends after one that began when it was to stop.
	scrapes := 0
	for ; ; scrapes++ {
		resp, err := http.Get(url)
		if err != nil {
			break
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && !strings.Contains(string(body), signal.LoadScheduled+`{mode="m",phase="p",run_id="r1"} 1`) {
			t.Errorf("scrape %d lacks the last request", scrapes)
		}
	}
	<-stopped
	if scrapes == 0 {
		t.Error("it ended without a scrape more")
	}
}

// TestContextEnds: nobody waits for a scraper then.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, stop, err := exporter().Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	get(t, url)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	stop()
	stop()
	if resp, err := http.Get(url); err == nil {
		resp.Body.Close()
		t.Error("it still serves")
	}
}
