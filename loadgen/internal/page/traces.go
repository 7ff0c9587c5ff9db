package page

import (
	"cmp"
	"slices"

	"loadlab/loadgen/internal/report/waterfall"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
)

// traceData is a kept trace, laid out as a waterfall.
type traceData struct {
	ID       string      `json:"id"`
	Mode     int         `json:"mode"`  // -1 if it is of none
	Phase    int         `json:"phase"` // -1 if it is of none, or of a warm-up
	Round    int         `json:"round,omitempty"`
	Why      string      `json:"why"`
	At       int64       `json:"at"` // due, since the phase began
	Response int64       `json:"response,omitempty"`
	Failed   string      `json:"failed,omitempty"`
	Remarks  [][2]string `json:"remarks,omitempty"` // a class and a text
	Rows     []rowData   `json:"rows"`
}

// rowData is a line of a waterfall: a span, spans that are alike, or a remark without any.
type rowData struct {
	Label string     `json:"label"` // indented by blanks
	Layer string     `json:"layer,omitempty"`
	Bars  [][2]int64 `json:"bars,omitempty"` // when each began, since the request was due, and how long it took
}

// maxSpans bounds the spans of all traces of a page: with more it would be too large to be sent around.
const maxSpans = 30_000

// tracesOf lays out the traces of a run: the slowest of each mode and phase before the others, as far as there is room.
func (d *runData) tracesOf(run *result.Run) {
	order := slices.Clone(run.Traces)
	rank := map[string]int{result.Slowest: 0, result.Befell: 1, result.Linked: 2, result.Median: 3}
	slices.SortStableFunc(order, func(a, b result.Trace) int {
		return cmp.Or(cmp.Compare(rank[a.Why], rank[b.Why]), cmp.Compare(b.Response, a.Response))
	})
	spans := 0
	for i := range order {
		if spans += len(order[i].Spans); spans > maxSpans {
			d.NoTraces = len(order) - i
			break
		}
		d.Traces = append(d.Traces, d.traceOf(run, &order[i]))
	}
}

func (d *runData) traceOf(run *result.Run, t *result.Trace) traceData {
	of := laidOut(t)
	of.Mode = slices.IndexFunc(run.Modes, func(m result.Mode) bool { return m.Name == t.Mode })
	of.Phase = slices.IndexFunc(d.Phases, func(p phaseData) bool { return p.Name == tty.Clean(t.Phase) })
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Mode == t.Mode && c.Phase == t.Phase && c.Round == t.Round {
			of.At = max(micros(t.Due.Sub(run.Started)-c.Start), 0)
		}
	}
	return of
}

// laidOut lays out a trace.
func laidOut(t *result.Trace) traceData {
	of := traceData{ID: tty.Clean(t.ID), Mode: -1, Phase: -1, Round: t.Round, Why: tty.Clean(t.Why), Response: micros(t.Response), Failed: tty.Clean(t.Failed), Rows: []rowData{}}
	for _, r := range waterfall.Remarks(t) {
		of.Remarks = append(of.Remarks, [2]string{layerOf(r.Color), r.Text})
	}
	for _, r := range waterfall.Rows(t, false) {
		row := rowData{Label: r.Label, Layer: layerOf(r.Color)}
		for _, s := range r.Spans {
			row.Bars = append(row.Bars, [2]int64{micros(s.Start), max(micros(s.Duration), 0)})
		}
		of.Rows = append(of.Rows, row)
	}
	return of
}

// layerOf is the class of what a terminal shows in a colour.
func layerOf(c tty.Color) string {
	return map[tty.Color]string{tty.Green: "sql", tty.Magenta: "redis", tty.Yellow: "cache", tty.Blue: "server", tty.Red: "failed", tty.Faint: "wait", tty.Cyan: "link"}[c]
}
