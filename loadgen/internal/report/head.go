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
	modes := unit.Counted(int64(len(compared(run))), "mode")
	if left := run.Scenario.LeftOut; len(left) > 0 {
		modes += " (left out: " + strings.Join(left, ", ") + ")"
	}
	load := []string{modes, unit.Counted(int64(run.Scenario.Rounds), "round")}
	all := []Fact{
		{Name: "scenario", Text: joined(": ", run.Scenario.Name, run.Scenario.Why)},
		{Name: "stack", Text: joined(": ", run.Stack.Kind, stack(run.Stack))},
		{Name: "distance", Text: distances(run.Stack.Distances), Full: true},
		{Name: "app", Text: joined("; ", run.Stack.App, config(run.Stack.Config)), Full: true},
		{Name: "machine", Text: joined(", ", m.CPU, cores(m.Cores), m.OS, m.Go)},
		{Name: "commit", Text: run.Commit, Full: true},
		{Name: "traces", Text: traces(run.Stack), Full: true},
		{Name: "load", Text: fmt.Sprintf("%s, seed %d", strings.Join(load, ", "), run.Seed)},
		{Name: "requests", Text: requests(run.Requests), Full: true},
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

// traces is where the traces of the lab's app are, if they are not in the run.
func traces(s result.Stack) string {
	var where string
	switch {
	case s.Kind == "compose":
		where = "in Jaeger alone, to which the app sends its spans"
	case s.Kind == "remote" && s.App != "":
		where = "where the app sends its spans, if anywhere: it ran before the generator did"
	default:
		return ""
	}
	return where + ": N+1 queries are not looked for here, and loadgen trace has nothing to draw (docs/traces.md)"
}

// distances lists how far away the servers are, as measured.
func distances(all []result.Distance) string {
	var parts []string
	for _, d := range all {
		parts = append(parts, distance(d))
	}
	return strings.Join(parts, "; ")
}

// distance renders a measured distance beside the one that was asked for: "database 1.07 ms (p99 1.31 ms; asked 1.00 ms)".
func distance(d result.Distance) string {
	text := d.Server + " " + unit.Latency(d.Median) + " by the median of " + unit.Counted(int64(d.Pings), "ping") + " of the app, p99 " + unit.Latency(d.P99)
	if d.Problem != "" || d.Pings == 0 {
		text = joined(": ", d.Server+" not measured", d.Problem)
	}
	var notes []string
	if d.RTT > 0 || d.Jitter > 0 || d.Bandwidth > 0 {
		asked := "asked for " + unit.Latency(d.RTT)
		if d.Jitter > 0 {
			asked += " and up to " + unit.Latency(d.Jitter) + " each way"
		}
		if d.Bandwidth > 0 {
			asked += ", " + unit.Count(d.Bandwidth) + " bytes a second"
		}
		notes = append(notes, asked)
	}
	switch {
	case d.Simulated && d.RTT+d.Jitter > 0:
		notes = append(notes, "simulated by the driver")
	case d.Simulated:
		notes = append(notes, "in the app's process")
	case d.Link:
		notes = append(notes, "through a link")
	}
	if len(d.Phases) > 0 {
		notes = append(notes, "in "+strings.Join(d.Phases, ", "))
	}
	if len(notes) == 0 {
		return text
	}
	return text + " (" + strings.Join(notes, "; ") + ")"
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
