package finding

import (
	"fmt"

	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/unit"
)

// broken says where a strategy did not do what its law predicts.
func broken(e *evidence) []Finding {
	var all []Finding
	for _, p := range law.Predictions(e.Figures) {
		if p.Agreement != law.Differs {
			continue
		}
		all = append(all, Finding{Text: fmt.Sprintf("In %s, %s is not what its law predicts: %s. A run of correct strategies has such a difference by chance in %s of all.", name(p.Phase), name(p.Mode),
			p.Text, unit.Percent(law.Alpha)), Modes: []string{p.Mode}, Phases: []string{p.Phase}, Figures: []string{figureOf(p.Figure)}})
	}
	return all
}

// figureOf is the name in the table of a figure that is predicted.
func figureOf(predicted string) string {
	switch predicted {
	case law.HitRatio:
		return "hit_ratio"
	case law.StaleMax:
		return "stale_max"
	}
	return "recomputes"
}
