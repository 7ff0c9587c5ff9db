package result

import "slices"

// Exit codes, as a shell and a CI see the verdict of a run.
const (
	ExitPass         = 0
	ExitFail         = 1   // a gate failed
	ExitInconclusive = 3   // a gate could not be judged, and none failed
	ExitInvalid      = 4   // the run has no meaning for the app
	ExitInterrupted  = 130 // 128 + SIGINT
)

// ExitCode is the verdict of run as a process returns it. A run that was interrupted is that before anything else, and an
// invalid run has no failed gates, whatever its gates are.
func ExitCode(run *Run) int {
	switch failed, open := CountGates(run); {
	case run.Interrupted:
		return ExitInterrupted
	case len(run.Invalid) > 0, run.IsLimited():
		return ExitInvalid
	case failed > 0:
		return ExitFail
	case open > 0:
		return ExitInconclusive
	}
	return ExitPass
}

// IsLimited reports whether the run is not to be judged because the generator was the bottleneck.
func (r *Run) IsLimited() bool { return len(r.Limited) > 0 && !r.AllowLimited }

// Reasons are all for which the run is invalid or limited.
func (r *Run) Reasons() []string { return slices.Concat(r.Invalid, r.Limited) }

// CountGates counts the gates that failed and those that were not judged.
func CountGates(run *Run) (failed, open int) {
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
