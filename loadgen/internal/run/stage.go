package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"loadlab/loadgen/internal/fault"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/world"
)

// newStage returns what can be done to the servers of a subject, which need not be up yet: it follows from the kind of its stack.
func newStage(s *subject) fault.Stage {
	stage := fault.Stage{}
	put := func(doer func() fault.Doer, by world.Means, servers ...string) {
		for _, server := range servers {
			stage[fault.Place{Server: server, By: by}] = later(doer)
		}
	}
	signals := func() fault.Doer { return fault.Signals{Processes: processes{s.stack, s.lab}} }
	wire := func() fault.Doer { return fault.Wire{Links: s.stack.Links} }
	controls := func() fault.Doer { return fault.Controls{Lab: s.lab} }
	simulated := func() fault.Doer { return fault.Simulated{Lab: s.lab} }
	switch s.config.Kind {
	case stack.Embedded:
		put(signals, world.Process, world.Redis, world.App)
		put(wire, world.Wire, world.Redis)
		put(simulated, world.Simulated, world.Database)
		put(controls, world.Controls, world.Redis)
	case stack.Local:
		put(signals, world.Process, world.Redis, world.Database, world.App)
		put(wire, world.Wire, world.Redis, world.Database)
		put(controls, world.Controls, world.Redis, world.Database)
	case stack.Compose, stack.Remote:
		if s.config.LinksAddr != "" {
			put(wire, world.Wire, world.Redis, world.Database)
		}
		if len(s.config.Labs) > 0 {
			put(controls, world.Controls, world.Redis, world.Database)
		}
	}
	return stage
}

// later is a doer that is made when it is needed: once the stack is up.
type later func() fault.Doer

// Begin implements fault.Doer.
func (l later) Begin(ctx context.Context, f world.Fault, s world.Settings) (fault.Running, error) {
	return l().Begin(ctx, f, s)
}

// checkWorld refuses, before anything is started, a world that the stack cannot have.
func checkWorld(cfg Config, stage fault.Stage) error {
	s := cfg.Scenario
	var all []error
	refuse := func(line int, text string) {
		all = append(all, scenario.Error{File: s.File, Line: line, Col: 1, Msg: text})
	}
	for _, p := range s.Phases {
		if n := p.World.Replicas; !stack.Own(cfg.Stack.Kind) && n > len(cfg.Stack.Targets) {
			refuse(cmp.Or(p.World.ReplicasLine, p.Line), fmt.Sprintf("%d replicas take as many addresses of a service that runs already, and there %s: give --target, and --lab, once for each",
				n, wereGiven(len(cfg.Stack.Targets))))
			break
		}
		for _, f := range p.Faults {
			_, err := stage.Choose(f.Fault)
			switch {
			case err != nil:
				refuse(f.Line, err.Error())
			case f.Settings.Keep && cfg.Stack.Kind == stack.Embedded:
				refuse(f.Line, "redis: kill with keep takes a redis-server: the embedded one has no disk (--stack local)")
			}
		}
	}
	if i := moves(s); i >= 0 && len(all) == 0 && !stack.Own(cfg.Stack.Kind) && cfg.Stack.LinksAddr == "" {
		refuse(s.Phases[i].Line, "a distance that is not that of the phase before takes links, which a service that runs already does not have: give their address with --links")
	}
	if len(all) == 0 {
		return nil
	}
	return UsageError{errors.Join(all...)}
}

// moves is the index of the first phase whose servers are not as far away as those of the phase before; -1 if there is none.
func moves(s *scenario.Scenario) int {
	return slices.IndexFunc(s.Phases, func(p scenario.Phase) bool {
		first := s.Phases[0].World.Surroundings
		return p.World.Database != first.Database || p.World.Redis != first.Redis
	})
}

func wereGiven(n int) string {
	if n == 1 {
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}
