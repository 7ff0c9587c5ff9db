package figure_test

import (
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
)

func TestErrorsByStatusAndKind(t *testing.T) {
	total := &figure.Total{
		Ledger: result.Ledger{Scheduled: 100, Completed: 83},
		Failures: []result.Failure{
			{Kind: "status", Status: 500, Count: 5}, {Kind: "status", Status: 503, Count: 1}, {Kind: "status", Status: 404, Count: 7},
			{Kind: "refused", Code: "connection refused", Count: 3}, {Kind: "refused", Code: "no such host", Count: 1},
		},
	}
	for _, tt := range []struct {
		name, which string
		want        float64
	}{
		{"errors", "500", 5}, {"errors", "5xx", 6}, {"errors", "404", 7}, {"errors", "403", 0}, {"errors", "status", 13}, {"errors", "refused", 4}, {"errors", "timeout", 0},
		{"error_ratio", "5xx", 0.06}, {"error_ratio", "999", 0},
	} {
		full, _, ok := figure.OfErrors(tt.name, tt.which)
		f, known := figure.Named(full)
		if name, which := figure.SplitErrors(full); !ok || !known || name != tt.name || which != tt.which {
			t.Errorf("%s of %s is %q: %t, %t, and split %q, %q", tt.name, tt.which, full, ok, known, name, which)
			continue
		}
		if got, err := f.Of(total); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", full, got, err, tt.want)
		}
	}
	for _, tt := range [][2]string{{"p99", "500"}, {"errors", ""}, {"errors", "6xx"}, {"errors", "50"}, {"errors", "ok"}, {"errors", "500]x"}} {
		if full, _, ok := figure.OfErrors(tt[0], tt[1]); ok {
			t.Errorf("%s of %q is a figure, %q", tt[0], tt[1], full)
		}
	}
	if name, which := figure.SplitErrors("p99"); name != "p99" || which != "" {
		t.Errorf("p99 is split into %q and %q", name, which)
	}
}
