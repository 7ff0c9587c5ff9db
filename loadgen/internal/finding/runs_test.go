package finding_test

import (
	"strings"
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// Of runs beside each other a difference is found where there is one, and none of a run whose figures are not what they say.
func TestOfRuns(t *testing.T) {
	slower := func() *result.Run {
		loads := resulttest.StampedeLoads()
		for i := range loads {
			loads[i].Fast *= 2
		}
		return resulttest.Fill(resulttest.Base(), 3, loads)
	}
	for _, tt := range []struct {
		what string
		b    func() *result.Run
		want []string // what the findings begin with
	}{
		{"the same", func() *result.Run { return resulttest.Stampede(t) }, []string{"No percentile of B can be told from that of A"}},
		{"slower", slower, []string{"In burst, from A to B, p95 went from ", "In warm, from A to B, p99 went from ", "In expiry, from A to B, p99 went from "}},
		{"invalid", func() *result.Run {
			run := slower()
			run.Invalid = []string{"the stack broke"}
			return run
		}, []string{"Whether requests of B were faster or slower than those of A is not known"}},
	} {
		var runs []*figure.Figures
		for _, run := range []*result.Run{resulttest.Stampede(t), tt.b()} {
			f, err := figure.New(run)
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, f)
		}
		found, err := finding.OfRuns(runs, []string{"A", "B"})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != len(tt.want) {
			t.Errorf("%s: got %+v, want %d findings", tt.what, found, len(tt.want))
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(found[i].Text, want) {
				t.Errorf("%s: got %q, want %q", tt.what, found[i].Text, want)
			}
		}
	}
}
