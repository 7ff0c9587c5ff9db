package e2e_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/otel/signal"
)

// The response time by second since the phase began is that of what was due in it, over both rounds.
func (s *seen) testSeconds(t *testing.T) {
	for _, mode := range []string{ttl, singleflight, "swr"} {
		for second := range 2 {
			var parts []cell
			for _, c := range s.run.Cells {
				if c.Mode == mode && c.Phase == "expiry" && second < len(c.Seconds) {
					c.Seconds = c.Seconds[second : second+1]
					parts = append(parts, c)
				}
			}
			want := timesOf(t, response, parts...)
			for _, q := range []float64{.5, .95, .99} {
				result := s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run", %s=%q, %s="expiry", %s="00%d", %s="%g"}[$__range])`, signal.LoadPhaseResponse,
					signal.LabelRunID, signal.LabelMode, mode, signal.LabelPhase, signal.LabelSecond, second, signal.LabelQuantile, q), "", "")
				if len(result) != 1 || len(parts) != 2 {
					t.Fatalf("second %d of %s: %d series of p%g, %d rounds", second, mode, len(result), 100*q, len(parts))
				}
				if got := s.value(t, result[0]); math.Abs(got/want.quantile(q)-1) > digits {
					t.Errorf("second %d of %s: p%g is %v, run.json has %v", second, mode, 100*q, got, want.quantile(q))
				}
			}
		}
	}
}

// The recomputes and the requests that waited, by second since the phase began, are those of run.json, the mean of both rounds.
func (s *seen) testCountedBySecond(t *testing.T) {
	for _, test := range []struct {
		panel string
		of    func(c cell, add func(second int, n int64))
	}{
		{"Recomputes by second", func(c cell, add func(int, int64)) {
			for _, h := range c.Herds {
				add(int(h.At/time.Second), h.Size)
			}
		}},
		{"Requests that waited by second", func(c cell, add func(int, int64)) {
			for _, second := range c.Seconds {
				add(second.At, second.Waited)
			}
		}},
	} {
		t.Run(test.panel, func(t *testing.T) {
			var expr string
			for _, q := range board.Stampede().Queries() {
				if strings.HasPrefix(q.Panel, test.panel) {
					expr = q.Expr
				}
			}
			counted := 0.0
			for _, mode := range []string{ttl, singleflight, "swr"} {
				for _, phase := range []string{"expiry", "burst"} {
					want := map[string]float64{}
					for _, c := range s.run.Cells {
						if c.Mode != mode || c.Phase != phase {
							continue
						}
						test.of(c, func(second int, n int64) {
							if n > 0 {
								want[fmt.Sprintf("%03d", second)] += float64(n) / 2
								counted += float64(n)
							}
						})
					}
					for _, x := range s.ask(t, expr, phase, mode) {
						second := x.Labels[signal.LabelSecond]
						if got := s.value(t, x); got != want[second] {
							t.Errorf("%s in %s, second %s: got %v, run.json has %v", mode, phase, second, got, want[second])
						}
						delete(want, second)
					}
					if len(want) > 0 {
						t.Errorf("%s in %s: nothing of %v", mode, phase, want)
					}
				}
			}
			if counted == 0 { // how many a burst makes is the machine's pace
				t.Error("the run has none")
			}
		})
	}
}
