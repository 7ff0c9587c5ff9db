package figure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"loadlab/loadgen/internal/result"
)

// ErrNoSamples is the answer to a question about what was not measured: nothing was sent, or the target does not report it.
var ErrNoSamples = errors.New("no samples")

// ErrTooFewSamples is the answer to a question about a quantile of fewer than 1/(1-q) samples.
var ErrTooFewSamples = errors.New("too few samples")

// ErrAtBound is the answer to a question about a time beyond the histograms' bound of 60 s: it is at least that.
var ErrAtBound = errors.New("at least 60 s, the greatest time that is recorded")

// Figures are a run's figures, merged over its rounds: what tables show and gates judge. They do not change after New, so any number of
// goroutines may read them.
type Figures struct {
	Run *result.Run

	warmup map[string]bool
	totals map[key]*Total             // an empty mode or phase is the sum over all that is not warm-up
	parts  map[string]bool            // names of the parts of phases with faults: see Inside
	rounds func() ([]*Figures, error) // byRound, computed when it is first asked for

	mu     sync.Mutex                  // guards blocks
	blocks map[key]map[string]Interval // byBlock, computed when they are first asked for
}

// Inside and Outside, after the name of a phase with faults, name the requests that were due or under way while a fault lasted, and
// the others.
const (
	Inside  = "/inside"
	Outside = "/outside"
)

type key struct{ mode, phase string }

// New merges the cells of run. It fails on a histogram that cannot be read.
func New(run *result.Run) (*Figures, error) {
	f := &Figures{Run: run, warmup: map[string]bool{}, totals: map[key]*Total{}, parts: map[string]bool{}, blocks: map[key]map[string]Interval{}}
	f.rounds = sync.OnceValues(f.byRound)
	for _, p := range run.Phases {
		f.warmup[p.Name] = p.Warmup
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		if f.warmup[c.Phase] {
			continue
		}
		if err := errors.Join(f.add(c, c.Phase), f.addPart(c.Inside, c.Phase+Inside), f.addPart(c.Outside, c.Phase+Outside)); err != nil {
			return nil, err
		}
	}
	for i := range run.Predictions {
		p := &run.Predictions[i]
		if t := f.totals[key{p.Mode, p.Phase}]; t != nil {
			t.predicted[p.Figure] = p.Predicted
		}
	}
	return f, f.sumUp()
}

// add adds a cell to the total of its mode in what is called phase.
func (f *Figures) add(c *result.Cell, phase string) error {
	k := key{c.Mode, phase}
	if f.totals[k] == nil {
		f.totals[k] = newTotal(f.Run)
	}
	return f.totals[k].addCell(c)
}

// addPart adds a part of a cell, which may be nil, to the total of its mode.
func (f *Figures) addPart(c *result.Cell, phase string) error {
	if c == nil {
		return nil
	}
	f.parts[phase] = true
	return f.add(c, phase)
}

// sumUp adds the sums over all phases, over all modes, and over both. A phase that the modes shared took its time once, and so did a session
// and its steps. Sums over modes are of requests: sessions, whose requests are their steps, are figures of their own.
func (f *Figures) sumUp() error {
	all := newTotal(f.Run)
	for _, m := range f.Run.Modes {
		f.totals[key{m.Name, ""}] = newTotal(f.Run)
	}
	for _, p := range f.Run.Phases {
		for _, name := range []string{p.Name, p.Name + Inside, p.Name + Outside} {
			if name != p.Name && !f.parts[name] {
				continue
			}
			of, err := f.sumModes(p, name)
			if err != nil {
				return fmt.Errorf("phase %s: %w", name, err)
			}
			f.totals[key{"", name}] = of
		}
		of := f.totals[key{"", p.Name}]
		err := all.add(of)
		all.Took += of.Took
		for _, m := range f.Run.Modes {
			if t := f.totals[key{m.Name, p.Name}]; t != nil {
				mode := f.totals[key{m.Name, ""}]
				err = errors.Join(err, mode.add(t))
				mode.Took += t.Took
			}
		}
		if err != nil {
			return fmt.Errorf("phase %s: %w", p.Name, err)
		}
	}
	f.totals[key{}] = all
	return nil
}

// sumModes returns the sum over the modes of what is called name: a phase, or a part of it.
func (f *Figures) sumModes(p result.PhaseInfo, name string) (*Total, error) {
	of := newTotal(f.Run)
	for _, m := range f.Run.Modes {
		t := f.totals[key{m.Name, name}]
		if t == nil {
			continue
		}
		if m.Steps == 0 {
			if err := of.add(t); err != nil {
				return nil, err
			}
			of.sumOut(t.Replicas, p.Mix)
		}
		switch {
		case p.Mix:
			of.Took = max(of.Took, t.Took)
		case m.Session == "":
			of.Took += t.Took
		}
	}
	return of, nil
}

// Modes are the names of the modes, in the scenario's order.
func (f *Figures) Modes() []string {
	var names []string
	for _, m := range f.Run.Modes {
		names = append(names, m.Name)
	}
	return names
}

// Phases are the names of the phases that have figures, in the scenario's order: all but warm-up.
func (f *Figures) Phases() []string {
	var names []string
	for _, p := range f.Run.Phases {
		if !p.Warmup {
			names = append(names, p.Name)
		}
	}
	return names
}

// Total returns what mode did in phase, or nil if it did nothing there; an empty mode or phase is the sum over all that is not warm-up.
func (f *Figures) Total(mode, phase string) *Total {
	if t := f.totals[key{mode, phase}]; t != nil && t.Ledger.Scheduled > 0 {
		return t
	}
	return nil
}

// Value returns one figure of one mode in one phase; an empty mode or phase is the sum over all that is not warm-up. Unit is that of the
// table. The error is ErrNoSamples if there is nothing to take the figure of. It is ErrTooFewSamples or ErrAtBound if the value is
// there but is not what the figure is documented to be: it is returned with it.
func (f *Figures) Value(name, mode, phase string) (value float64, unit string, err error) {
	figure, ok := Named(name)
	switch {
	case !ok:
		return 0, "", fmt.Errorf("unknown figure %q: known are %s", name, strings.Join(Names(), ", "))
	case mode != "" && !slices.Contains(f.Modes(), mode):
		return 0, "", fmt.Errorf("unknown mode %q: known are %s", mode, strings.Join(f.Modes(), ", "))
	case f.warmup[phase]:
		return 0, "", fmt.Errorf("phase %q is warm-up, which has no figures", phase)
	case phase != "" && !slices.Contains(f.Phases(), phase) && !f.parts[phase]:
		return 0, "", fmt.Errorf("unknown phase %q: known are %s", phase, strings.Join(f.Phases(), ", "))
	}
	value, err = figure.Of(f.Total(mode, phase))
	if errors.Is(err, ErrNoSamples) {
		return 0, "", fmt.Errorf("%s%s: %w", name, where(mode, phase), err)
	}
	return value, figure.Unit, err
}

// Of returns the figure of a total, which may be nil. The errors are those of Figures.Value.
func (f Figure) Of(t *Total) (float64, error) {
	if t == nil {
		return 0, ErrNoSamples
	}
	value, ok := f.of(t)
	switch {
	case !ok:
		return 0, ErrNoSamples
	case f.atBound(t, value):
		return value, ErrAtBound
	}
	return value, f.few(t)
}

// where renders the mode and the phase of a figure for an error.
func where(mode, phase string) string {
	s := ""
	if mode != "" {
		s += " of mode " + mode
	}
	if phase != "" {
		s += " in phase " + phase
	}
	return s
}
