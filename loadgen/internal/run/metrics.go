package run

import (
	"context"
	"slices"
	"strings"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
)

// metrics is the observer that shows the run to Prometheus, by the generator's own metrics. It ends after all other observers, when the verdict is
// known.
type metrics struct {
	*expose.Exporter        // nil where nobody asked for metrics
	stop             func() // ends the serving
}

// serveMetrics starts to serve the metrics of a run where cfg wants them.
func serveMetrics(ctx context.Context, cfg Config, report *result.Run, t *tracing) (*metrics, error) {
	m := &metrics{Exporter: expose.New(exposed(cfg, report), t.passedOn)}
	url, stop, err := m.Serve(context.WithoutCancel(ctx), cfg.MetricsAddr) // what an interrupted run came to is scraped, too
	if err != nil {
		return nil, UsageError{err}
	}
	m.stop = stop
	if cfg.Stack.Kind == stack.Compose { // whose network alone has that address
		cfg.log("Prometheus scrapes the generator's metrics within the compose network, at loadgen" + cfg.MetricsAddr)
	} else {
		cfg.log("the generator's metrics are at " + url)
	}
	return m, nil
}

// exposed is what the metrics have of a run from its begin on.
func exposed(cfg Config, report *result.Run) expose.Plan {
	s := cfg.Scenario
	p := expose.Plan{Info: expose.Info{RunID: report.ID, Scenario: s.Name, GitSHA: report.Commit, Stack: cfg.Stack.Kind, Baseline: report.Modes[0].Name, Jaeger: cfg.Jaeger}}
	for _, m := range report.Modes {
		kind := expose.Requests
		switch {
		case m.Session != "":
			kind = expose.Step
		case m.Steps > 0:
			kind = expose.Sessions
		}
		p.Modes = append(p.Modes, expose.Mode{Name: m.Name, App: appMode(m.Method, m.Path), Kind: kind})
	}
	for _, phase := range s.Phases {
		x := expose.Phase{Name: phase.Name, Replicas: phase.World.Replicas, For: phase.Length(), Warmup: phase.Warmup}
		for _, m := range s.Modes {
			if m.Steps == 0 && phase.Has(m) {
				x.Modes = append(x.Modes, m.Name)
			}
		}
		for _, a := range phase.Before {
			x.Actions = append(x.Actions, a.Do)
		}
		for _, a := range phase.During {
			x.Actions = append(x.Actions, a.Do)
		}
		p.Phases = append(p.Phases, x)
	}
	return p
}

// expectModes has the app expose the modes that are made of a strategy and a loader before their first request. An app that cannot has them from then on.
func (r *runner) expectModes(ctx context.Context) {
	var modes []string
	for _, m := range r.report.Modes {
		if mode := appMode(m.Method, m.Path); strings.Contains(mode, "+") {
			modes = append(modes, mode)
		}
	}
	if r.MetricsAddr == "" || len(modes) == 0 {
		return
	}
	if err := r.subject.lab.Expect(ctx, modes); err != nil {
		r.log("the app does not expose its modes before their first requests: " + err.Error())
	}
}

func (m *metrics) begin(p observedPhase) {
	names := make([]string, len(p.modes))
	for i, mode := range p.modes {
		names[i] = mode.Name
	}
	m.Begin(expose.Labels{Round: p.round, Name: p.Name, Mode: p.turn, Modes: names, Replicas: p.World.Replicas})
}

func (m *metrics) end([]measure.Tally) { m.End() }

func (m *metrics) close(context.Context) collected { return collected{} }

// blockEnded shows what the modes of a block have come to so far. It takes its time between two blocks, where nothing is measured.
func (r *runner) blockEnded(b block) {
	var modes, phases []string
	for _, p := range b.phases {
		phases = append(phases, p.Name)
		for _, m := range r.modesOf(b, p) {
			if name := r.Scenario.Modes[m].Name; !slices.Contains(modes, name) {
				modes = append(modes, name)
			}
		}
	}
	if err := r.observers.metrics.Ended(r.report, b.round, modes, phases); err != nil {
		r.warn("the figures in Prometheus: " + err.Error())
	}
}

// conclude shows the verdict of the run, and ends the serving of its metrics when that has been scraped.
func (m *metrics) conclude(report *result.Run) error {
	defer m.stop()
	return m.Judged(report)
}
