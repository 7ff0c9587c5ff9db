package arrival_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
)

// TestTurns checks how many arrivals of a closed load are chosen at different paces, and that others are with another seed.
func TestTurns(t *testing.T) {
	for name, tt := range map[string]struct {
		users           int
		perSecond       float64
		lasts, think    time.Duration
		turns           int64 // that each user has
		least, greatest int   // that are chosen
	}{
		"none":                     {50, 0, 10 * time.Second, 0, 1000, 0, 0},
		"all":                      {2, 1e6, 10 * time.Second, time.Second, 10, 20, 20},
		"thinking":                 {100, 10, 60 * time.Second, 2 * time.Second, 30, 450, 800},
		"thinking, slow responses": {100, 10, 60 * time.Second, 2 * time.Second, 10, 150, 450},
		"not thinking, 50 ms":      {50, 10, 10 * time.Second, 0, 200, 35, 90},
		"not thinking, 1 ms":       {50, 10, 10 * time.Second, 0, 10_000, 65, 140},
		"not thinking, a minute":   {50, 10, time.Minute, 0, 1200, 280, 480},
		"for a number of requests": {20, 10, 0, 0, 1, 4, 16},
	} {
		t.Run(name, func(t *testing.T) {
			count := func(seed uint64) (n int, which []bool) {
				turns := arrival.TurnsOf(tt.users, seed, tt.perSecond, tt.lasts, tt.think)
				for user := range int64(tt.users) {
					for k := range tt.turns {
						chosen := turns.Has(user, k)
						which = append(which, chosen)
						if chosen {
							n++
						}
					}
				}
				return n, which
			}
			n, first := count(7)
			if n < tt.least || n > tt.greatest {
				t.Errorf("%d are chosen, want %d to %d", n, tt.least, tt.greatest)
			}
			_, second := count(8)
			same := true
			for i := range first {
				same = same && first[i] == second[i]
			}
			if same != (n == 0 || n == len(first)) {
				t.Errorf("another seed chooses the same: %t", same)
			}
		})
	}
}
