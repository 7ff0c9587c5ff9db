package run

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"loadlab/app/api"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// changed returns the settings of the app that some phase changes, as config has them: as they are in all others.
func changed(s *scenario.Scenario, config api.Config) api.Config {
	base := api.Config{}
	for _, p := range s.Phases {
		for name := range p.App {
			if value, known := config[name]; known {
				base[name] = value
			}
		}
	}
	return base
}

// configure gives the app the settings of a phase. It does so before every phase of a scenario in which any has settings of its own: an app that
// was started anew meanwhile has those of its command line.
func (s *subject) configure(ctx context.Context, p scenario.Phase) error {
	if len(s.settings) == 0 {
		return nil
	}
	want := maps.Clone(s.settings)
	maps.Copy(want, p.App)
	if _, err := s.lab.PutConfig(ctx, want); err != nil {
		return fmt.Errorf("configure the app for phase %s: %w", p.Name, err)
	}
	return nil
}

// reset puts back, on an app that outlives the run, what phases have changed.
func (s *subject) reset(ctx context.Context) error {
	if stack.Own(s.stack.Kind) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	var configured, limited error
	if len(s.settings) > 0 {
		_, configured = s.lab.PutConfig(ctx, s.settings)
	}
	if s.around.now.MaxMemory > 0 {
		_, limited = s.lab.LimitMemory(ctx, api.RedisMemory{})
	}
	if err := errors.Join(configured, limited); err != nil {
		return fmt.Errorf("put back what phases have changed: %w", err)
	}
	return nil
}
