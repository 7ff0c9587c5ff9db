package finding

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// evidence is what the rules find in: a run's figures, of all its rounds and of each.
type evidence struct {
	*figure.Figures
	rounds []*figure.Figures
	phases []result.PhaseInfo // that were measured
	modes  []string           // without the steps of sessions, which are compared with nothing
}

func newEvidence(f *figure.Figures) (*evidence, error) {
	rounds, err := f.Rounds()
	if err != nil {
		return nil, err
	}
	e := &evidence{Figures: f, rounds: rounds}
	for _, p := range f.Run.Phases {
		if f.Total("", p.Name) != nil {
			e.phases = append(e.phases, p)
		}
	}
	for _, m := range f.Run.Modes {
		if m.Session == "" {
			e.modes = append(e.modes, m.Name)
		}
	}
	return e, nil
}

// mode returns a mode by its name.
func (e *evidence) mode(name string) result.Mode {
	i := slices.IndexFunc(e.Run.Modes, func(m result.Mode) bool { return m.Name == name })
	return e.Run.Modes[i]
}

// in returns the compared modes that took part in a phase.
func (e *evidence) in(phase string) []string {
	return slices.DeleteFunc(slices.Clone(e.modes), func(m string) bool { return e.Total(m, phase) == nil })
}

// requesters are the modes of a phase that make requests: steps in place of their sessions.
func (e *evidence) requesters(phase string) []string {
	return slices.DeleteFunc(e.Modes(), func(m string) bool { return e.Total(m, phase) == nil || e.mode(m).Steps > 0 })
}

// value is a figure of all rounds together, if there is one that is what it says.
func (e *evidence) value(name, mode, phase string) (float64, bool) {
	x, _ := figure.Named(name)
	v, err := x.Of(e.Total(mode, phase))
	return v, err == nil
}

// time is a figure that is a time.
func (e *evidence) time(name, mode, phase string) (time.Duration, bool) {
	v, ok := e.value(name, mode, phase)
	return figure.Duration(v), ok
}

// place is a mode in a phase.
type place struct{ mode, phase string }

// Least is by how much a ratio must differ from 1, all of its interval, to be worth a sentence.
const Least = 1.1

// ratio is that of a figure in one place to that in another.
func (e *evidence) ratio(name string, of, to place) (stats.Ratio, bool) {
	r, err := figure.PairedRatio(e.byRound(name, of), e.byRound(name, to))
	return r, err == nil && r.Bounded()
}

// byRound is a figure of a place in each round.
func (e *evidence) byRound(name string, p place) (values []float64) {
	x, _ := figure.Named(name)
	for _, r := range e.rounds {
		values = append(values, x.Comparable(r.Total(p.mode, p.phase)))
	}
	return values
}

// sign returns -1 if all of a ratio's interval is below 1 by a tenth, 1 if it is all above, and 0 if neither is sure.
func sign(r stats.Ratio) int {
	switch {
	case r.High < 1/Least:
		return -1
	case r.Low > Least:
		return 1
	}
	return 0
}

// quantile returns the highest of p99, p95 and p50 that all of these have in every round.
func (e *evidence) quantile(all []place) (string, bool) {
	for _, name := range []string{"p99", "p95", "p50"} {
		x, _ := figure.Named(name)
		if !slices.ContainsFunc(all, func(p place) bool { return !e.everyRound(x, p) }) {
			return name, true
		}
	}
	return "", false
}

func (e *evidence) everyRound(x figure.Figure, p place) bool {
	for _, r := range e.rounds {
		if _, err := x.Of(r.Total(p.mode, p.phase)); err != nil {
			return false
		}
	}
	return true
}

// trace returns the id of a kept trace of the first of the modes that has one in one of the phases: the slowest, if that is kept.
func (e *evidence) trace(modes, phases []string) string {
	for _, mode := range modes {
		for _, why := range []string{result.Slowest, result.Befell, result.Median} {
			for _, t := range e.Run.Traces {
				if t.Mode == mode && t.Why == why && slices.Contains(phases, t.Phase) {
					return t.ID
				}
			}
		}
	}
	return ""
}

// named reports whether an expression has one of the names in quotes.
func named(expr string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(expr, strconv.Quote(name)) })
}

// faulty reports whether a phase has faults.
func (e *evidence) faulty(phase string) bool { return len(e.Total("", phase).Faults) > 0 }
