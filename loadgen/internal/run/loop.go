package run

import (
	"context"
	"fmt"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/scenario"
)

// loop drives the load that the phase describes.
func (r *runner) loop(ctx context.Context, d *driven) (drive.Result, error) {
	p, round := d.phase, d.block.round
	common := drive.Common{NewCaller: r.callers(d), Recorder: d.own, Timeout: p.Timeout, Sessions: r.sessions(d), Share: d.share, StartAt: d.at}
	_, common.Rows = r.scarcest(d)
	weights := r.weights(d)
	if p.Kind == scenario.Closed {
		return drive.Closed(ctx, drive.ClosedConfig{
			Common: common, Users: p.Users, Weights: weights, ThinkMin: p.Think.Min, ThinkMax: p.Think.Max,
			Seed: r.plan.derive(thinkStream, round, p.index), Requests: int64(p.Requests), For: p.For,
		})
	}
	mix, err := arrival.NewMix(r.plan.derive(mixStream, round, p.index), weights...)
	if err != nil {
		return drive.Result{}, fmt.Errorf("phase %s: %w", p.Name, err)
	}
	stream, err := arrivals(p.Phase, r.plan.derive(arrivalStream, round, p.index))
	if err != nil {
		return drive.Result{}, fmt.Errorf("phase %s: %w", p.Name, err)
	}
	return drive.Open(ctx, drive.OpenConfig{
		Common: common, Stream: stream, Mode: mix.Mode, For: p.Length(), Connections: d.part(p.Connections), MaxInFlight: d.part(r.Scenario.MaxInFlight),
	})
}

// part is the share of a bound: at least 1, as a worker without a connection could send nothing.
func (d *driven) part(bound int) int {
	if bound == 0 {
		return 0
	}
	return max(1, int(d.share.Count(int64(bound))))
}

// weights returns the shares of the scenario's modes in a phase.
func (r *runner) weights(d *driven) []float64 {
	weights := make([]float64, len(r.Scenario.Modes))
	for _, m := range d.modes {
		if r.Scenario.Modes[m].Session != "" {
			continue // no arrival is a step
		}
		weights[m] = 1
		for _, share := range d.phase.Mix {
			if share.Mode == r.Scenario.Modes[m].Name {
				weights[m] = float64(share.Weight)
			}
		}
	}
	return weights
}

// arrivals returns the due times of an open phase or a burst, the same each time it is called.
func arrivals(p scenario.Phase, seed uint64) (func() arrival.Stream, error) {
	if p.Kind == scenario.Burst {
		return func() arrival.Stream { return arrival.NewBurst(int64(p.Users)) }, nil
	}
	profile, err := profileOf(p)
	if err != nil {
		return nil, err
	}
	if p.Arrivals == scenario.Constant {
		return func() arrival.Stream { return arrival.NewConstant(profile) }, nil
	}
	return func() arrival.Stream { return arrival.NewPoisson(profile, seed) }, nil
}

// profileOf returns the rate of an open phase over its time.
func profileOf(p scenario.Phase) (arrival.Profile, error) {
	var segments []arrival.Segment
	for _, s := range p.Steps {
		segments = append(segments, arrival.Segment{From: s.From, To: s.To, For: s.For})
	}
	return arrival.New(segments...)
}
