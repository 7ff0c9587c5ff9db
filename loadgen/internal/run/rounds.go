package run

import (
	"slices"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// DefaultBudget is how long a run may take that goes on until its gates are decided.
const DefaultBudget = 3 * time.Minute

// looks are the numbers of rounds after which such a run is judged. Whoever looks often enough at intervals of 95% finds what he looks for: each
// look has its share of the 5%, so that all together are wrong about a gate no more often than one look of any other run.
func looks() []int { return []int{3, 4, 6, 8, 12, 16, 24, 32, 48, 64} }

// levelOf is the level of the intervals by which a run is judged.
func levelOf(auto bool) float64 {
	if !auto {
		return stats.Level
	}
	return 1 - (1-stats.Level)/float64(len(looks()))
}

// goOn reports whether a run that goes on until its gates are decided has another round after those that are done.
func (r *runner) goOn(done int) bool {
	took := time.Since(r.report.Started)
	switch {
	case !r.Auto:
		return true
	case took+took/time.Duration(done) > r.Budget:
		return false
	case !slices.ContainsFunc(r.Scenario.Gates, func(g *gate.Gate) bool { return g.Relative() && len(leftOut(r.report, g)) == 0 }):
		return false // one round has all that counts
	case !slices.Contains(looks(), done):
		return true
	}
	trial := *r.report
	judge(&trial, r.Scenario.Gates)
	return slices.ContainsFunc(trial.Gates, func(g result.Gate) bool { return g.Verdict == result.Inconclusive || g.Verdict == result.NotJudged })
}

// roundsOf returns the figures of each round of a run for its gates.
func roundsOf(f *figure.Figures, level float64) (gate.Rounds, error) {
	rounds := gate.Rounds{Level: level, Interval: f.Interval}
	all, err := f.Rounds()
	for _, of := range all {
		rounds.Figures = append(rounds.Figures, of)
	}
	return rounds, err
}

// roundsDone is how many rounds a run had.
func roundsDone(r *result.Run) (n int) {
	for _, c := range r.Cells {
		n = max(n, c.Round)
	}
	return n
}

// shownRounds is how many rounds the run will have; 0 if nobody knows.
func (r *runner) shownRounds() int {
	if r.Auto {
		return 0
	}
	return r.report.Scenario.Rounds
}
