package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"loadlab/loadgen/internal/stats"
)

// falseAlarms is the goal of A/A: at most one FAIL in 60 runs, quiet and busy together, so at most one of each half.
func falseAlarms(c count) string {
	if c.fail > 1 {
		return fmt.Sprintf("MISSED: %d FAIL, want 1 at most", c.fail)
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
	missed := false
	for _, c := range counts {
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
	fmt.Fprintf(out, "\n%d processors, load average %s. The spread is the standard deviation of the logarithms of B / A of the first endpoint over the epochs of a test, and finds what "+
		"a test would have found in 80%%: medians over the tests.\n", runtime.NumCPU(), load())
	if missed {
		return errMissed
	}
	return nil
}

// load is the machine's load average; unknown where there is no /proc.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
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
