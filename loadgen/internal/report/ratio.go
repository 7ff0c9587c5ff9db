package report

import (
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// alike is what stands for a ratio that cannot be told from 1. One that has no interval is unit.None: nothing is known of it, which is less than that it is about 1.
const alike = "~"

// ratios compare the p99 of each mode with that of the first in the same phase, by the interval of their ratio over the rounds.
type ratios struct {
	first  string
	modes  []result.Mode
	rounds []*figure.Figures
}

// newRatios reports false if there is nothing to compare.
func newRatios(f *figure.Figures) (ratios, bool) {
	r := ratios{modes: compared(f.Run)}
	if len(r.modes) < 2 {
		return r, false
	}
	rounds, err := f.Rounds()
	r.first, r.rounds = r.modes[0].Name, rounds
	return r, err == nil // the histograms have been read before
}

// cell is the mode's ratio, if every round has both p99s, and both are of requests or both of sessions. It has no value where it cannot be told
// from 1.
func (r ratios) cell(f *figure.Figures, mode, phase string) Cell {
	none := Cell{Text: unit.None, Tone: Faint}
	if !r.comparable(mode) {
		return none
	}
	p99, _ := figure.Named("p99")
	a, first := value(p99, f.Total(mode, phase)), value(p99, f.Total(r.first, phase))
	none.Mark = max(a.Mark, first.Mark)
	if !a.Known || !first.Known || none.Mark != Unmarked {
		return none
	}
	if mode == r.first {
		return Cell{Text: unit.Times(1), Value: 1, Known: true}
	}
	return ratioCell(r.of(p99, mode, phase))
}

// known reports whether any mode has an interval of its ratio to the first: otherwise a column of ratios would be empty.
func (r ratios) known(f *figure.Figures) bool {
	for _, p := range f.Phases() {
		if slices.ContainsFunc(r.modes, func(m result.Mode) bool {
			return m.Name != r.first && f.Total(m.Name, p) != nil && r.cell(f, m.Name, p).Text != unit.None
		}) {
			return true
		}
	}
	return false
}

// comparable reports whether a mode is compared with the first: both are of requests, or both of sessions.
func (r ratios) comparable(mode string) bool {
	at := slices.IndexFunc(r.modes, func(m result.Mode) bool { return m.Name == mode })
	return at >= 0 && (r.modes[at].Steps > 0) == (r.modes[0].Steps > 0)
}

// of is the ratio of a figure of a mode to that of the first mode.
func (r ratios) of(x figure.Figure, mode, phase string) (stats.Ratio, error) {
	return pairedRatio(x, phase, side{r.rounds, mode}, side{r.rounds, r.first})
}

// side is one of the two that are compared: a mode, in each of its rounds.
type side struct {
	rounds []*figure.Figures
	mode   string
}

// values are those of a figure by round.
func (s side) values(x figure.Figure, phase string) []float64 {
	var all []float64
	for _, r := range s.rounds {
		all = append(all, x.Comparable(r.Total(s.mode, phase)))
	}
	return all
}

// pairedRatio is the ratio of a figure of one side to that of another, from the rounds that have both.
func pairedRatio(x figure.Figure, phase string, of, to side) (stats.Ratio, error) {
	return figure.PairedRatio(of.values(x, phase), to.values(x, phase))
}

// ratioCell is a ratio with its interval. It has no value where there is no interval, nor where it cannot be told from 1.
func ratioCell(ratio stats.Ratio, err error) Cell {
	switch {
	case err != nil || !ratio.Bounded():
		return Cell{Text: unit.None, Tone: Faint}
	case !ratio.Differs():
		return Cell{Text: alike, Tone: Faint}
	}
	return Cell{Text: unit.TimesWithin(ratio.Value, ratio.Low, ratio.High), Value: ratio.Value, Known: true}
}

// ratioFigures are the ratios of the percentiles of every mode to those of the first, with their intervals, for programs.
func ratioFigures(f *figure.Figures) Section {
	r, ok := newRatios(f)
	if !ok {
		return Section{}
	}
	t := &Table{Columns: []Column{{Name: "mode"}, {Name: "to"}, {Name: "figure"}, {Name: "ratio"}, {Name: "low"}, {Name: "high"}, {Name: "rounds"}, {Name: "differs"}}}
	number := func(x float64, known bool) Cell { return Cell{Value: x, Known: known} }
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name}
		for _, mode := range modes {
			if !r.comparable(mode) || mode == r.first {
				continue
			}
			for _, name := range []string{"p50", "p95", "p99"} {
				x, _ := figure.Named(name)
				ratio, err := r.of(x, mode, p.Name)
				if err != nil {
					continue
				}
				differs := "no"
				if ratio.Bounded() && ratio.Differs() {
					differs = "yes"
				}
				g.Rows = append(g.Rows, []Cell{{Text: mode}, {Text: r.first}, {Text: name}, number(ratio.Value, true), number(ratio.Low, ratio.Bounded()),
					number(ratio.High, ratio.Bounded()), number(float64(ratio.N), true), {Text: differs}})
			}
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: Ratios, Heading: "Ratios", Data: true, Table: t}
}
