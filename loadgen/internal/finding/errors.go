package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// failures says of each phase without faults how many requests failed, how, and when: of the phase first in which the greatest share did.
func failures(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if e.faulty(p.Name) {
			continue
		}
		modes := slices.DeleteFunc(e.requesters(p.Name), func(m string) bool { return e.Total(m, p.Name).Ledger.Errors() == 0 })
		slices.SortStableFunc(modes, func(a, b string) int { return cmp.Compare(e.failed(b, p.Name), e.failed(a, p.Name)) })
		if len(modes) > 0 {
			all = append(all, Finding{Text: e.failure(modes, p.Name), Modes: modes, Phases: []string{p.Name}, Figures: []string{"errors"}})
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(e.failed("", b.Phases[0]), e.failed("", a.Phases[0])) })
	return all
}

// failed is the share of the requests that failed.
func (e *evidence) failed(mode, phase string) float64 {
	l := e.Total(mode, phase).Ledger
	share, _ := figure.Ratio(l.Errors(), l.Scheduled)
	return share
}

// inDetail is of how many modes is said how and when requests failed.
const inDetail = 2

// failure is what failed of the modes, the worst first, in a phase.
func (e *evidence) failure(modes []string, phase string) string {
	var parts []string
	for i, m := range modes[:min(inDetail, len(modes))] {
		t := e.Total(m, phase)
		failed := ""
		if i == 0 {
			failed = " failed"
		}
		how := kinds(t)
		if when := e.when(m, phase); when != "" {
			how += ", due " + when
		}
		parts = append(parts, fmt.Sprintf("%s%s%s (%s)", of(t.Ledger.Errors(), t.Ledger.Scheduled), e.ofMode(m), failed, how))
	}
	text := begun(e.where(phase)+sentence(parts)) + "."
	if rest := modes[min(inDetail, len(modes)):]; len(rest) > 0 {
		var shares []float64
		for _, m := range rest {
			shares = append(shares, e.failed(m, phase))
		}
		text += fmt.Sprintf(" So did %s of those of %s.", spread(unit.Percent(slices.Min(shares)), unit.Percent(slices.Max(shares))), list(rest))
	}
	return text
}

// kinds lists the ways in which requests failed, the most frequent first: "18 status 404, 12 status 500 and 3 timeout (reading the response)". The first error is there if
// it is all that is known of the one way that there is.
func kinds(t *figure.Total) string {
	ways := waysOf(t)
	var parts []string
	var others int64
	for i, f := range ways {
		part := f.String()
		switch {
		case len(ways) > 1 && i >= mostWays:
			others += f.Count
			continue
		case len(ways) > 1:
			part = unit.Count(f.Count) + " " + part
		case f.Cause() == "" && f.Example != "":
			part = strings.TrimPrefix(tty.Snip(tty.Clean(part+": "+f.Example), longestError), f.Kind+": "+f.Kind+": ")
		}
		parts = append(parts, part)
	}
	if others > 0 {
		parts = append(parts, unit.Count(others)+" others")
	}
	return sentence(parts)
}

// mostWays is how many ways to fail a sentence has.
const mostWays = 3

// waysOf returns how requests failed, the most frequent first: by kind alone if more failed than it is known of, how.
func waysOf(t *figure.Total) []result.Failure {
	var known int64
	for _, f := range t.Failures {
		known += f.Count
	}
	ways := slices.Clone(t.Failures)
	if known != t.Ledger.Errors() {
		ways = nil
		for kind, n := range t.Ledger.Failed {
			if n > 0 {
				ways = append(ways, result.Failure{Kind: kind, Count: n})
			}
		}
	}
	result.SortFailures(ways)
	return ways
}

// longestError is how many columns an error's text takes at most.
const longestError = 60

// when says when the requests that failed were due, over all rounds, to a second: "from 3 s to 6 s of the phase". It is empty if the run does not have it.
func (e *evidence) when(mode, phase string) string {
	var kept int64
	var length time.Duration
	first, last := time.Duration(-1), time.Duration(0)
	for _, c := range e.Run.Cells {
		if c.Mode != mode || c.Phase != phase {
			continue
		}
		length = max(length, c.Took)
		for i, s := range c.Seconds {
			if s.Failed == 0 {
				continue
			}
			kept += s.Failed
			end := c.Took
			if i+1 < len(c.Seconds) {
				end = time.Duration(c.Seconds[i+1].At) * time.Second
			}
			from := time.Duration(s.At) * time.Second
			if first < 0 || from < first {
				first = from
			}
			last = max(last, min(end, from+max(time.Second, end-from)))
		}
	}
	switch {
	case kept == 0 || kept != e.Total(mode, phase).Ledger.Errors() || length < 2*time.Second:
		return ""
	case first == 0 && last >= length.Truncate(time.Second):
		return "throughout the phase"
	case first == 0:
		return "in the first " + unit.Length(last) + " of the phase"
	case last >= length.Truncate(time.Second):
		return "from " + unit.Length(first) + " to the end of the phase"
	}
	return "from " + unit.Length(first) + " to " + unit.Length(last) + " of the phase"
}
