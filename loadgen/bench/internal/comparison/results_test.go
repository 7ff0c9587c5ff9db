package comparison_test

import (
	"math"
	"strings"
	"testing"

	"loadlab/loadgen/bench/internal/comparison"
)

// TestTable: figures are medians, ratios are made round by round, and what is missing is no success.
func TestTable(t *testing.T) {
	nan := math.NaN()
	c := comparison.Default()
	c.Rounds = 3
	r := comparison.NewResults(c,
		map[string][]float64{
			comparison.Loadgen: {9, 18, 10}, comparison.Exposed: {10, 11, 12}, comparison.Bare: {8, 17, 9.8}, "wrk": {8, 16, 8}, "hey": {nan, nan, nan},
		},
		map[string][]float64{comparison.Loadgen: {15, 16, 17}, "wrk": {nan, 16, 10}},
		map[string][]float64{comparison.Loadgen: {.11, .12, .2}},
		[]float64{70, 80, 90}, []float64{nan, 500, 400})
	r.KS, r.Arrivals, r.Pinned, r.Others, r.OthersKnown = 1.2, 990, true, .42, true
	r.Failures = []string{"hey: exit status 1"}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	head, got, _ := strings.Cut(b.String(), "\n\n")
	if !strings.HasSuffix(head, "generator on one core, server on another; 3 rounds: median (least to greatest)") {
		t.Errorf("head: got %q", head)
	}
	// The columns' trailing blanks are no matter.
	var lines []string
	for line := range strings.Lines(got) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	got = strings.Join(lines, "\n")
	want := `CPU per request, us             200 B                 x wrk   48000 B               x wrk   gaps at 1000/s, CoV
loadgen                         10.0 (9.0 to 18.0)    1.12    16.0 (15.0 to 17.0)   1.35    0.12 (0.11 to 0.20)
  with metrics for Prometheus   11.0 (10.0 to 12.0)   1.25    -                     -       -
  with nothing recorded         9.8 (8.0 to 17.0)     1.06    -                     -       -
wrk                             8.0 (8.0 to 16.0)     1.00    13.0 (10.0 to 16.0)   1.00    -

goal                                                          figure
CPU per request, 200 B                        <= 1.25 x wrk   1.12 (1.12 to 1.25)      reached
CPU per request, 48000 B                      <= 0.9 x wrk    1.35 (1.00 to 1.70)      missed
gaps of 1000/s at the server, CoV             <= 0.15         0.120 (0.110 to 0.200)   reached
send lag at 1000/s, p50, us                   <= 100          80 (70 to 90)            reached
send lag at 1000/s, p99, us                   <= 300          450 (400 to 500)         missed
Poisson at the server, KS of 990 gaps         <= 1.628 (1%)   1.200                    reached
recording everything and traceparent, % CPU   <= 5            +5.9 (+2.0 to +12.5)     missed

other processes kept 0.42 cores busy meanwhile: measure again on an idle machine

not measured: hey: exit status 1`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
