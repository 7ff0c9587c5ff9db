package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// fewModes is up to how many modes a run has a summary of each.
const fewModes = 2

// summaries say how many requests failed, if nothing else does, and what came of each phase where there are few modes.
func summaries(e *evidence) []Finding {
	var all []Finding
	ledger := e.Total("", "").Ledger
	switch {
	case ledger.Errors() == 0 && ledger.Scheduled == 1:
		all = append(all, Finding{Text: "The one request succeeded.", Modes: e.modes, Figures: []string{"errors"}})
	case ledger.Errors() == 0:
		all = append(all, Finding{Text: fmt.Sprintf("None of %s failed.", unit.Counted(ledger.Scheduled, "request")), Modes: e.modes, Figures: []string{"errors"}})
	case len(e.Faults()) > 0:
		all = append(all, Finding{Text: of(ledger.Errors(), ledger.Scheduled) + " failed, with and without faults.", Modes: e.modes, Figures: []string{"errors"}})
	}
	if len(e.modes) > fewModes {
		return all
	}
	for _, p := range e.phases {
		for _, m := range e.in(p.Name) {
			if text, ok := e.summary(m, p); ok {
				all = append(all, Finding{Text: text, Modes: []string{m}, Phases: []string{p.Name}, Figures: []string{"rate", "p50", "p95", "p99", "max"}})
			}
		}
	}
	return all
}

// summary says how fast a mode was in a phase, if that had requests enough for a p95.
func (e *evidence) summary(mode string, p result.PhaseInfo) (string, bool) {
	rate, ok := e.value("rate", mode, p.Name)
	if _, enough := e.time("p95", mode, p.Name); !ok || !enough || rate == 0 {
		return "", false
	}
	var parts []string
	for _, q := range []string{"p50", "p95", "p99"} {
		if d, ok := e.time(q, mode, p.Name); ok {
			parts = append(parts, q+" was "+unit.Latency(d))
		}
	}
	text := fmt.Sprintf("%s%s requests a second%s were completed: %s", e.where(p.Name), unit.Digits(rate), e.ofMode(mode), strings.Join(parts, ", "))
	if longest, ok := e.time("max", mode, p.Name); ok {
		text += ", and the longest took " + unit.Latency(longest)
	}
	return text + ".", true
}

// Of the slowest requests of a phase: how many there must be, and how many of them in how little of its time, to be called a spell. Of ten requests that come at any time of
// a phase, eight are in one fifth of it that is chosen afterwards with a probability below 1 in 1,000.
const (
	leastSlow  = 10
	mostOfSlow = 0.8
	partOfTime = 0.2
)

// spells says when the slowest requests were due, where they were due together: in a phase that ran once.
func spells(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if len(e.rounds) > 1 || e.faulty(p.Name) {
			continue
		}
		for _, m := range e.in(p.Name) {
			p99, ok := e.time("p99", m, p.Name)
			if !ok {
				continue
			}
			if text, ok := e.spell(m, p.Name, p99); ok {
				all = append(all, Finding{Text: fmt.Sprintf("In %s, %s", name(p.Name), text), Modes: []string{m}, Phases: []string{p.Name}, Figures: []string{"p99", "max"}})
			}
		}
	}
	return all
}

// spell finds the stretch of a cell's time with the most requests that took longer than p99.
func (e *evidence) spell(mode, phase string, p99 time.Duration) (string, bool) {
	i := slices.IndexFunc(e.Run.Cells, func(c result.Cell) bool { return c.Mode == mode && c.Phase == phase })
	c := e.Run.Cells[i]
	length := int(c.Took / time.Second)
	slow := make([]int64, length+1)
	var all int64
	for _, s := range c.Seconds {
		h, err := hist.Decode(s.Response)
		if s.Response == "" || err != nil || s.At < 0 || s.At > length {
			continue
		}
		slow[s.At] = h.Above(p99)
		all += slow[s.At]
	}
	width := int(partOfTime * float64(length))
	if width < 1 || all < leastSlow {
		return "", false
	}
	for w := 1; w <= width; w++ { // the shortest that will do
		for at := range length - w + 1 {
			var n int64
			for _, x := range slow[at : at+w] {
				n += x
			}
			if float64(n) >= mostOfSlow*float64(all) {
				return fmt.Sprintf("%d of the %d requests of %s that took longer than its p99 (%s) were due from %d s to %d s of %s.", n, all, name(mode), unit.Latency(p99),
					at, at+w, unit.Length(c.Took)), true
			}
		}
	}
	return "", false
}
