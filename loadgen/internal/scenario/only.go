package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"loadlab/internal/spell"
)

// AllModes chooses every mode of a scenario, also of one that runs some of them by default.
const AllModes = "all"

// Chosen returns the scenario with the modes of those names alone; with none, those that it runs by default; with AllModes, all of them. See Only.
func (s *Scenario) Chosen(names []string) (*Scenario, error) {
	switch {
	case slices.Equal(names, []string{AllModes}):
		return s, nil
	case len(names) > 0:
		return s.Only(names)
	case len(s.DefaultModes) > 0:
		return s.Only(s.DefaultModes)
	}
	return s, nil
}

// Only returns the scenario with those of its modes alone, in its own order. Its gates stay as they are: those that name a mode of LeftOut have
// nothing to be judged by.
//
// The error is an unknown name, or a phase that is shared by modes of which some are left out: the others would have another load.
func (s *Scenario) Only(names []string) (*Scenario, error) {
	var all []string
	for _, m := range s.Compared() {
		all = append(all, m.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: choose at least one of its modes: %s", s.File, strings.Join(all, ", "))
	}
	var errs []error
	for _, name := range names {
		if !slices.Contains(all, name) {
			errs = append(errs, fmt.Errorf("%s: %s", s.File, spell.Unknown("mode", name, all)))
		}
	}
	for _, p := range s.Phases {
		if len(errs) == 0 {
			errs = append(errs, s.splits(p, names)...)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	chosen := *s
	chosen.Modes = nil
	for _, m := range s.Modes {
		if slices.Contains(names, m.Compared()) {
			chosen.Modes = append(chosen.Modes, m)
		} else {
			chosen.LeftOut = append(chosen.LeftOut, m.Name)
		}
	}
	return &chosen, nil
}

// splits returns the error that some of the modes that share a phase are not among names.
func (s *Scenario) splits(p Phase, names []string) []error {
	var shared, missing []string
	for _, share := range p.Mix {
		shared = append(shared, share.Mode)
		if !slices.Contains(names, share.Mode) {
			missing = append(missing, share.Mode)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []error{Error{s.File, p.Line, 1, fmt.Sprintf("phase %q is shared by %s, and without %s its load would be another: choose all of them",
		p.Name, strings.Join(shared, ", "), strings.Join(missing, ", "))}}
}
