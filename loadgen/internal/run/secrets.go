package run

import (
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
)

// hideSecrets takes the scenario's secrets out of what the report has from elsewhere: from errors, from responses, and from the service's spans. What the report has from
// the scenario's own texts has the names of variables already.
func hideSecrets(r *result.Run, s *scenario.Scenario) {
	if len(s.Secrets) == 0 {
		return
	}
	r.Stack.Target = s.Redacted(r.Stack.Target)
	for _, list := range [][]string{r.Invalid, r.Limited, r.Warnings} {
		for i := range list {
			list[i] = s.Redacted(list[i])
		}
	}
	for i := range r.Cells {
		hideIn(&r.Cells[i], s)
	}
	for i := range r.Traces {
		for j := range r.Traces[i].Spans {
			span := &r.Traces[i].Spans[j]
			span.Name = s.Redacted(span.Name)
			for name, value := range span.Attributes {
				span.Attributes[name] = s.Redacted(value)
			}
		}
	}
}

func hideIn(c *result.Cell, s *scenario.Scenario) {
	for i := range c.Failures {
		c.Failures[i].Example, c.Failures[i].Code = s.Redacted(c.Failures[i].Example), s.Redacted(c.Failures[i].Code)
	}
	for _, part := range []*result.Cell{c.Inside, c.Outside} {
		if part != nil {
			hideIn(part, s)
		}
	}
}
