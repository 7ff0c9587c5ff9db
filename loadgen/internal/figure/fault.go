package figure

import (
	"time"

	"loadlab/loadgen/internal/result"
)

// degraded sums up over the faults.
func (t *Total) degraded() (float64, bool) {
	var n int64
	for _, f := range t.Faults {
		n += f.Impact.Inside.Degraded
	}
	return float64(n), len(t.Faults) > 0
}

// detect has no value if no request showed any of the faults.
func (t *Total) detect() (float64, bool) {
	longest, seen := time.Duration(0), false
	for _, f := range t.Faults {
		if d := f.Impact.Detect; d != nil {
			longest, seen = max(longest, *d), true
		}
	}
	return Millis(longest), seen
}

// degrade counts a fault whose requests never stopped to pay with its whole length.
func (t *Total) degrade() (float64, bool) {
	return t.longest(func(f result.Fault) time.Duration { return orElse(f.Impact.Degrade, f.Ended-f.Began) })
}

// recover counts a fault from which requests did not recover with all the time that was watched.
func (t *Total) recover() (float64, bool) {
	return t.longest(func(f result.Fault) time.Duration { return orElse(f.Impact.Recover, f.Impact.Watched) })
}

func (t *Total) longest(of func(result.Fault) time.Duration) (float64, bool) {
	longest := time.Duration(0)
	for _, f := range t.Faults {
		longest = max(longest, of(f))
	}
	return Millis(longest), len(t.Faults) > 0
}

func orElse(d *time.Duration, other time.Duration) time.Duration {
	if d == nil {
		return other
	}
	return *d
}

// attempts is over the faults for which the app gives an account.
func (t *Total) attempts() (float64, bool) {
	var n int64
	var over time.Duration
	for _, f := range t.Faults {
		if f.Impact.Attempts >= 0 {
			n += f.Impact.Attempts
			over += f.Ended - f.Began
		}
	}
	if over <= 0 {
		return 0, false
	}
	return float64(n) / over.Seconds(), true
}
