package page

import (
	"math"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/tty"
)

// abData is an A/B test: what each endpoint came to, and in each epoch.
type abData struct {
	Endpoints []endpointData `json:"endpoints"`
}

type endpointData struct {
	Name   string     `json:"name"`
	Margin float64    `json:"margin"` // a ratio of B to A below which it passes
	Effect [3]float64 `json:"effect"` // the ratio and the ends of its interval; the ends are 0 if there is none
	Word   string     `json:"word"`   // slower, within or open
	Epochs []float64  `json:"epochs"` // the ratio in each that counts
}

// newABData takes what is drawn out of an A/B test.
func newABData(r *report.ABTest) *abData {
	t, d := r.Test(), &abData{}
	for m, f := range r.Decision().Latency.Findings {
		e := endpointData{Name: tty.Clean(f.Name), Margin: 1 + t.Plan.Endpoints[m].Margin, Effect: [3]float64{f.Effect.Value}, Word: "open"}
		if f.Effect.Bounded() {
			e.Effect[1], e.Effect[2] = f.Effect.Low, f.Effect.High
		}
		switch {
		case f.Slower:
			e.Word = "slower"
		case f.Within:
			e.Word = "within"
		}
		for _, epoch := range t.Epochs {
			if m < len(epoch.D) {
				e.Epochs = append(e.Epochs, math.Exp(epoch.D[m]))
			}
		}
		d.Endpoints = append(d.Endpoints, e)
	}
	return d
}

// abTraces has the traces of both arms, as those of a run without figures.
func abTraces(t *ab.Test) runData {
	run := runData{ID: tty.Clean(t.ID), Width: 1, Modes: []modeData{}, Phases: []phaseData{}, Cells: []cellData{}}
	for i := range t.Traces {
		of := laidOut(&t.Traces[i])
		of.Why += " · " + tty.Clean(t.Traces[i].Mode+" · "+t.Traces[i].Phase)
		run.Traces = append(run.Traces, of)
	}
	return run
}
