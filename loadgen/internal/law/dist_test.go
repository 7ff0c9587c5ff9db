package law_test

import (
	"math"
	"testing"

	"loadlab/loadgen/internal/law"
)

func close(got, want, relative float64) bool { return math.Abs(got-want) <= relative*math.Abs(want) }

// TestE1 is held against the tables of Abramowitz and Stegun (5.1), and further values of 15 digits.
func TestE1(t *testing.T) {
	for _, tt := range []struct{ x, want float64 }{
		{1e-10, 22.448635265138923980}, {0.01, 4.0379295765381138}, {0.1, 1.8229239584193906}, {0.5, 0.55977359477616081},
		{0.99, 0.22309982579017724}, {1, 0.21938393439552029}, {1.01, 0.21574162379448997}, {2, 0.048900510708061120}, {5, 0.0011482955912753257},
		{10, 4.1569689296853243e-06}, {50, 3.7832640295504591e-24}, {100, 3.6835977616820321e-46},
	} {
		if got := law.E1(tt.x); !close(got, tt.want, 1e-13) {
			t.Errorf("E1(%g): got %.16g, want %.16g", tt.x, got, tt.want)
		}
	}
	if got := law.E1(0); !math.IsInf(got, 1) {
		t.Errorf("E1(0): got %v, want +Inf", got)
	}
	if got := law.E1(-1); !math.IsNaN(got) {
		t.Errorf("E1(-1): got %v, want NaN", got)
	}
}
