package report

import (
	"fmt"
	"slices"
	"strings"
)

// Exit codes, as a shell and a CI see the verdict of a run.
const (
	ExitPass         = 0
	ExitFail         = 1   // a gate failed
	ExitInconclusive = 3   // a gate could not be judged, and none failed
	ExitInvalid      = 4   // the run says nothing about the app
	ExitInterrupted  = 130 // 128 + SIGINT
)

// ExitCode is the verdict of run as a process tells it. A run that nobody waited for is interrupted before it is anything else, and an
// invalid run has no failed gates, whatever its gates say.
func ExitCode(run *Run) int {
	switch failed, open := gates(run); {
	case run.Interrupted:
		return ExitInterrupted
	case len(run.Invalid) > 0, run.limited():
		return ExitInvalid
	case failed > 0:
		return ExitFail
	case open > 0:
		return ExitInconclusive
	}
	return ExitPass
}

// limited reports whether the run is not to be judged because the generator was the bottleneck.
func (r *Run) limited() bool { return len(r.Limited) > 0 && !r.AllowLimited }

// reasons are all for which the run is invalid or limited.
func (r *Run) reasons() []string { return slices.Concat(r.Invalid, r.Limited) }

// gates counts the gates that failed and those that were not judged.
func gates(run *Run) (failed, open int) {
	for _, g := range run.Gates {
		switch g.Verdict {
		case Pass:
		case Fail:
			failed++
		default:
			open++
		}
	}
	return failed, open
}

// headline is the verdict in one word and in one sentence. A run that is judged although the generator was the bottleneck says so in
// the same line.
func headline(run *Run) (word, sentence string) {
	word, sentence = judged(run)
	if len(run.Limited) > 0 && run.AllowLimited && len(run.Invalid) == 0 {
		sentence += "; GENERATOR-LIMITED, and judged all the same: " + firstOf(run.Limited)
	}
	return word, sentence
}

func firstOf(reasons []string) string {
	s := reasons[0]
	if more := len(reasons) - 1; more > 0 {
		s += fmt.Sprintf(" (and %s below)", counted(int64(more), "more reason"))
	}
	return s
}

func judged(run *Run) (word, sentence string) {
	failed, open := gates(run)
	total := len(run.Gates)
	switch ExitCode(run) {
	case ExitInterrupted:
		return "INTERRUPTED", fmt.Sprintf("stopped after %s: the figures are partial and the gates are not judged", length(run.Took))
	case ExitInvalid:
		if len(run.Invalid) > 0 {
			return "INVALID", firstOf(run.Invalid)
		}
		return "GENERATOR-LIMITED", "not judged, because the generator was the bottleneck: " + firstOf(run.Limited)
	case ExitFail:
		return "FAIL", fmt.Sprintf("%d of %s failed", failed, counted(int64(total), "gate"))
	case ExitInconclusive:
		return "INCONCLUSIVE", fmt.Sprintf("%d of %s could not be judged", open, counted(int64(total), "gate"))
	}
	switch total {
	case 0:
		return "DONE", "measured; the scenario has no gates to judge it by"
	case 1:
		return "PASS", "its one gate holds"
	}
	return "PASS", fmt.Sprintf("all %s hold", counted(int64(total), "gate"))
}

// verdict is a gate's verdict as it is printed: one word in capitals, or NOT JUDGED.
func (g Gate) verdict() string {
	if g.Verdict == "" {
		return strings.ToUpper(NotJudged)
	}
	return strings.ToUpper(g.Verdict)
}
