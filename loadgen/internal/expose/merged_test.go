package expose_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
	"loadlab/otel/signal"
)

// TestMerge checks that what a worker has recorded is in the series as what the run itself records is.
func TestMerge(t *testing.T) {
	e := exporter()
	url, _ := serve(t, e)
	h := hist.New()
	for range 3 {
		h.Record(20 * time.Millisecond)
	}
	plain := hist.AppendPlain(nil, h)
	e.Begin(expose.Labels{Round: 1, Name: "warm", Mode: "ttl", Modes: []string{"ttl"}})
	e.Merge(&measure.ModeDelta{Mode: 0, Seconds: []measure.SecondDelta{{Response: plain, Service: plain, Lag: plain}}, Connect: plain, TLS: plain},
		measure.Counts{Scheduled: 7, Ended: [measure.Kinds]int64{measure.OK: 3, measure.Refused: 2}, Bytes: 900, Wrote: 40})
	e.Merge(&measure.ModeDelta{Mode: 1}, measure.Counts{Scheduled: 1}) // which takes no part
	s := get(t, url)
	want(t, s, of(signal.LoadScheduled, "ttl", "warm"), 7)
	want(t, s, of(signal.LoadCompleted, "ttl", "warm"), 3)
	want(t, s, of(signal.LoadErrors, "ttl", "warm", signal.LabelKind, measure.Refused.String()), 2)
	want(t, s, of(signal.LoadInFlight, "ttl", "warm"), 2)
	want(t, s, key(signal.LoadReceived, signal.LabelMode, "ttl", signal.LabelPhase, "warm"), 900)
	want(t, s, key(signal.LoadSent, signal.LabelMode, "ttl", signal.LabelPhase, "warm"), 40)
	for _, name := range []string{signal.LoadConnect, signal.LoadTLS} {
		want(t, s, key(name+"_count", signal.LabelMode, "ttl", signal.LabelPhase, "warm"), 3)
	}
	for _, clock := range []string{signal.LoadResponse, signal.LoadService, signal.LoadLag} {
		want(t, s, of(clock+"_count", "ttl", "warm"), 3)
		want(t, s, of(clock+"_bucket", "ttl", "warm", "le", "0.025"), 3)
	}
}
