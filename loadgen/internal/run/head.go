package run

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"loadlab/internal/redact"
	"loadlab/internal/revision"
	"loadlab/loadgen/internal/result"
)

// newReport returns the report of a run that is about to begin: its head, and nothing measured.
func newReport(cfg Config) *result.Run {
	s := cfg.Scenario
	rounds := cmp.Or(cfg.Rounds, s.Rounds)
	if cfg.Auto {
		rounds = slices.Max(looks())
	}
	now := time.Now()
	r := &result.Run{
		Schema:   result.SchemaVersion,
		ID:       fmt.Sprintf("%s-%s", now.UTC().Format("20060102-150405"), s.Name),
		Started:  now,
		Scenario: result.Scenario{Name: s.Name, Why: s.Why, File: s.File, SHA256: s.SHA256, Rounds: rounds, LeftOut: s.LeftOut},
		Seed:     cfg.Seed,
		Machine:  machine(),
		Commit:   revision.Get(),

		AllowLimited: cfg.AllowLimited, Level: levelOf(cfg.Auto),
	}
	if s.Objective != nil {
		r.Scenario.Objective = &result.Objective{Figure: s.Objective.Figure, AtMost: s.Objective.AtMost}
	}
	for _, m := range s.Modes {
		r.Modes = append(r.Modes, result.Mode{
			Name: m.Name, Method: m.Method, Path: redact.URL(m.Path), Strategy: strategyOf(m.Path), Session: m.Session, Steps: m.Steps, Keys: keysOf(m),
		})
	}
	for _, p := range s.Phases {
		info := result.PhaseInfo{
			Name: p.Name, Kind: string(p.Kind), Load: p.Describe(), Rate: p.Rate(), Users: p.Users, Think: p.Think.Mean(),
			Warmup: p.Warmup, Mix: len(p.Mix) > 0, For: p.Length(), Total: p.Requests, Arrivals: string(p.Arrivals), Varies: p.Varies(), App: p.App,
			MaxMemory: p.World.MaxMemory,
		}
		if p.World.Replicas > 1 {
			info.Replicas, info.Balancing = p.World.Replicas, string(p.World.Balancing)
		}
		for _, e := range p.During {
			info.During = append(info.During, e.Do)
		}
		r.Phases = append(r.Phases, info)
	}
	return r
}
