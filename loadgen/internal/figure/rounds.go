package figure

import (
	"slices"

	"loadlab/loadgen/internal/result"
)

// Rounds returns the figures of each round alone, in their order: what is independent of each other in a run.
func (f *Figures) Rounds() ([]*Figures, error) { return f.rounds() }

func (f *Figures) byRound() ([]*Figures, error) {
	cells := map[int][]result.Cell{}
	var rounds []int
	for _, c := range f.Run.Cells {
		if !slices.Contains(rounds, c.Round) {
			rounds = append(rounds, c.Round)
		}
		cells[c.Round] = append(cells[c.Round], c)
	}
	slices.Sort(rounds)
	var all []*Figures
	for _, n := range rounds {
		run := *f.Run
		run.Cells, run.Predictions = cells[n], nil // those are of all rounds
		of, err := New(&run)
		if err != nil {
			return nil, err
		}
		all = append(all, of)
	}
	return all, nil
}

// Noisy reports whether the figure is of times or rates, which are different each time they are measured: comparisons of such are judged by their
// intervals. Counts are what they are.
func (f Figure) Noisy() bool { return f.Unit == Milliseconds || f.Unit == PerSecond }

// Predicted reports whether the figure is what a law says of a whole run, so that no round has it.
func (f Figure) Predicted() bool { return f.predicted }
