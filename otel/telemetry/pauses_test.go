package telemetry_test

import (
	"runtime"
	"testing"

	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// A percentile of a pause can be told: no bucket between 100 us and 10 ms ends at more than two and a half times its begin, and every pause is in one.
func TestPausesHaveNarrowBuckets(t *testing.T) {
	reg := telemetry.NewRegistry()
	runtime.GC()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range families {
		if f.GetName() != signal.GCPause && f.GetName() != signal.SchedulerLatency {
			continue
		}
		found++
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() == 0 || h.GetSampleSum() <= 0 {
			t.Errorf("%s: got %d pauses of %v s", f.GetName(), h.GetSampleCount(), h.GetSampleSum())
		}
		before, below := 0., uint64(0)
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() > .0001 && b.GetUpperBound() <= .01 && b.GetUpperBound() > 2.51*before {
				t.Errorf("%s: a bucket from %v to %v", f.GetName(), before, b.GetUpperBound())
			}
			if b.GetCumulativeCount() < below || b.GetCumulativeCount() > h.GetSampleCount() {
				t.Errorf("%s: %d up to %v, %d before", f.GetName(), b.GetCumulativeCount(), b.GetUpperBound(), below)
			}
			before, below = b.GetUpperBound(), b.GetCumulativeCount()
		}
	}
	if found != 2 {
		t.Errorf("%d distributions, want 2", found)
	}
}
