package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// head returns what was run, on what, and when: what has to be the same for two runs to be compared.
func head(run *result.Run) []Fact {
	m := run.Machine
	load := []string{unit.Counted(int64(len(compared(run))), "mode"), unit.Counted(int64(run.Scenario.Rounds), "round")}
	all := []Fact{
		{Name: "scenario", Text: joined(": ", run.Scenario.Name, run.Scenario.Why)},
		{Name: "stack", Text: joined(": ", run.Stack.Kind, stack(run.Stack))},
		{Name: "app", Text: joined("; ", run.Stack.App, config(run.Stack.Config))},
		{Name: "machine", Text: joined(", ", m.CPU, cores(m.Cores), m.OS, m.Go)},
		{Name: "commit", Text: run.Commit},
		{Name: "load", Text: fmt.Sprintf("%s, seed %d", strings.Join(load, ", "), run.Seed)},
		{Name: "when", Text: fmt.Sprintf("%s, took %s", run.Started.UTC().Format("2006-01-02 15:04:05 UTC"), unit.Length(run.Took))},
	}
	return slices.DeleteFunc(all, func(x Fact) bool { return x.Text == "" })
}

// stack lists what the stack has.
func stack(s result.Stack) string {
	parts := []string{s.Database, s.Cache}
	if s.Rows > 0 {
		parts = append(parts, unit.Counted(int64(s.Rows), "row"))
	}
	if s.Replicas > 1 {
		parts = append(parts, unit.Counted(int64(s.Replicas), "replica"))
	}
	return joined(", ", append(parts, s.Target)...)
}

// joined joins the strings that are not empty.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// config renders the app's configuration in a fixed order.
func config(c map[string]string) string {
	var parts []string
	for k, v := range c {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func cores(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n) + " cores"
}
