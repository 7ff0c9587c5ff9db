package report

import (
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// replicas is what the requests of all modes came to at each replica, in the phases that have several.
func replicas(f *figure.Figures) Section {
	t := &Table{Columns: append([]Column{{Name: "replica", Title: "replica", Left: true}}, replicaColumns()...)}
	for _, p := range f.Run.Phases {
		of := f.Total("", p.Name)
		if of == nil || p.Warmup || len(of.Replicas) == 0 {
			continue
		}
		g := Group{Name: p.Name, Title: p.Name + ": " + strings.ReplaceAll(p.Balancing, "_", " ")}
		for i, r := range of.Replicas {
			g.Rows = append(g.Rows, append([]Cell{{Text: strconv.Itoa(i + 1)}}, replicaCells(r)...))
		}
		t.Groups = append(t.Groups, g)
	}
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: Replicas, Heading: "Replicas: all modes together, by the one that took the request", Table: t,
		Prose: prose("recomputes: in all rounds; out: how long the replica was out of service, in all rounds and modes: it did not answer, or reported that it was not ready.")}
}

// replicaFigures are the same of each mode, for programs.
func replicaFigures(f *figure.Figures) Section {
	t := &Table{Columns: append([]Column{{Name: "mode"}, {Name: "replica"}}, replicaColumns()...)}
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name}
		for _, m := range modes {
			for i, r := range f.Total(m, p.Name).Replicas {
				g.Rows = append(g.Rows, append([]Cell{{Text: m}, {Value: float64(i + 1), Known: true}}, replicaCells(r)...))
			}
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: ReplicaFigures, Heading: "Replicas by mode", Data: true, Table: t}
}

func replicaColumns() []Column {
	return []Column{
		{Name: "requests", Title: "requests"}, {Name: "errors", Title: "errors"}, {Name: "p50_ms", Title: "p50"}, {Name: "p99_ms", Title: "p99"},
		{Name: "recomputes", Title: "recomputes"}, {Name: "out_ms", Title: "out"},
	}
}

func replicaCells(r *figure.Replica) []Cell {
	count := func(n int64) Cell { return Cell{Text: unit.Count(n), Value: float64(n), Known: true} }
	failed, recomputes := count(r.Failed), Cell{Text: unit.None, Tone: Faint}
	if r.Failed > 0 {
		failed.Tone = Bad
	}
	if c := r.Counters(); c != nil {
		recomputes = count(c[api.CountRecomputes])
	}
	out := Cell{Text: unit.None, Tone: Faint}
	if r.Out > 0 {
		out = Cell{Text: unit.Latency(r.Out.Round(time.Millisecond)), Value: figure.Millis(r.Out), Known: true, Tone: Doubtful}
	}
	return []Cell{count(r.Requests), failed, quantile(r.Response, 0.50), quantile(r.Response, 0.99), recomputes, out}
}

// quantile is a quantile of a distribution as a cell.
func quantile(h *hist.Histogram, q float64) Cell {
	if h.Count() == 0 {
		return Cell{Text: unit.None, Tone: Faint}
	}
	d := h.Quantile(q)
	c := Cell{Text: unit.Latency(d), Value: figure.Millis(d), Known: true}
	if h.Count() < hist.Samples(q) {
		c.Text, c.Mark, c.Tone = unit.AtLeast+c.Text, TooFew, Faint
	}
	return c
}
