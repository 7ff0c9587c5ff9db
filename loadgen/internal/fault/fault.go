// Package fault does the faults of the table in package world: by signals to processes, by links, by the app's own driver, and by its lab
// controls. A fault reports what was seen of it, by the one who did it: one that nothing saw has not happened.
//
// It knows neither phases nor load.
package fault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/world"
)

// Doer does faults by one means.
type Doer interface {
	// Begin begins the fault. A fault that happens at a moment has ended when it returns.
	Begin(ctx context.Context, f world.Fault, s world.Settings) (Running, error)
}

// Running is a fault under way.
type Running interface {
	// End ends it, and returns when it is over: a server that was killed answers again.
	End(ctx context.Context) (Seen, error)
}

// Seen is what was seen of a fault.
type Seen struct {
	Effect bool   // that it took effect
	Text   string // for people: "SIGKILL ended process 4711; process 4720 answers since 3.1 s"
}

// Stage is what a lab can do to its servers.
type Stage map[Place]Doer

// Place is a server and a means by which faults can be done to it.
type Place struct {
	Server string
	By     world.Means
}

// Choose returns the best means that the stage has for a fault. The error names what it takes.
func (s Stage) Choose(f world.Fault) (world.Means, error) {
	for _, by := range f.By {
		if s[Place{f.Server, by}] != nil {
			return by, nil
		}
	}
	return "", CannotError{f, s.has(f.Server)}
}

func (s Stage) has(server string) []world.Means {
	var all []world.Means
	for place := range s {
		if place.Server == server {
			all = append(all, place.By)
		}
	}
	slices.Sort(all)
	return all
}

// CannotError is a fault that cannot be done to a stack.
type CannotError struct {
	Fault world.Fault
	Has   []world.Means
}

func (e CannotError) Error() string {
	takes := make([]string, len(e.Fault.By))
	for i, by := range e.Fault.By {
		takes[i] = needs(e.Fault, by)
	}
	return fmt.Sprintf("%s: %s takes %s, which this stack does not have", e.Fault.Server, e.Fault.Kind, strings.Join(takes, " or "))
}

// needs names what a fault by that means takes.
func needs(f world.Fault, by world.Means) string {
	if f.Kind == "lock" {
		return "PostgreSQL and the app's lab controls (--lab URL)"
	}
	return map[world.Means]string{
		world.Process:   "a process of the lab's own",
		world.Wire:      "a link (--links ADDRESS, on a stack that has them)",
		world.Simulated: "a database without a wire",
		world.Controls:  "the app's lab controls (--lab URL) and a server that can do it",
	}[by]
}

// Begin begins a fault by that means.
func (s Stage) Begin(ctx context.Context, by world.Means, f world.Fault, settings world.Settings) (Running, error) {
	running, err := s[Place{f.Server, by}].Begin(ctx, f, settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", f.Server, f.Kind, err)
	}
	return running, nil
}
