package run

import (
	"context"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/impact"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/world"
)

// faultParts is what was recorded of a phase with faults beside its cells.
type faultParts struct {
	results [2][]measure.Result // inside and outside
	outages api.Outages
	known   bool // the app has given an account of outages
}

// finishWatch ends the recording of the parts of a phase, and asks the app for its account of outages. A fault that nothing saw makes the run
// invalid.
func (r *runner) finishWatch(ctx context.Context, d *driven) faultParts {
	var p faultParts
	if d.watch == nil {
		return p
	}
	for i, part := range d.watch.parts {
		results, err := part.recorder.Finish()
		if err != nil {
			r.invalid("%s: %v", d.phase.Name, err)
		}
		p.results[i] = results
	}
	for _, b := range d.befallen {
		if text, ok := b.evidence(); b.ended > 0 && !ok {
			r.invalid("%s in phase %s of %s, round %d, had no effect: %s", b.Describe(), d.phase.Name, d.block.name(), d.block.round, text)
		}
	}
	if outages, err := r.subject.lab.Outages(context.WithoutCancel(ctx)); err == nil {
		p.outages, p.known = outages, true
	}
	return p
}

// collectFaults adds to a cell of mode m what the faults of its phase came to.
func (r *runner) collectFaults(d *driven, m int, cell *result.Cell, parts faultParts) {
	for i, to := range []**result.Cell{&cell.Inside, &cell.Outside} {
		part := r.cell(d, m, parts.results[i][m], d.watch.parts[i].oracles[m])
		part.Took = d.watch.took(i, d.took)
		*to = &part
	}
	for i, b := range d.befallen {
		if b.ended == 0 {
			continue // the phase ended before its time
		}
		text, _ := b.evidence()
		f := result.Fault{
			Server: b.Fault.Fault.Server, Kind: b.Fault.Fault.Kind, Text: b.Describe(), By: string(b.by), Began: b.began, Ended: b.ended, Evidence: text,
		}
		var others []impact.Band
		for j, o := range d.befallen {
			if j != i && o.ended > 0 {
				others = append(others, o.band(d.took))
			}
		}
		f.Impact = impact.Of(d.watch.samples[m], b.band(d.took), others, d.took)
		f.Impact.Attempts = parts.attempts(b, d.start)
		cell.Faults = append(cell.Faults, f)
	}
}

// band is the time that the fault lasted as it was done; its aftermath, if it happened at a moment.
func (b *befallen) band(length time.Duration) impact.Band {
	if b.Fault.Fault.Moment {
		return impact.Band{From: b.began, To: min(max(b.ended, b.began+aftermath), length)}
	}
	return impact.Band{From: b.began, To: b.ended}
}

// attempts returns the calls that the app made in vain to the server of a fault, over all outages that it met while the fault lasted; negative
// if it has given no account.
func (p faultParts) attempts(b *befallen, start time.Time) int64 {
	server := b.Fault.Fault.Server
	if !p.known || server == world.App {
		return -1
	}
	var n int64
	for _, o := range p.outages.Of(server, start.Add(b.began), start.Add(b.ended)) {
		n += o.Attempts
	}
	return n
}
