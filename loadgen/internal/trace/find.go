// Package trace is what can be read from the spans of one request (result.Trace): which queries it repeated, what caused what, and the spans
// that the generator adds itself. It knows neither the network nor how spans are collected.
package trace

import (
	"strings"

	"loadlab/loadgen/internal/result"
)

// Find returns the traces that match all arguments: an id or the beginning of one, a mode, a phase, a reason. An empty argument matches
// everything.
func Find(traces []result.Trace, id, mode, phase, why string) []*result.Trace {
	var found []*result.Trace
	for i := range traces {
		t := &traces[i]
		if strings.HasPrefix(t.ID, strings.ToLower(id)) && matches(t.Mode, mode) && matches(t.Phase, phase) && isFor(t, why) {
			found = append(found, t)
		}
	}
	return found
}

// isFor reports whether a trace is kept for that reason. One that is kept for a fault may be one of the slowest as well.
func isFor(t *result.Trace, why string) bool {
	return matches(t.Why, why) || why == result.Befell && len(t.Faults) > 0
}

func matches(got, want string) bool { return want == "" || got == want }
