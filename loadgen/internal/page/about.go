package page

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// aboutOf is what a reader of the first screen must know of a run: how much of it there is, on what, and when. All else is below.
func aboutOf(run *result.Run) string {
	modes := slices.DeleteFunc(slices.Clone(run.Modes), func(m result.Mode) bool { return m.Session != "" })
	parts := []string{
		unit.Counted(int64(len(modes)), "mode") + ", " + unit.Counted(int64(run.Scenario.Rounds), "round"),
		strings.Join(slices.DeleteFunc([]string{run.Stack.Kind, run.Stack.Database, run.Stack.Cache}, func(s string) bool { return s == "" }), ", "),
		run.Started.UTC().Format("2006-01-02 15:04 UTC"),
	}
	if run.Machine.Cores > 0 {
		parts = slices.Insert(parts, 2, fmt.Sprintf("%d cores", run.Machine.Cores))
	}
	return strings.Join(parts, " · ")
}

// doubtOf says why the figures of a run are not to be relied on: they are drawn all the same, to find out what went wrong.
func doubtOf(r *report.Report) string {
	switch {
	case len(r.Run.Invalid) > 0:
		return "The run is not valid. What follows shows what happened, and is no measurement of the modes."
	case r.Run.IsLimited():
		return "The generator was the bottleneck: the times below have its own delays in them, so that no mode can be called faster or slower by them. A machine with less other work, or a lower rate, would do."
	case r.Run.Interrupted:
		return "The run was stopped before its end: modes have fewer rounds than was asked for, some perhaps none."
	}
	return ""
}

// joinUnjudged gives the reason once of gates that are all not judged, for the same reason.
func (d *document) joinUnjudged(gates []result.Gate) {
	d.Unjudged = report.Unjudged(slices.DeleteFunc(slices.Clone(gates), func(g result.Gate) bool { return g.Verdict == result.LeftOut }))
	if d.Unjudged == "" {
		return
	}
	for i := range d.Gates {
		d.Gates[i].Reason, d.Gates[i].Said = "", false
	}
}
