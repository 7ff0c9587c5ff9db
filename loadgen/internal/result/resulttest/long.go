package resulttest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Long is a run of so many modes, each of which had a phase of that many seconds for itself.
func Long(_ testing.TB, modes, seconds int) *result.Run {
	run := Base()
	run.ID, run.Scenario = "20261128-180000-long", result.Scenario{Name: "long", Why: "many modes for a long time", File: "scenarios/long.yaml", Rounds: 1}
	run.Modes, run.Strategies = nil, nil
	took := time.Duration(seconds) * time.Second
	run.Phases = []result.PhaseInfo{{Name: "steady", Kind: "open", Load: fmt.Sprintf("200/s for %ds", seconds), Rate: 200, For: took, Arrivals: "poisson"}}
	rng := rand.New(rand.NewPCG(1, 2))
	for m := range modes {
		name := fmt.Sprintf("mode-%02d", m+1)
		run.Modes = append(run.Modes, result.Mode{Name: name, Method: "GET", Path: "/" + name})
		// Histograms are dear: a few stand for many.
		var some []result.Second
		sum := hist.New()
		for range 8 {
			h, lag := hist.New(), hist.New()
			for range 200 {
				d := time.Duration(float64(m+1) * float64(ms) * (0.3 + rng.ExpFloat64()))
				h.Record(d)
				sum.Record(d)
				lag.Record(time.Duration(rng.IntN(900)+1) * time.Microsecond)
			}
			some = append(some, result.Second{Response: encode(h), Service: encode(h), Lag: encode(lag), SecondCounts: result.SecondCounts{Scheduled: 200, Done: 200}})
		}
		c := result.Cell{Round: 1, Mode: name, Phase: "steady", Start: time.Duration(m) * took, Took: took,
			Ledger: result.Ledger{Scheduled: int64(200 * seconds), Completed: int64(200 * seconds), Bytes: int64(200*seconds) * 48_000}, Response: summary(sum), Service: summary(sum)}
		for at := range seconds {
			s := some[rng.IntN(len(some))]
			s.At = at
			c.Seconds = append(c.Seconds, s)
		}
		run.Cells = append(run.Cells, c)
	}
	return run
}
