package run

import (
	"context"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// collect adds the cells of a phase that was driven to the report, one a mode.
func (r *runner) collect(ctx context.Context, d *driven) error {
	r.checkLinks(ctx, d)
	results, err := d.recorder.Finish()
	if err != nil {
		r.invalid("%s: %v", d.phase.Name, err)
	}
	var after counters
	var unknown error // the cells are worth having without counters
	whole := r.subject.broken() == nil
	if whole {
		after, unknown = r.subject.counters(ctx)
	}
	parts := r.finishWatch(ctx, d)
	for _, m := range d.modes {
		mode := r.report.Modes[m]
		cell := r.cell(d, m, results[m], d.oracles[m])
		cell.Took, cell.Herds, cell.Replicas = d.took, results[m].Herds, results[m].Replicas
		if mode.Keys.Many() {
			cell.Peak = results[m].Peak
		}
		if after != nil && d.owns(r.report.Modes, m) {
			count(&cell, d.before, after, appMode(mode.Method, mode.Path))
		}
		for i := range cell.Replicas {
			if i < len(d.out) { // the load has begun
				cell.Replicas[i].Out = d.out[i]
			}
		}
		if whole { // and settled: the counters waited for work in the background
			charge(&cell, d.account, r.subject.closed(ctx, mode.Strategy), d.alone(r.report.Modes) && mode.Session == "")
		}
		if d.watch != nil {
			r.collectFaults(d, m, &cell, parts)
		}
		r.report.Cells = append(r.report.Cells, cell)
	}
	return unknown
}

// count puts into a cell what the app has counted of its mode between two moments.
func count(cell *result.Cell, before, after counters, mode string) {
	cell.Server.Counters = after.of(mode).Sub(before.of(mode))
	for i := range cell.Replicas {
		cell.Replicas[i].Counters = after[i].Modes[mode].Counts.Sub(before[i].Modes[mode].Counts)
	}
}

// cell is what mode m did in a phase, or in a part of it, as far as it was measured from outside: without its length.
func (r *runner) cell(d *driven, m int, res measure.Result, oracle *measure.Oracle) result.Cell {
	cell := result.Cell{
		Round: d.block.round, Mode: r.report.Modes[m].Name, Phase: d.phase.Name, Start: d.start.Sub(r.report.Started),
		Ledger: res.Ledger, Seconds: res.Seconds, Response: res.Response, Service: res.Service, Lag: res.Lag, Server: res.Server, Spent: res.Spent,
		Failures: res.Failures, Statuses: res.Statuses, Clamped: res.Clamped, Revalidation: res.Asked,
	}
	if oracle != nil {
		stale := oracle.Stale(d.start)
		cell.Stale = &stale
	}
	return cell
}

// alone reports whether one mode has the phase for itself, with its steps if it is a session.
func (d *driven) alone(modes []result.Mode) bool {
	n := 0
	for _, m := range d.modes {
		if modes[m].Session == "" {
			n++
		}
	}
	return n == 1
}

// owns reports whether mode m alone makes the requests that the app counts under its name in this phase: two pages of one
// strategy are one mode to the app.
func (d *driven) owns(modes []result.Mode, m int) bool {
	name := appMode(modes[m].Method, modes[m].Path)
	for _, other := range d.modes {
		if other != m && appMode(modes[other].Method, modes[other].Path) == name {
			return false
		}
	}
	return name != ""
}
