package gate_test

import (
	"slices"
	"testing"

	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/report"
)

// Gates are judged on a report's figures.
var _ gate.Figures = (*report.Figures)(nil)

// What gates can ask for is what a report can tell.
func TestFunctionsAreFigures(t *testing.T) {
	var got []string
	for _, f := range gate.Functions() {
		got = append(got, f.Name)
	}
	want := report.Names()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("functions of gates are %v\nfigures of a report are  %v", got, want)
	}
}
