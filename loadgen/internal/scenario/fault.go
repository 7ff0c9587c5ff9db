package scenario

import (
	"fmt"
	"strings"
	"time"

	"loadlab/loadgen/internal/world"
)

// Fault is what befalls a server during a phase.
type Fault struct {
	At, For  time.Duration // since the phase began; For is 0 of a fault that happens at a moment
	Fault    world.Fault
	Settings world.Settings
	Line     int // in the file
}

// Describe renders the fault for people: "redis stop from 3s to 6s", "redis flush at 3s".
func (f Fault) Describe() string {
	parts := []string{f.Fault.Server, f.Fault.Kind}
	if s := f.Settings.Share; s > 0 && s < 1 {
		parts = append(parts, fmt.Sprintf("%.3g%% of connections", 100*s))
	}
	if d := f.Settings.Delay; d > 0 {
		parts = append(parts, "by "+length(d))
	}
	if n := f.Settings.Replica; n > 0 {
		parts = append(parts, fmt.Sprintf("of replica %d", n))
	}
	if f.Fault.Moment {
		return strings.Join(parts, " ") + " at " + length(f.At)
	}
	return strings.Join(parts, " ") + " from " + length(f.At) + " to " + length(f.At+f.For)
}
