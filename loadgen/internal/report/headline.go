package report

import (
	"fmt"
	"strings"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// headline is the verdict in one word and in one sentence. A run that is judged although the generator was the bottleneck has that in
// the same line.
func headline(run *result.Run) (word, sentence string) {
	word, sentence = result.Word(run), judged(run)
	if len(run.Limited) > 0 && run.AllowLimited && len(run.Invalid) == 0 {
		sentence += "; GENERATOR-LIMITED, and judged all the same: " + firstOf(run.Limited)
	}
	return word, sentence
}

func firstOf(reasons []string) string {
	s := reasons[0]
	if more := len(reasons) - 1; more > 0 {
		s += fmt.Sprintf(" (and %s below)", unit.Counted(int64(more), "more reason"))
	}
	return s
}

// judged is what the verdict of a run says.
func judged(run *result.Run) string {
	n := result.CountGates(run)
	gates := unit.Counted(int64(n.Total), "gate")
	rest := leftOut(n.LeftOut)
	switch result.ExitCode(run) {
	case result.ExitInterrupted:
		return fmt.Sprintf("stopped after %s: the figures are partial and the gates are not judged", unit.Length(run.Took))
	case result.ExitInvalid:
		if len(run.Invalid) > 0 {
			return firstOf(run.Invalid)
		}
		return "not judged, because the generator was the bottleneck: " + firstOf(run.Limited)
	case result.ExitFail:
		if n.Total == 0 {
			return "no request succeeded"
		}
		return fmt.Sprintf("%d of %s failed", n.Failed, gates) + rest
	case result.ExitInconclusive:
		if n.Total == 0 {
			return "no gate is judged: all are of modes that are left out"
		}
		return fmt.Sprintf("%d of %s could not be judged", n.Open, gates) + wanted(run) + rest
	}
	switch n.Total {
	case 0:
		return "measured; the scenario has no gates to judge it by"
	case 1:
		return "its one gate holds" + rest
	}
	return fmt.Sprintf("all %s hold", gates) + rest
}

// leftOut is the part of a sentence about gates that are left out.
func leftOut(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 more is of a mode that is left out"
	}
	return fmt.Sprintf("; %d more are of modes that are left out", n)
}

// wanted is what would decide the gates that are open: rounds, if any gate says how many.
func wanted(run *result.Run) string {
	more := 0
	for _, g := range run.Gates {
		more = max(more, g.More)
	}
	if more == 0 {
		return ""
	}
	return fmt.Sprintf("; about %s would decide (--rounds %d, or --rounds auto)", unit.Counted(int64(more), "more round"), run.Scenario.Rounds+more)
}

// verdictOf is a gate's verdict as it is printed: one word in capitals, or NOT JUDGED.
func verdictOf(g result.Gate) string {
	if g.Verdict == "" {
		return strings.ToUpper(result.NotJudged)
	}
	return strings.ToUpper(g.Verdict)
}

// tone is that of a verdict.
func tone(word string) Tone {
	switch word {
	case "PASS":
		return Good
	case "FAIL", "INVALID", "GENERATOR-LIMITED":
		return Bad
	case "DONE":
		return Plain
	case strings.ToUpper(result.LeftOut):
		return Faint
	}
	return Doubtful
}
