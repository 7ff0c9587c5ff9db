package run

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stats"
)

// turn is what is compared at a stretch: a phase of one mode, or of those that share it.
type turn struct {
	block   block
	warmups []indexed // that the block has before the phase; each is driven as it is
	phase   indexed
	windows []scenario.Phase // pieces of the phase, of a slice each; slice k is of window k modulo their number
}

// name is "ttl warm".
func (t turn) name() string { return t.block.name() + " " + t.phase.Name }

// shortestSlice is one that is still more than its begin and its end.
const shortestSlice = 20 * time.Millisecond

// turnsOf returns what is to be compared, and what the scenario has beside it. The error is a UsageError: a name that the scenario does not have, or a
// phase that was named and cannot be compared.
func turnsOf(cfg ABConfig) (turns []turn, not []ab.Ungated, err error) {
	s := cfg.Scenario
	var errs []error
	if cfg.Slice < shortestSlice || cfg.Epoch < 2*cfg.Slice || cfg.Epoch > mostSlices*cfg.Slice {
		errs = append(errs, fmt.Errorf("slices of %s in an epoch of %s: a slice takes %s or more, and an epoch 2 to %d of them", cfg.Slice, cfg.Epoch, shortestSlice, mostSlices))
	}
	if least := stats.DefaultPlan(0).Looks[0].Epochs; cfg.MaxEpochs != 0 && cfg.MaxEpochs < least {
		errs = append(errs, fmt.Errorf("%d epochs at most: fewer than %d decide nothing", cfg.MaxEpochs, least))
	}
	for _, name := range cfg.Modes {
		if !slices.ContainsFunc(s.Compared(), func(m scenario.Mode) bool { return m.Name == name }) {
			errs = append(errs, fmt.Errorf("%s has no mode %q", s.Name, name))
		}
	}
	for _, name := range cfg.Phases {
		i := slices.IndexFunc(s.Phases, func(p scenario.Phase) bool { return p.Name == name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s has no phase %q", s.Name, name))
		} else if reason := unfit(s, s.Phases[i], cfg.Slice); reason != "" {
			errs = append(errs, fmt.Errorf("phase %s cannot be compared: %s", name, reason))
		}
	}
	for _, p := range s.Phases {
		if reason := unfit(s, p, cfg.Slice); reason != "" && !p.Warmup && len(cfg.Phases) == 0 {
			not = append(not, ab.Ungated{Name: "phase " + p.Name, Reason: reason})
		}
	}
	for _, b := range newPlan(s, 1, cfg.Seed).blocks {
		if b.mode != "" && len(cfg.Modes) > 0 && !slices.Contains(cfg.Modes, b.mode) {
			continue
		}
		turns = append(turns, turnsOfBlock(cfg, b)...)
	}
	if len(turns) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s has no phase that can be compared: it takes an open one, or a closed one with a length", s.Name))
	}
	if len(errs) > 0 {
		return nil, nil, UsageError{errors.Join(errs...)}
	}
	return turns, not, nil
}

// turnsOfBlock returns the turns of one mode, or of those that share phases. Phases that warm up come before the first of them that follows.
func turnsOfBlock(cfg ABConfig, b block) (turns []turn) {
	var warmups []indexed
	for _, p := range b.phases {
		switch {
		case p.Warmup:
			warmups = append(warmups, p)
		case unfit(cfg.Scenario, p.Phase, cfg.Slice) == "" && (len(cfg.Phases) == 0 || slices.Contains(cfg.Phases, p.Name)):
			turns = append(turns, turn{block: b, warmups: warmups, phase: p, windows: windowsOf(p.Phase, cfg.Slice)})
			warmups = nil
		}
	}
	return turns
}

// unfit returns why a phase cannot be cut into slices; empty if it can.
func unfit(s *scenario.Scenario, p scenario.Phase, slice time.Duration) string {
	once := func(m scenario.Mode) bool {
		return slices.ContainsFunc(m.Data, func(v scenario.Variable) bool { return v.Spec.Finite() })
	}
	switch {
	case p.Warmup:
		return "it warms up"
	case p.Kind == scenario.Burst:
		return "a burst is over at once; slices take an open phase, or a closed one with a length"
	case p.Requests > 0 || p.Length() == 0:
		return "it ends with its requests; slices take an open phase, or a closed one with a length"
	case p.Length() < slice:
		return fmt.Sprintf("it is shorter than a slice of %s", slice)
	case len(p.Faults) > 0:
		return "it has faults"
	case len(p.During) > 0:
		return "it has actions during its load"
	case slices.ContainsFunc(s.Modes, once):
		return "the scenario has data that is taken once, and slices take theirs anew"
	}
	return ""
}

// windowsOf cuts a phase into pieces of a slice's length, and forgets the rest.
func windowsOf(p scenario.Phase, width time.Duration) []scenario.Phase {
	var all []scenario.Phase
	for from := time.Duration(0); from+width <= p.Length(); from += width {
		w := p
		w.Steps = cut(p.Steps, from, from+width)
		if p.Kind == scenario.Closed {
			w.For = width
		}
		all = append(all, w)
	}
	return all
}

// cut returns the part of a load that lies between two moments of it.
func cut(steps []scenario.Step, from, to time.Duration) []scenario.Step {
	var part []scenario.Step
	var begin time.Duration
	for _, s := range steps {
		end := begin + s.For
		a, b := max(from, begin), min(to, end)
		if a < b {
			at := func(t time.Duration) float64 { return s.From + (s.To-s.From)*float64(t-begin)/float64(s.For) }
			part = append(part, scenario.Step{From: at(a), To: at(b), For: b - a})
		}
		begin = end
	}
	return part
}

// slicesFor returns how many slices an arm has in a time: two for each quad.
func (t turn) slicesFor(length time.Duration) int {
	width := t.windows[0].Length()
	quads := int((length + 2*width - 1) / (2 * width))
	return 2 * quads
}

// quad draws the order of two slices of each arm: ABBA or BAAB, so that each arm is as early as the other on average of each quad, and which begins is
// known to nobody before.
func (t *abTest) quad() [4]int {
	if t.coin.IntN(2) == 0 {
		return [4]int{0, 1, 1, 0}
	}
	return [4]int{1, 0, 0, 1}
}

// SlowFlags returns the app's flags that slow the modes of a test down by a share: "+20%". The error is a UsageError: a mode that no app of the lab
// serves, or a service that runs already.
func SlowFlags(cfg ABConfig, share string) ([]string, error) {
	turns, _, err := turnsOf(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.running() {
		return nil, UsageError{errors.New("a service that runs already cannot be slowed down")}
	}
	r := runner{Config: cfg.Config}
	var flags []string
	for _, t := range turns {
		for _, m := range r.modesOf(t.block, t.phase) {
			mode := cfg.Scenario.Modes[m]
			if mode.Steps > 0 {
				continue
			}
			name := appMode(mode.Method, mode.Path)
			if name == "" {
				return nil, UsageError{fmt.Errorf("mode %s is none that the lab's app could slow down", mode.Name)}
			}
			if flag := "--slow=" + name + "=" + share; !slices.Contains(flags, flag) {
				flags = append(flags, flag)
			}
		}
	}
	return flags, nil
}
