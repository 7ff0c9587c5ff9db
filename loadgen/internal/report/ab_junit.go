package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// JUnit writes the verdict for a CI that shows tests: a case of the whole, one of gate 0 of each mode and phase, and one of each endpoint. What is not
// judged is skipped, and everything but the whole is if that is in error.
func (r *ABTest) JUnit(w io.Writer) error {
	t := r.test
	s := junitSuite{Name: "loadlab ab " + t.Scenario.Name, Time: seconds(t.Took), Timestamp: t.Started.UTC().Format("2006-01-02T15:04:05")}
	for _, x := range tested(t, r.decision).Facts {
		s.Properties = append(s.Properties, junitProperty{x.Name, x.Text})
	}
	s.Cases = append(s.Cases, r.whole())
	for _, w := range t.Work {
		s.Cases = append(s.Cases, workCase(w))
	}
	for m, f := range r.decision.Latency.Findings {
		s.Cases = append(s.Cases, findingCase(f, t.Plan.Endpoints[m], r.decision.Latency.Epochs))
	}
	for _, u := range t.Ungated {
		s.Cases = append(s.Cases, junitCase{Name: u.Name, Skipped: &junitResult{Message: "not judged: " + u.Reason}})
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		c.Class = "loadlab.ab." + t.Scenario.Name
		if i > 0 {
			c.Time = "0"
			if s.Cases[0].Error != nil {
				c.Failure, c.Skipped = nil, &junitResult{Message: "not judged: " + r.Sentence}
			}
		}
	}
	var text strings.Builder
	if err := r.Text(&text, Options{Width: 120}); err != nil {
		return err
	}
	s.Out = text.String()
	return writeJUnit(w, s)
}

// whole is the case of the verdict.
func (r *ABTest) whole() junitCase {
	c := junitCase{Name: "verdict", Time: seconds(r.test.Took)}
	x := &junitResult{Message: r.Sentence, Type: strings.ToLower(r.Word), Text: r.Sentence + "."}
	switch r.decision.Verdict {
	case ab.Pass:
	case ab.Fail:
		c.Failure = x
	case ab.Inconclusive:
		c.Skipped = &junitResult{Message: r.Sentence}
	default:
		if len(r.test.Invalid) > 0 {
			x.Text = strings.Join(r.test.Invalid, "\n")
		}
		c.Error = x
	}
	return c
}

// workCase is that of gate 0 of a mode and phase.
func workCase(w ab.Work) junitCase {
	c := junitCase{Name: "gate 0: " + w.Mode + " " + w.Phase}
	grew := w.Grew()
	if len(grew) == 0 {
		return c
	}
	var parts []string
	for _, x := range ab.Counters() {
		for _, name := range grew {
			if name == x.Name {
				parts = append(parts, name+" "+counted(x, w).Text)
			}
		}
	}
	if slices.Contains(grew, ab.CounterAllocations) {
		parts = append(parts, ab.CounterAllocations+" "+allocated(w).Text+" a request")
	}
	text := fmt.Sprintf("B does more work than A for the same %s of %s: %s", unit.Counted(w.Requests, "request"), w.Mode+" "+w.Phase, strings.Join(parts, ", "))
	if len(w.Repeats) > 0 {
		text += "; it repeats " + strings.Join(w.Repeats, ", ")
	}
	c.Failure = &junitResult{Message: text, Type: "work", Text: text + "."}
	return c
}

// findingCase is that of an endpoint.
func findingCase(f stats.Finding, e ab.Endpoint, epochs int) junitCase {
	c := junitCase{Name: f.Name}
	measured := fmt.Sprintf("%s of B is %s that of A after %s", f.Name, times(f.Effect), unit.Counted(int64(epochs), "epoch"))
	switch {
	case f.Slower:
		text := "B is slower: " + measured + " (p " + probability(f.Adjusted) + ")"
		c.Failure = &junitResult{Message: text, Type: "latency", Text: text + "."}
	case !f.Within:
		c.Skipped = &junitResult{Message: fmt.Sprintf("%s: shown neither to be slower nor to be within %s", measured, more(e.Margin))}
	}
	return c
}
