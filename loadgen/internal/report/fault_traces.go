package report

import (
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// shortID is how many digits of the id of a trace name it: among the few hundred that a run keeps they are unique.
const shortID = 8

// trace names the trace that was kept for a fault, of that mode.
func (x faultOf) trace(f *figure.Figures, mode string) Cell {
	i := slices.IndexFunc(f.Run.Traces, func(t result.Trace) bool {
		return t.Mode == mode && t.Phase == x.Phase && slices.Contains(t.Faults, x.Text)
	})
	if i < 0 {
		return Cell{Text: unit.None, Tone: Faint}
	}
	id := f.Run.Traces[i].ID
	return Cell{Text: id[:min(shortID, len(id))]}
}

// traceLegend describes the traces of faults, and how one is drawn; nothing if there are none.
func traceLegend(f *figure.Figures) []Note {
	if !slices.ContainsFunc(f.Run.Traces, func(t result.Trace) bool { return len(t.Faults) > 0 }) {
		return nil
	}
	return []Note{{Brief: true, Text: "trace: of the requests that met the fault and were sampled, the slowest that failed, or else the slowest: loadgen trace " +
		"RUN.json --id ID draws it."}}
}
