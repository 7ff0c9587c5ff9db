package run

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/unit"
)

// divided returns what of a scenario is not the same when each of n workers has it for itself, which more than one do.
func divided(s *scenario.Scenario, n, replicas int) []string {
	if n < 2 {
		return nil
	}
	var differs []string
	if replicas > 1 && slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool { return p.World.Balancing == balance.LeastInFlight && p.World.Replicas > 1 }) {
		differs = append(differs, fmt.Sprintf("balancing: %s: each of the %d workers counts its own requests alone: with few of them in flight it is closer to random than with one process", balance.LeastInFlight, n))
	}
	var modes []string
	for _, m := range s.Modes {
		if m.Conditional {
			modes = append(modes, m.Name)
		}
	}
	if len(modes) > 0 {
		differs = append(differs, fmt.Sprintf("conditional (%s): each of the %d workers keeps copies of its own, as %d browsers would: a new page is fetched in full %d times, and not once",
			strings.Join(modes, ", "), n, n, n))
	}
	return append(differs, dividedBounds(s, n)...)
}

// dividedBounds is what becomes of the bounds of connections that a scenario sets.
func dividedBounds(s *scenario.Scenario, n int) []string {
	var differs []string
	add := func(key string, bound int) {
		share := "each has " + parts(bound, n)
		if bound < n {
			share = fmt.Sprintf("each has one, %d together", n)
		}
		text := fmt.Sprintf("%s: %d is divided among %d workers (%s): one whose connections are all busy does not use another's", key, bound, n, share)
		if !slices.Contains(differs, text) {
			differs = append(differs, text)
		}
	}
	if s.MaxInFlight > 0 {
		add("max_in_flight", s.MaxInFlight)
	}
	for _, p := range s.Phases {
		if p.Kind == scenario.Open && p.Connections != scenario.DefaultConnections {
			add("connections", p.Connections)
		}
	}
	return differs
}

// parts are the shares that n workers have of a bound: the first ones one more, if it is no multiple.
func parts(bound, n int) string {
	most, least := arrival.Share{Index: 0, Of: n}.Count(int64(bound)), arrival.Share{Index: n - 1, Of: n}.Count(int64(bound))
	if most == least {
		return unit.Count(most)
	}
	return fmt.Sprintf("%s or %s", unit.Count(most), unit.Count(least))
}
