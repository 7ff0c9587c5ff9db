package run

import (
	"context"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/measure"
)

// watched is the observer that shows the run on a page.
type watched struct{ *live.Watch }

func (w watched) begin(p observedPhase) {
	names := make([]string, len(p.modes))
	for i, m := range p.modes {
		names[i] = m.Name
	}
	w.Begin(live.Phase{Round: p.round, Rounds: p.rounds, Name: p.Name, Turn: p.turn, Load: p.Describe(), Warmup: p.Warmup, Took: names})
}

func (w watched) end([]measure.Tally) { w.End() }

func (w watched) close(context.Context) collected {
	w.Stopped()
	return collected{}
}
