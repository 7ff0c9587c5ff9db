package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// falseAlarms is the goal of A/A: at most one FAIL in 60 tests, quiet and busy together.
func falseAlarms(c count) string {
	if c.alarms > 1 {
		return fmt.Sprintf("MISSED: %d FAIL of A/A in all, want 1 at most", c.alarms)
	}
	return "met"
}

// found is the goal of what is slower: a share that is found, in a median time.
func found(share, seconds float64) func(count) string {
	return func(c count) string {
		switch took := median(c.took); {
		case float64(c.fail) < share*float64(c.runs):
			return fmt.Sprintf("MISSED: %d of %d found, want %.0f%%", c.fail, c.runs, 100*share)
		case took > seconds:
			return fmt.Sprintf("MISSED: in a median of %.0f s, want %.0f s", took, seconds)
		}
		return named(c)
	}
}

// atOnce is the goal of what gate 0 finds: every time, in less than 10 s.
func atOnce(c count) string {
	const seconds = 10
	switch {
	case c.fail < c.runs:
		return fmt.Sprintf("MISSED: %d of %d found, want all", c.fail, c.runs)
	case slices.Max(c.took) >= seconds:
		return fmt.Sprintf("MISSED: one took %.0f s, want less than %d", slices.Max(c.took), seconds)
	}
	return named(c)
}

// named is the goal of what has a cause: named in 85% of the tests that fail, and there is one.
func named(c count) string {
	if c.kind.cause != nil && (c.fail == 0 || float64(c.named) < 0.85*float64(c.fail)) {
		return fmt.Sprintf("MISSED: %d of %d causes named, want 85%%", c.named, c.fail)
	}
	return "met"
}

// summarize writes the counts. The error is errMissed if a goal was.
func summarize(out io.Writer, counts []count) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nkind\truns\tFAIL\tPASS\tINCONCLUSIVE\tINVALID\tcause named\tmedian time to FAIL\tspread of an epoch\tfinds\tgoal\n")
	missed, alarms := false, 0
	for _, c := range counts {
		if !c.kind.slow {
			alarms += c.fail
		}
	}
	for _, c := range counts {
		c.alarms = alarms
		goal := c.kind.goal(c)
		missed = missed || strings.HasPrefix(goal, "MISSED")
		took, causes := "-", "-"
		if c.fail > 0 {
			took = fmt.Sprintf("%.0f s", median(c.took))
		}
		if c.kind.cause != nil {
			causes = fmt.Sprintf("%d of %d", c.named, c.fail)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", c.kind.name, c.runs, c.fail, c.pass, c.inconclusive, c.invalid, causes, took, percent(median(c.spread)),
			percent(median(c.finds)), goal)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprint(out, "\nThe spread is the standard deviation of the logarithms of B / A of the first endpoint over the epochs of a test, and finds what a test would have found in 80%: medians over the tests.\n")
	machines(out, counts)
	if missed {
		return errMissed
	}
	return nil
}

// machines writes where and of which commits the tests were made, and how noisy it was there.
func machines(out io.Writer, counts []count) {
	type place struct{ machine, commit string }
	spreads, tests := map[place][]float64{}, map[place]int64{}
	var order []place
	for _, c := range counts {
		for _, o := range c.outcomes {
			at := place{o.Machine, o.Commit}
			if tests[at]++; tests[at] == 1 {
				order = append(order, at)
			}
			if o.Spread != nil {
				spreads[at] = append(spreads[at], *o.Spread)
			}
		}
	}
	for _, at := range order {
		fmt.Fprintf(out, "%s of commit %s on %s: spread %s\n", unit.Counted(tests[at], "test"), at.commit, at.machine, percent(median(spreads[at])))
	}
}

func percent(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*x)
}

// median of x; NaN of none.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return stats.Median(x)
}

// deviation is the standard deviation of x; NaN of fewer than two.
func deviation(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(x)-1))
}
