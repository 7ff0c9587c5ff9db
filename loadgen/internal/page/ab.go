package page

import (
	"math"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/stats"
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

// abDataOf is all that the page of an A/B test draws.
func abDataOf(r *report.ABTest) data {
	return data{Runs: []runData{abTraces(r.Test())}, AB: newABData(r)}
}

// newABData takes what is drawn out of an A/B test. Before the first look there are epochs, and no findings.
func newABData(r *report.ABTest) *abData {
	t, d, found := r.Test(), &abData{}, r.Decision().Latency.Findings
	for m, endpoint := range t.Plan.Endpoints {
		e := endpointData{Name: tty.Clean(endpoint.Name()), Margin: 1 + endpoint.Margin, Word: "open", Epochs: []float64{}}
		if m < len(found) {
			e.enter(found[m])
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

// enter enters what is found of an endpoint.
func (e *endpointData) enter(f stats.Finding) {
	e.Effect[0] = f.Effect.Value
	if f.Effect.Bounded() {
		e.Effect[1], e.Effect[2] = f.Effect.Low, f.Effect.High
	}
	switch {
	case f.Slower:
		e.Word = "slower"
	case f.Within:
		e.Word = "within"
	}
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
