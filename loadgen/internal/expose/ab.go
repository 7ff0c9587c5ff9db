package expose

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/ab"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// AB shows an A/B test to Prometheus while it goes on. The methods of a nil AB do nothing.
type AB struct {
	quantiles, ratios, interval, verdict *prometheus.GaugeVec
	server                               *server
}

// NewAB returns the exporter of a test that begins.
func NewAB(t *ab.Test) *AB {
	reg := telemetry.NewRegistry()
	r := registrar{reg, prometheus.Labels{signal.LabelRunID: t.ID}}
	endpoint := []string{signal.LabelMode, signal.LabelPhase, signal.LabelQuantile}
	x := &AB{
		quantiles: r.gauge(signal.ABQuantile, "A quantile of the response time of an arm in an epoch that counts.", append(endpoint, signal.LabelArm, signal.LabelEpoch)...),
		ratios:    r.gauge(signal.ABRatio, "The ratio of B to A in an epoch that counts, of a quantile that is judged.", append(endpoint, signal.LabelEpoch)...),
		interval:  r.gauge(signal.ABInterval, "The ratio of B to A over all epochs that count, and its interval.", append(endpoint, signal.LabelBound)...),
		verdict:   r.gauge(signal.ABVerdict, "1 for the verdict of a test that has ended.", signal.LabelVerdict),
		server:    newServer(reg, &lasting{}),
	}
	r.gauge(signal.ABInfo, "The A/B test, and what its arms are.", signal.LabelScenario, signal.LabelStack, signal.LabelArmA, signal.LabelArmB).
		WithLabelValues(t.Scenario.Name, t.Stack, t.A.Name, t.B.Name).Set(1)
	return x
}

// Serve is as that of Exporter.
func (x *AB) Serve(ctx context.Context, addr string) (url string, stop func(), err error) {
	return x.server.serve(ctx, addr)
}

// Epoch shows the newest epoch of a test, and what all of them have come to. One that was dropped is not shown.
func (x *AB) Epoch(t *ab.Test) error {
	if x == nil {
		return nil
	}
	e := t.Epochs[len(t.Epochs)-1]
	if len(e.Dropped) > 0 {
		return nil
	}
	number := fmt.Sprintf("%02d", e.Number)
	qs, _ := ab.Quantiles()
	for _, c := range e.Cells {
		for arm, side := range []ab.Side{c.A, c.B} {
			for i, q := range side.Quantiles {
				x.quantiles.WithLabelValues(c.Mode, c.Phase, quantile(qs[i]), ab.Letter(arm), number).Set(q.Seconds())
			}
		}
	}
	for i, d := range e.D {
		p := t.Plan.Endpoints[i]
		x.ratios.WithLabelValues(p.Mode, p.Phase, quantile(p.Quantile), number).Set(math.Exp(d))
	}
	d, err := t.Decide()
	if err != nil {
		return err
	}
	for i, f := range d.Latency.Findings {
		if !f.Effect.Bounded() {
			continue
		}
		p := t.Plan.Endpoints[i]
		for bound, v := range map[string]float64{signal.BoundPoint: f.Effect.Value, signal.BoundLow: f.Effect.Low, signal.BoundHigh: f.Effect.High} {
			x.interval.WithLabelValues(p.Mode, p.Phase, quantile(p.Quantile), bound).Set(v)
		}
	}
	return nil
}

// Decided shows the verdict of a test that has ended.
func (x *AB) Decided(t *ab.Test) {
	if x != nil {
		x.verdict.WithLabelValues(t.Verdict).Set(1)
	}
}

// quantile is its label: 0.99.
func quantile(q float64) string { return strconv.FormatFloat(q, 'f', -1, 64) }
