package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/world"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// describe asks the stack what it is, and configures the app of one that runs already as the scenario wants it.
func (s *subject) describe(ctx context.Context) error {
	head := &s.about.stack
	head.Kind, head.Target, head.Replicas = s.stack.Kind, redact.URL(s.stack.APIs[0]), len(s.stack.APIs)
	if !stack.Own(s.stack.Kind) {
		if err := s.lab.Align(ctx); err != nil {
			return fmt.Errorf("give every replica the settings of the first: %w", err)
		}
	}
	info, err := s.lab.Info(ctx)
	if errors.Is(err, lab.ErrNoLab) {
		return s.withoutLab()
	}
	if err != nil {
		return fmt.Errorf("ask the app what it is: %w", err)
	}
	config := api.Config{}
	maps.Copy(config, info.Config)
	if !stack.Own(s.stack.Kind) {
		set, err := s.lab.PutConfig(ctx, s.scenario.App.RunTime())
		if err != nil {
			return fmt.Errorf("configure the app: %w", err)
		}
		maps.Copy(config, set)
		s.warnOfSettings(config)
	}
	s.simulated = api.DatabaseInApp(info.Database)
	head.Database, head.Cache, head.Rows = info.Database, info.Cache, info.Properties
	head.App = info.Commit + ", " + info.Go
	head.Config = shown(config)
	s.settings = changed(s.scenario, config)
	strategies, err := s.lab.Strategies(ctx)
	if err != nil {
		return fmt.Errorf("ask the app for its strategies: %w", err)
	}
	for _, st := range strategies {
		s.about.strategies = append(s.about.strategies, result.Strategy{Name: st.Name, Cold: result.Law(st.Cold), Expiry: result.Law(st.Expiry), Hits: st.Hits, Stale: st.Stale})
	}
	return nil
}

// withoutLab refuses a scenario that needs the lab controls of a target that has none.
func (s *subject) withoutLab() error {
	if why := wantsLab(s.scenario); why != "" {
		return UsageError{fmt.Errorf("%s, which takes the app's lab controls: say where they are with --lab URL (at port %s of the target there are none of its own)", why, api.LabPort)}
	}
	s.about.warnings = append(s.about.warnings,
		"no lab controls: SQL, Redis and cache figures are what the responses said, and recomputes are unknown")
	s.warnOfSettings(nil)
	return nil
}

// wantsLab returns what the scenario does that takes lab controls; empty if it can do without.
func wantsLab(s *scenario.Scenario) string {
	for _, a := range world.Actions() {
		if a.Lab && needs(s, func(b world.Action) bool { return b.Name == a.Name }) {
			return s.Name + " does " + a.Name
		}
	}
	for _, p := range s.Phases {
		if len(p.App) > 0 {
			return fmt.Sprintf("phase %s of %s sets the app's %s", p.Name, s.Name, strings.Join(slices.Sorted(maps.Keys(p.App)), ", "))
		}
	}
	return ""
}

// warnOfSettings warns of what the scenario sets of a remote app that has other values, or may have: a setting that cannot be changed while an
// app runs, and every setting where there are no lab controls to change it with. config is the app's configuration as far as it is known.
func (s *subject) warnOfSettings(config api.Config) {
	var missed []string
	for _, k := range api.Knobs() {
		want, set := s.scenario.App[k.Name]
		has, known := config[k.Name]
		switch {
		case !set || known && has == want:
		case known:
			missed = append(missed, fmt.Sprintf("%s=%s (it has %s)", k.Name, want, has))
		default:
			missed = append(missed, k.Name+"="+want)
		}
	}
	if len(missed) > 0 {
		s.about.warnings = append(s.about.warnings,
			"the target runs already, so that not every setting of the scenario is applied: "+strings.Join(missed, ", "))
	}
}

// shown returns the part of the app's configuration that the report shows: what can be changed at run time, and what is not the default.
func shown(config api.Config) map[string]string {
	part, distances := map[string]string{}, driverKnobs(scenario.Distance{})
	for name, value := range config {
		if _, distance := distances[name]; distance {
			continue // the report has the distances as they were, of every phase
		}
		if k, ok := api.KnobNamed(name); !ok || k.RunTime || value != k.Default {
			part[name] = value
		}
	}
	return part
}
