package cpuprofile

import (
	"errors"
	"strings"

	"github.com/google/pprof/profile"
)

// Collected returns which share of a program's CPU time the Go runtime's garbage collector took, from 0 to 1: marking (by its workers, idle processors and
// those who allocate), write barriers, sweeping, and giving memory back. The runtime's own account, /cpu/classes/gc, has marking and pauses alone. data is
// a profile as net/http/pprof writes it.
func Collected(data []byte) (float64, error) {
	p, value, err := read(data)
	if err != nil {
		return 0, err
	}
	var all, collected int64
	for _, s := range p.Sample {
		all += s.Value[value]
		if ofCollector(s) {
			collected += s.Value[value]
		}
	}
	if all <= 0 {
		return 0, errors.New("the CPU profile has no samples")
	}
	return float64(collected) / float64(all), nil
}

// ofCollector reports whether one of the collector's functions is on a sample's stack.
func ofCollector(s *profile.Sample) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function == nil {
				continue
			}
			name, isRuntime := strings.CutPrefix(line.Function.Name, "runtime.")
			if !isRuntime {
				continue
			}
			// As of Go 1.26: gcBgMarkWorker, gcAssistAlloc, gcStart, gcMarkDone, gcMarkTermination, gcWriteBarrier and others; wbBufFlush; bgsweep,
			// (*sweepLocked).sweep, deductSweepCredit; bgscavenge.
			if strings.HasPrefix(name, "gc") || strings.HasPrefix(name, "wbBuf") || strings.Contains(name, "sweep") || strings.Contains(name, "Sweep") ||
				strings.Contains(name, "scavenge") || strings.HasPrefix(name, "deductAssist") {
				return true
			}
		}
	}
	return false
}
