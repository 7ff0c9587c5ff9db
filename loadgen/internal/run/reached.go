package run

import (
	"context"
	"fmt"
	"slices"

	"loadlab/loadgen/internal/scenario"
)

// linkFailures are how many connections of each link found its server out of reach.
type linkFailures map[string]int64

// unreached asks the links.
func (s *subject) unreached(ctx context.Context) (linkFailures, error) {
	if s.stack.Links == nil {
		return nil, nil
	}
	all, err := s.stack.Links.Links(ctx)
	if err != nil {
		return nil, err
	}
	failed := linkFailures{}
	for _, l := range all {
		failed[l.Name] = l.Stats.Failed
	}
	return failed, nil
}

// checkLinks makes the run invalid if a link found its server out of reach during the phase, unless that was the phase's fault.
func (r *runner) checkLinks(ctx context.Context, d *driven) {
	if r.subject.stack.Links == nil || r.subject.broken() != nil {
		return
	}
	all, err := r.subject.stack.Links.Links(context.WithoutCancel(ctx))
	if err != nil {
		r.invalid("%s: %v", d.phase.Name, err)
		return
	}
	for _, l := range all {
		n := l.Stats.Failed - d.reached[l.Name]
		if n <= 0 || slices.ContainsFunc(d.phase.Faults, func(f scenario.Fault) bool { return f.Fault.Server == l.Name }) {
			continue
		}
		text := fmt.Sprintf("%s, round %d: the link to %s could not reach it %d times", d.phase.Name, d.block.round, l.Name, n)
		if l.Stats.Failure != nil {
			text += ": " + l.Stats.Failure.Error
		}
		r.invalid("%s", text)
	}
}
