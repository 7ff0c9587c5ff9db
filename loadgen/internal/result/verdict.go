package result

import "slices"

// Exit codes, as a shell and a CI see the verdict of a run.
const (
	ExitPass         = 0
	ExitFail         = 1   // a gate failed, or without gates every request
	ExitInconclusive = 3   // a gate could not be judged, or all are left out, and none failed
	ExitInvalid      = 4   // the run has no meaning for the app
	ExitInterrupted  = 130 // 128 + SIGINT
)

// ExitCode is the verdict of run as a process returns it. A run that was interrupted is that before anything else, and an
// invalid run has no failed gates, whatever its gates are.
func ExitCode(run *Run) int {
	switch n := CountGates(run); {
	case run.Interrupted:
		return ExitInterrupted
	case len(run.Invalid) > 0, run.IsLimited():
		return ExitInvalid
	case n.Failed > 0, len(run.Gates) == 0 && run.NoneSucceeded():
		return ExitFail
	case n.Open > 0, n.LeftOut > 0 && n.Total == 0:
		return ExitInconclusive
	}
	return ExitPass
}

// Word is the verdict of run in one word: PASS, FAIL, INCONCLUSIVE, INVALID, GENERATOR-LIMITED, INTERRUPTED, or DONE if it has no gates.
func Word(run *Run) string {
	switch ExitCode(run) {
	case ExitInterrupted:
		return "INTERRUPTED"
	case ExitInvalid:
		if len(run.Invalid) > 0 {
			return "INVALID"
		}
		return "GENERATOR-LIMITED"
	case ExitFail:
		return "FAIL"
	case ExitInconclusive:
		return "INCONCLUSIVE"
	}
	if CountGates(run).Total == 0 {
		return "DONE"
	}
	return "PASS"
}

// IsLimited reports whether the run is not to be judged because the generator was the bottleneck.
func (r *Run) IsLimited() bool { return len(r.Limited) > 0 && !r.AllowLimited }

// NoneSucceeded reports whether requests were made, and none of them completed as it should.
func (r *Run) NoneSucceeded() bool {
	var scheduled, completed int64
	for _, c := range r.Cells {
		scheduled += c.Ledger.Scheduled
		completed += c.Ledger.Completed
	}
	return scheduled > 0 && completed == 0
}

// Reasons are all for which the run is invalid or limited.
func (r *Run) Reasons() []string { return slices.Concat(r.Invalid, r.Limited) }

// GateCount is how many gates of a run there are.
type GateCount struct {
	Total   int // without those that are left out
	Failed  int
	Open    int // they were not judged, or are inconclusive
	LeftOut int
}

// CountGates counts the gates by what became of them.
func CountGates(run *Run) (n GateCount) {
	for _, g := range run.Gates {
		switch g.Verdict {
		case Pass:
		case Fail:
			n.Failed++
		case LeftOut:
			n.LeftOut++
		default:
			n.Open++
		}
	}
	n.Total = len(run.Gates) - n.LeftOut
	return n
}
