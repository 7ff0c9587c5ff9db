package expose_test

import (
	"net/http"
	"strings"
	"testing"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/expose"
	"loadlab/otel/signal"
)

// What is shown of a test are the figures of its epochs and of its decision.
func TestAB(t *testing.T) {
	test := abtest.All()["slower"]
	x := expose.NewAB(test)
	url, stop, err := x.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); stop() })
	epochs := test.Epochs
	for n := range epochs {
		test.Epochs = epochs[:n+1]
		if err := x.Epoch(test); err != nil {
			t.Fatal(err)
		}
	}
	dropped := epochs[0]
	dropped.Number, dropped.Dropped = 99, []string{"the host was busy"}
	test.Epochs = append(test.Epochs, dropped)
	if err := x.Epoch(test); err != nil {
		t.Fatal(err)
	}
	test.Epochs = epochs
	x.Decided(test)

	s := get(t, url)
	run := []string{signal.LabelRunID, test.ID}
	point := append([]string{signal.LabelMode, "ttl", signal.LabelPhase, "warm", signal.LabelQuantile, "0.95"}, run...)
	with := func(pairs ...string) []string { return append(pairs, point...) }
	want(t, s, key(signal.ABInfo, append([]string{signal.LabelScenario, "stampede", signal.LabelStack, "embedded", signal.LabelArmA, "bin/app-old", signal.LabelArmB, "bin/app"}, run...)...), 1)
	cell := epochs[7].Cells[0]
	want(t, s, key(signal.ABQuantile, with(signal.LabelArm, "A", signal.LabelEpoch, "08")...), cell.A.Quantiles[1].Seconds())
	want(t, s, key(signal.ABQuantile, with(signal.LabelArm, "B", signal.LabelEpoch, "08")...), cell.B.Quantiles[1].Seconds())
	want(t, s, key(signal.ABRatio, with(signal.LabelEpoch, "08")...), float64(cell.B.Quantiles[1])/float64(cell.A.Quantiles[1]))
	want(t, s, key(signal.ABVerdict, append([]string{signal.LabelVerdict, ab.Fail}, run...)...), 1)
	d, err := test.Decide()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range test.Plan.Endpoints {
		if p.Quantile != 0.95 {
			continue
		}
		effect := d.Latency.Findings[i].Effect
		for bound, v := range map[string]float64{signal.BoundPoint: effect.Value, signal.BoundLow: effect.Low, signal.BoundHigh: effect.High} {
			want(t, s, key(signal.ABInterval, with(signal.LabelBound, bound)...), v)
		}
	}
	for series := range s.values {
		if strings.Contains(series, `epoch="99"`) {
			t.Errorf("an epoch that was dropped is shown: %s", series)
		}
	}
}

// Nobody asked for metrics.
func TestABIsNotShown(t *testing.T) {
	var none *expose.AB
	test := abtest.All()["same"]
	if err := none.Epoch(test); err != nil {
		t.Error(err)
	}
	none.Decided(test)
}
