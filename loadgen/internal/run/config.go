package run

import (
	"fmt"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// Config is what to run, and on what.
type Config struct {
	Scenario *scenario.Scenario
	Stack    stack.Config
	Seed     uint64
	Rounds   int // 0: the scenario's
	// Auto is whether the run goes on, round after round, until its gates are decided or the Budget is spent.
	Auto   bool
	Budget time.Duration
	Client client.Options // how requests are made; the sampler is the run's own
	// AllowLimited judges the gates also when the generator was the bottleneck.
	AllowLimited bool
	MetricsAddr  string  // where the generator's own metrics are served; empty for nowhere
	Traces       float64 // requests a second that are traced, in phases that leave it open; negative: nothing is traced in any phase
	Grafana      Grafana // where the dashboards are that show the run
	Jaeger       string  // where a browser finds Jaeger, to which they link
	OTLP         string  // an OTLP/HTTP endpoint that all spans are passed on to; empty for none
	// OTLPListen is where the services of a remote stack export their spans to: 127.0.0.1:4318; empty for nowhere. OTLPWait is how long after the last traced request
	// spans are waited for; 0 is DefaultOTLPWait.
	OTLPListen string
	OTLPWait   time.Duration
	Progress   Progress
	Workers    Workers     // other processes that send the load
	Live       *live.Watch // a page that shows the run; nil for none
}

// Progress shows a run while it goes on. Begin is called when a phase begins, and end with its last figures. Until then figures may be called
// from any goroutine.
type Progress interface {
	Begin(phase progress.Heading, figures func() progress.Figures) (end func(progress.Figures))
}

// UsageError is an error in what was asked for.
type UsageError struct{ error }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.error }

// log writes a line to the stack's log, if there is one. A log that is gone is no reason to stop.
func (c Config) log(line string) {
	if c.Stack.Log != nil {
		_, _ = fmt.Fprintln(c.Stack.Log, line)
	}
}

// logMissingViews names, on real servers, the places in which the run will not be seen: nobody should look for it in Grafana in vain.
func (c Config) logMissingViews() {
	if c.Stack.Kind != stack.Local {
		return
	}
	if c.MetricsAddr == "" {
		c.log("not in Grafana: no Prometheus scrapes this run (--metrics-addr serves the generator's metrics)")
	}
	if c.OTLP == "" && c.Traces >= 0 {
		c.log("not in Jaeger: traces are kept in run.json alone, for loadgen trace (--otlp URL passes them on)")
	}
}
