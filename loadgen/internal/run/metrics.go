package run

import (
	"context"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
)

// metrics is the observer that shows the load to Prometheus, by the generator's own metrics.
type metrics struct {
	*expose.Exporter
	stop func() // ends the serving
}

// serveMetrics starts to serve the metrics of a run where cfg wants them.
func serveMetrics(ctx context.Context, cfg Config, report *result.Run) (*metrics, error) {
	m := &metrics{Exporter: expose.New(expose.Info{RunID: report.ID, Scenario: report.Scenario.Name, GitSHA: report.Commit})}
	url, stop, err := m.Serve(ctx, cfg.MetricsAddr)
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

func (m *metrics) begin(p observedPhase) {
	names := make([]string, len(p.modes))
	for i, mode := range p.modes {
		names[i] = mode.Name
	}
	m.Begin(expose.Labels{Round: p.round, Name: p.Name, Mode: p.turn, Modes: names, Replicas: p.World.Replicas})
}

func (m *metrics) end([]measure.Tally) { m.End() }

func (m *metrics) close(context.Context) collected {
	m.stop()
	return collected{}
}
