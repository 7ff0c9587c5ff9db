package report

import (
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// alike is what stands for a ratio that cannot be told from 1.
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
	at := slices.IndexFunc(r.modes, func(m result.Mode) bool { return m.Name == mode })
	if at < 0 || (r.modes[at].Steps > 0) != (r.modes[0].Steps > 0) {
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
	var own, others [][]float64
	for _, round := range r.rounds {
		a, first := value(p99, round.Total(mode, phase)), value(p99, round.Total(r.first, phase))
		if a.Known && first.Known && a.Mark == Unmarked && first.Mark == Unmarked {
			own, others = append(own, []float64{a.Value}), append(others, []float64{first.Value})
		}
	}
	ratio, err := stats.PairedRatio(own, others, stats.Level)
	if err != nil || !ratio.Bounded() || !ratio.Differs() {
		return Cell{Text: alike, Tone: Faint}
	}
	return Cell{Text: unit.TimesWithin(ratio.Value, ratio.Low, ratio.High), Value: ratio.Value, Known: true}
}
