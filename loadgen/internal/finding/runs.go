package finding

import (
	"fmt"
	"slices"

	"loadlab/loadgen/internal/figure"
)

// OfRuns returns what was found of runs beside the first of them, at most Most: which failed requests, and in each phase the highest percentile by which any mode of a run can be
// told from itself in the first. names are those of the runs. Of a run that is invalid, or whose generator was the bottleneck, only counts are compared.
func OfRuns(runs []*figure.Figures, names []string) ([]Finding, error) {
	var of []*evidence
	for _, f := range runs {
		e, err := newEvidence(f)
		if err != nil {
			return nil, err
		}
		of = append(of, e)
	}
	if len(of) < 2 {
		return nil, nil
	}
	var differ []ranked
	var alike, open []string
	for i, e := range of[1:] {
		switch found, some := e.besideRun(of[0], names[0], names[i+1]); {
		case !e.judged() || !of[0].judged() || len(found) == 0 && !some:
			open = append(open, names[i+1])
		case len(found) > 0:
			differ = append(differ, found...)
		default:
			alike = append(alike, names[i+1])
		}
	}
	all := slices.Concat(failuresOf(of, names), byFactor(differ))
	if len(alike) > 0 {
		all = append(all, Finding{Rule: "alike", Text: fmt.Sprintf("No percentile of %s can be told from that of %s, in any mode and phase that both have.", list(alike), names[0])})
	}
	if len(open) > 0 {
		all = append(all, Finding{Rule: "open", Text: fmt.Sprintf("Whether requests of %s were faster or slower than those of %s is not known: that takes two rounds of each or more, in runs that are valid and whose generator was not "+
			"the bottleneck.", list(open), names[0])})
	}
	return all[:min(Most, len(all))], nil
}

// judged reports whether the figures of a run are what they say.
func (e *evidence) judged() bool { return len(e.Run.Invalid) == 0 && !e.Run.IsLimited() }

// besideRun sets each mode of a run beside itself in another, and reports whether any could be.
func (e *evidence) besideRun(to *evidence, was, is string) (all []ranked, some bool) {
	for _, p := range e.phases {
		for _, figure := range []string{"p99", "p95", "p50"} {
			c := compared{e: e, figure: figure}
			for _, m := range e.in(p.Name) {
				c.addFrom(to, place{m, p.Name})
			}
			some = some || len(c.alike) > 0
			if len(c.less)+len(c.more) == 0 {
				continue
			}
			text := fmt.Sprintf("In %s, from %s to %s, %s went ", name(p.Name), was, is, figure) + c.sides("", ", and ", was)
			all = append(all, ranked{Finding{Rule: "runs", Text: text, Modes: c.names(), Phases: []string{p.Name}, Figures: []string{figure}}, c.most})
			break
		}
	}
	return all, some
}

// failuresOf says how many requests failed in each run, unless it is none in all.
func failuresOf(runs []*evidence, names []string) []Finding {
	var parts []string
	failed := false
	for i, e := range runs {
		l := e.Total("", "")
		if l == nil {
			continue
		}
		failed = failed || l.Ledger.Errors() > 0
		parts = append(parts, of(l.Ledger.Errors(), l.Ledger.Scheduled)+" in "+names[i])
	}
	if !failed {
		return nil
	}
	return []Finding{{Rule: "errors", Text: "These failed: " + sentence(parts) + ".", Figures: []string{"errors"}}}
}
