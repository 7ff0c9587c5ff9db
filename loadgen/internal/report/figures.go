package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoSamples is the answer to a question about what was not measured: nothing was sent, or the target does not tell.
var ErrNoSamples = errors.New("no samples")

// Figures are a run's figures, merged over its rounds: what tables show and gates judge. They do not change after NewFigures, so any
// number of goroutines may read them.
type Figures struct {
	run    *Run
	warmup map[string]bool
	totals map[key]*total // an empty mode or phase is the sum over all that is not warm-up
}

type key struct{ mode, phase string }

// NewFigures merges the cells of run. It fails on a histogram that cannot be read.
func NewFigures(run *Run) (*Figures, error) {
	f := &Figures{run: run, warmup: map[string]bool{}, totals: map[key]*total{}}
	for _, p := range run.Phases {
		f.warmup[p.Name] = p.Warmup
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		if f.warmup[c.Phase] {
			continue
		}
		k := key{c.Mode, c.Phase}
		if f.totals[k] == nil {
			f.totals[k] = newTotal()
		}
		if err := f.totals[k].addCell(c); err != nil {
			return nil, err
		}
	}
	return f, f.sumUp()
}

// sumUp adds the sums over all phases, over all modes, and over both. A phase that the modes shared took its time once.
func (f *Figures) sumUp() error {
	all := newTotal()
	for _, m := range f.run.Modes {
		f.totals[key{m.Name, ""}] = newTotal()
	}
	for _, p := range f.run.Phases {
		of := newTotal()
		for _, m := range f.run.Modes {
			t, mode := f.totals[key{m.Name, p.Name}], f.totals[key{m.Name, ""}]
			if t == nil {
				continue
			}
			if err := errors.Join(of.add(t), mode.add(t), all.add(t)); err != nil {
				return fmt.Errorf("phase %s: %w", p.Name, err)
			}
			mode.took += t.took
			if p.Mix {
				of.took = max(of.took, t.took)
			} else {
				of.took += t.took
			}
		}
		all.took += of.took
		f.totals[key{"", p.Name}] = of
	}
	f.totals[key{}] = all
	return nil
}

// Modes are the names of the modes, in the scenario's order.
func (f *Figures) Modes() []string {
	var names []string
	for _, m := range f.run.Modes {
		names = append(names, m.Name)
	}
	return names
}

// Phases are the names of the phases that have figures, in the scenario's order: all but warm-up.
func (f *Figures) Phases() []string {
	var names []string
	for _, p := range f.run.Phases {
		if !p.Warmup {
			names = append(names, p.Name)
		}
	}
	return names
}

// Value is one figure of one mode in one phase; an empty mode or phase is the sum over all that is not warm-up. unit is "ms", "/s", or
// empty for a plain number. The names are those of Names. The error is ErrNoSamples if there is nothing to take the figure of.
func (f *Figures) Value(name, mode, phase string) (value float64, unit string, err error) {
	figure, unit := lookup(name)
	switch {
	case figure == nil:
		return 0, "", fmt.Errorf("unknown figure %q: known are %s", name, strings.Join(Names(), ", "))
	case mode != "" && !slices.Contains(f.Modes(), mode):
		return 0, "", fmt.Errorf("unknown mode %q: known are %s", mode, strings.Join(f.Modes(), ", "))
	case f.warmup[phase]:
		return 0, "", fmt.Errorf("phase %q is warm-up, which has no figures", phase)
	case phase != "" && !slices.Contains(f.Phases(), phase):
		return 0, "", fmt.Errorf("unknown phase %q: known are %s", phase, strings.Join(f.Phases(), ", "))
	}
	if t := f.totals[key{mode, phase}]; t != nil && t.ledger.Scheduled > 0 {
		if value, ok := figure(t); ok {
			return value, unit, nil
		}
	}
	return 0, "", fmt.Errorf("%s%s: %w", name, where(mode, phase), ErrNoSamples)
}

// where says what a figure is of.
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

// total returns what mode did in phase, or nil if it did nothing there.
func (f *Figures) total(mode, phase string) *total {
	if t := f.totals[key{mode, phase}]; t != nil && t.ledger.Scheduled > 0 {
		return t
	}
	return nil
}
