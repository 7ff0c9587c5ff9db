//go:build !race

package drive_test

import (
	"testing"
	"time"

	"loadlab/loadgen/internal/drive"
)

// TestNoAllocations: the loops themselves allocate nothing for a request. (The race detector does.)
func TestNoAllocations(t *testing.T) {
	allocations := func(n int64, run func(c drive.Common, n int64) error) float64 {
		return testing.AllocsPerRun(3, func() {
			c := quick()
			if err := run(c, n); err != nil {
				t.Fatal(err)
			}
			finish(t, c.Recorder)
		})
	}
	for name, run := range map[string]func(drive.Common, int64) error{
		"open": func(c drive.Common, n int64) error {
			_, err := drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: burst(n), Connections: 10})
			return err
		},
		"closed": func(c drive.Common, n int64) error {
			_, err := drive.Closed(t.Context(), drive.ClosedConfig{Common: c, Users: 10, Requests: n})
			return err
		},
		"paced": func(c drive.Common, n int64) error {
			_, err := drive.Open(t.Context(), drive.OpenConfig{Common: c, Stream: constant(t, 20_000, time.Duration(n)*time.Second/20_000), Connections: 4})
			return err
		},
	} {
		const more = 5000
		if per := (allocations(100+more, run) - allocations(100, run)) / more; per > 0.05 {
			t.Errorf("%s: got %.2f allocations a request", name, per)
		}
	}
}
