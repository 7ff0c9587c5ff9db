package run

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
)

// validate puts into the report why the run cannot be judged, if it cannot.
func validate(r *result.Run) {
	var scheduled int64
	for _, c := range r.Cells {
		scheduled += c.Ledger.Scheduled
		if !c.Ledger.Balanced() {
			r.Invalid = append(r.Invalid, fmt.Sprintf("the ledger of %s in %s, round %d, does not balance: %d scheduled, %d completed, %d failed",
				c.Mode, c.Phase, c.Round, c.Ledger.Scheduled, c.Ledger.Completed, c.Ledger.Errors()))
		}
	}
	r.Limited = slices.Concat(generatorLimits(r.Drivers), spreadLimits(r), refusals(r))
	if scheduled == 0 && !r.Interrupted && len(r.Invalid) == 0 {
		r.Invalid = append(r.Invalid, "nothing was measured")
	}
}

// judge judges the gates, if the run may be judged.
func judge(r *result.Run, gates []*gate.Gate) {
	reason := ""
	switch {
	case r.Interrupted:
		reason = "the run was interrupted"
	case len(r.Invalid) > 0:
		reason = "the run is invalid"
	case len(r.Limited) > 0 && !r.AllowLimited:
		reason = "the generator was the bottleneck (--allow-limited judges all the same)"
	}
	figures, err := predicted(r)
	if err != nil && reason == "" {
		r.Invalid = append(r.Invalid, err.Error())
		reason = "the run is invalid"
	}
	var rounds gate.Rounds
	if reason == "" {
		if rounds, err = roundsOf(figures, r.Level); err != nil {
			r.Invalid = append(r.Invalid, err.Error())
			reason = "the run is invalid"
		}
	}
	for _, g := range gates {
		judged := result.Gate{Expr: g.Expr, Line: g.Line, Verdict: result.NotJudged, Reason: reason}
		if missing := leftOut(r, g); len(missing) > 0 {
			judged.Verdict, judged.Reason = result.LeftOut, "the run is without "+strings.Join(missing, ", ")
		} else if reason == "" {
			res := g.Judge(figures, rounds)
			judged.Verdict, judged.Compared, judged.Reason, judged.More = string(res.Verdict), res.Compared, res.Reason, res.More
		}
		r.Gates = append(r.Gates, judged)
	}
	for _, a := range r.Aborted {
		judged := result.Gate{
			Expr: "abort_when: " + a.When, Line: a.Line, Verdict: result.Fail, Compared: a.Figure + " is " + a.Value + ", more than " + a.Bound, Reason: sentence(a),
		}
		if reason != "" {
			judged.Verdict, judged.Compared, judged.Reason = result.NotJudged, "", reason
		}
		r.Gates = append(r.Gates, judged)
	}
}

// leftOut returns the modes that a gate names and the run was not to have.
func leftOut(r *result.Run, g *gate.Gate) []string {
	return slices.DeleteFunc(g.Modes(), func(mode string) bool { return !slices.Contains(r.Scenario.LeftOut, mode) })
}

// predicted returns the figures of the run, and puts what its laws predict into the report first: it is a figure too.
func predicted(r *result.Run) (*figure.Figures, error) {
	figures, err := figure.New(r)
	if err != nil {
		return nil, err
	}
	for _, p := range law.Predictions(figures) {
		if p.Agreement == law.Unknown {
			continue
		}
		predicted := p.Predicted
		if p.Figure == law.StaleMax { // a gate has no allowance of its own
			predicted = p.Most
		}
		r.Predictions = append(r.Predictions, result.Prediction{Mode: p.Mode, Phase: p.Phase, Figure: p.Figure, Predicted: predicted})
	}
	return figure.New(r)
}
