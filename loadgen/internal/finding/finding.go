// Package finding makes sentences of a run's figures: what a reader of its tables would have to find himself. A finding is what one of a list of rules
// has found; a rule is a function of figures and intervals.
//
// # What may be said
//
// A count is what it is: errors, recomputes, queries, stale reads, requests that were sent late. So is what a percentile of all requests of a phase was, if there were enough
// of them. That one mode or phase is faster than another, or cheaper, is said only where the interval of their ratio over the rounds excludes 1 by a tenth (Least): of many
// comparisons at 95% some exclude 1 by chance, and a few percent are worth no sentence. The figures of all requests, which the sentence has, must show it too. A run of one round has no
// such interval, so that nothing is said to differ in it. Where the best of several modes is named, which was chosen by the
// same figures, the interval must exclude 1 by half. A share of a response time is called most of it if it was more than half in each round.
//
// By simulation, of five modes that are the same (rounds that are slower or faster by 20% for all, and by 15% for each; 300 runs of each kind) one is said to differ
//
//	rounds             2     3     5
//	in runs, %       7.7   6.0   3.3
//	of all modes, %  1.9   1.7   0.8
//	a best named, %  0.3     0     0
//
// The rules know figures, phases and modes as any scenario has them. None knows the name of a mode, a strategy or a scenario.
//
// # What is not said
//
// Why. A finding names what goes with what (recomputes beside response times, a fault beside errors), and leaves the cause to whoever reads it and its trace.
package finding

import (
	"cmp"
	"slices"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
)

// Most is how many findings a run has at most.
const Most = 7

// Finding is what one rule has found, in a sentence or a few.
type Finding struct {
	Rule    string   `json:"rule"`
	Text    string   `json:"text"`
	Modes   []string `json:"modes,omitempty"`   // that it is about, in the scenario's order; with Phases the rows of the table
	Phases  []string `json:"phases,omitempty"`  // that it is about, in the scenario's order
	Figures []string `json:"figures,omitempty"` // that it is made of: the columns of the table
	Gates   []int    `json:"gates,omitempty"`   // indices of the run's gates that name one of its modes and one of its phases
	Trace   string   `json:"trace,omitempty"`   // id of a kept trace of one of its modes in one of its phases

	rank int
}

// rule is one line of the table of rules.
type rule struct {
	name  string
	most  int  // findings
	count bool // it is of counts alone, which an invalid run has too
	of    func(*evidence) []Finding
}

// rules are all rules, the most important first.
func rules() []rule {
	return []rule{
		{"errors", 2, true, failures},
		{"saturation", 2, true, saturation},
		{"backlog", 2, false, backlogs},
		{"fault", 4, false, faults},
		{"law", 2, false, broken},
		{"choice", 1, false, choices},
		{"expiry", 2, false, expiries},
		{"misses", 1, false, misses},
		{"staleness", 2, false, staleness},
		{"capacity", 1, false, capacities},
		{"difference", 2, false, differences},
		{"spent", 1, false, spent},
		{"sharing", 2, false, sharing},
		{"change", 2, false, changes},
		{"crowding", 1, false, crowding},
		{"spell", 2, false, spells},
		{"cost", 1, false, costs},
		{"work", 1, true, work},
		{"repeats", 1, true, repeats},
		{"summary", 3, false, summaries},
	}
}

// Of returns the findings of a run, the most important first, at most Most. An invalid run has none but of counts.
func Of(f *figure.Figures) []Finding {
	e, err := newEvidence(f)
	if err != nil || f.Total("", "") == nil {
		return nil
	}
	judged := e.judged()
	var all []Finding
	for i, r := range rules() {
		if !judged && !r.count {
			continue
		}
		found := r.of(e)
		for _, x := range found[:min(r.most, len(found))] {
			x.Rule, x.rank = r.name, i
			all = append(all, e.refer(x))
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.rank, b.rank) })
	return all[:min(Most, len(all))]
}

// refer puts modes and phases in order, and adds the gates that name them and a trace of them.
func (e *evidence) refer(x Finding) Finding {
	inOrder := func(names []string, all []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !slices.Contains(names, name) })
	}
	var phases []string
	for _, p := range e.Run.Phases {
		phases = append(phases, p.Name)
	}
	first := x.Modes
	x.Modes, x.Phases = inOrder(x.Modes, e.Modes()), inOrder(x.Phases, phases)
	for i, g := range e.Run.Gates {
		if g.Verdict != result.LeftOut && named(g.Expr, x.Modes) && named(g.Expr, x.Phases) {
			x.Gates = append(x.Gates, i)
		}
	}
	if x.Trace == "" {
		x.Trace = e.trace(first, x.Phases)
	}
	return x
}
