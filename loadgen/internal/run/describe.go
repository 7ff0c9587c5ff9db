package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/app/api"
	"loadlab/internal/revision"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// newReport returns a report that says what is about to be run.
func newReport(cfg Config) *result.Run {
	s := cfg.Scenario
	rounds := cfg.Rounds
	if rounds == 0 {
		rounds = s.Rounds
	}
	now := time.Now()
	r := &result.Run{
		Schema:   result.SchemaVersion,
		ID:       fmt.Sprintf("%s-%s", now.UTC().Format("20060102-150405"), s.Name),
		Started:  now,
		Scenario: result.Scenario{Name: s.Name, Why: s.Why, File: s.File, SHA256: s.SHA256, Rounds: rounds},
		Seed:     cfg.Seed,
		Machine:  machine(),
		Commit:   revision.Get(),

		AllowLimited: cfg.AllowLimited,
	}
	for _, m := range s.Modes {
		r.Modes = append(r.Modes, result.Mode{Name: m.Name, Method: m.Method, Path: m.Path, Strategy: api.StrategyOf(m.Path)})
	}
	for _, p := range s.Phases {
		r.Phases = append(r.Phases, result.PhaseInfo{
			Name: p.Name, Kind: string(p.Kind), Load: p.Describe(), Rate: p.Rate(), Users: p.Users, Think: p.Think.Mean(),
			Warmup: p.Warmup, Mix: len(p.Mix) > 0, For: p.Length(), Total: p.Requests,
		})
	}
	return r
}

// describe fills in what the stack tells of itself.
func (r *runner) describe(ctx context.Context) error {
	s := &r.report.Stack
	s.Kind, s.Target, s.Replicas = r.stack.Kind, withoutPassword(r.stack.API), 1
	info, err := r.lab.Info(ctx)
	if errors.Is(err, lab.ErrNoLab) {
		return r.withoutLab()
	}
	if err != nil {
		return fmt.Errorf("ask the app what it is: %w", err)
	}
	config := api.Config{}
	maps.Copy(config, info.Config)
	if s.Kind == stack.Remote {
		changed, err := r.lab.PutConfig(ctx, r.Scenario.App.RunTime())
		if err != nil {
			return fmt.Errorf("configure the app: %w", err)
		}
		maps.Copy(config, changed)
	}
	s.Database, s.Cache, s.Rows = info.Database, info.Cache, info.Properties
	s.App = info.Commit + ", " + info.Go
	s.Config = shown(config)
	strategies, err := r.lab.Strategies(ctx)
	if err != nil {
		return fmt.Errorf("ask the app for its strategies: %w", err)
	}
	for _, st := range strategies {
		r.report.Strategies = append(r.report.Strategies, result.Strategy{Name: st.Name, Cold: result.Law(st.Cold), Expiry: result.Law(st.Expiry)})
	}
	return nil
}

// withoutPassword is a URL that may be shown and stored.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}

// withoutLab refuses a scenario that needs the lab controls of a target that has none.
func (r *runner) withoutLab() error {
	for _, verb := range []scenario.Verb{scenario.Flush, scenario.Expire, scenario.PriceChange} {
		if needs(r.Scenario, verb) {
			return UsageError{fmt.Errorf("%s does %s, which takes the app's lab controls: say where they are with --lab URL", r.Scenario.Name, verb)}
		}
	}
	r.report.Warnings = append(r.report.Warnings,
		"no lab controls: SQL, Redis and cache figures are what the responses said, and recomputes are unknown")
	return nil
}

// UsageError is an error in what was asked for.
type UsageError struct{ error }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.error }

// shown returns what a report says of the app's configuration: what can be changed at run time, and what is not the default.
func shown(config api.Config) map[string]string {
	said := map[string]string{}
	for name, value := range config {
		if k, ok := api.KnobNamed(name); !ok || k.RunTime || value != k.Default {
			said[name] = value
		}
	}
	return said
}
