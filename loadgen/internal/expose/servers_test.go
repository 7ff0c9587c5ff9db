package expose_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/otel/signal"
)

// What servers have used is asked for at each scrape; of what is not known there is no series.
func TestUsed(t *testing.T) {
	t.Parallel()
	e := exporter()
	url, _ := serve(t, e)
	cpu := func(server string) string { return key(signal.LoadCPU, signal.LabelServer, server) }
	if _, there := get(t, url).values[cpu(signal.ServerApp)]; there {
		t.Error("it is known before the stack is up")
	}
	used := 2 * time.Second
	e.Used(func() map[string]time.Duration {
		used += time.Second
		return map[string]time.Duration{signal.ServerApp: used, signal.ServerRedis: 0}
	})
	want(t, get(t, url), cpu(signal.ServerApp), 3)
	s := get(t, url)
	want(t, s, cpu(signal.ServerApp), 4)
	if _, there := s.values[cpu(signal.ServerRedis)]; there {
		t.Error("there is a series of what is not known")
	}
}

// Distances are those of the report's head; a server that could not be pinged has none.
func TestDistances(t *testing.T) {
	t.Parallel()
	e := exporter()
	url, _ := serve(t, e)
	e.Distances("warm", []result.Distance{
		{Server: "redis", RTT: ms, Pings: 50, Median: 1200 * time.Microsecond, P99: 2 * ms},
		{Server: "database", RTT: 3 * ms, Problem: "refused"},
	})
	s := get(t, url)
	of := func(name, server string, more ...string) string {
		return key(name, append(more, signal.LabelPhase, "warm", signal.LabelServer, server)...)
	}
	want(t, s, of(signal.LoadDistance, "redis", signal.LabelQuantile, "0.5"), .0012)
	want(t, s, of(signal.LoadDistance, "redis", signal.LabelQuantile, "0.99"), .002)
	want(t, s, of(signal.LoadRTT, "redis"), .001)
	want(t, s, of(signal.LoadRTT, "database"), .003)
	if _, there := s.values[of(signal.LoadDistance, "database", signal.LabelQuantile, "0.5")]; there {
		t.Error("a distance that was not measured")
	}
}

// Bytes are counted of every request, and connecting is timed of those that had to.
func TestTransferred(t *testing.T) {
	t.Parallel()
	e := exporter()
	url, _ := serve(t, e)
	e.Begin(expose.Labels{Round: 1, Name: "warm", Mode: "ttl", Modes: []string{"ttl"}})
	start := time.Now()
	first := outcome(start, measure.OK, 0, 5*ms, ms)
	first.Bytes, first.Wrote, first.Connect, first.TLS = 1000, 10, ms, 3*ms
	second := outcome(start, measure.Reset, 0, 0, ms)
	second.Bytes = 500
	for _, o := range []*measure.Outcome{first, second} {
		e.Scheduled(0)
		e.Record(0, 0, start, o)
	}
	s := get(t, url)
	for name, v := range map[string]float64{
		signal.LoadReceived: 1500, signal.LoadSent: 10, signal.LoadConnect + "_count": 1, signal.LoadConnect + "_sum": .001, signal.LoadTLS + "_count": 1, signal.LoadTLS + "_sum": .003,
	} {
		want(t, s, key(name, signal.LabelMode, "ttl", signal.LabelPhase, "warm"), v)
	}
}
