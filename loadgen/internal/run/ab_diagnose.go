package run

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/cpuprofile"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/trace"
)

const (
	profileSeconds = 8 // of both arms at once, so that each has some 4 s of load and 400 samples
	tracedTries    = 3 // of workRequests each, from an empty cache
)

// diagnose looks, with one more pair of processes, for what is behind a B that was found slower: statements and functions. It is no part of the verdict;
// what it cannot find out is said in the diagnosis.
func (t *abTest) diagnose(ctx context.Context) {
	d, err := t.test.Decide()
	if err != nil || d.Verdict != ab.Fail {
		return
	}
	worst := -1
	for m, f := range d.Latency.Findings {
		if f.Slower && (worst < 0 || f.Effect.Low > d.Latency.Findings[worst].Effect.Low) {
			worst = m
		}
	}
	if worst < 0 {
		return
	}
	e := t.test.Plan.Endpoints[worst]
	diagnosis := &ab.Diagnosis{Mode: e.Mode, Phase: e.Phase}
	t.log("B is slower: one more pair of processes shows where (statements and CPU profiles of " + e.Mode + " " + e.Phase + ")")
	if err := t.look(ctx, e, diagnosis); err != nil {
		diagnosis.Missing = err.Error()
	}
	t.test.Diagnosis = diagnosis
}

// look fills a diagnosis in.
func (t *abTest) look(ctx context.Context, e ab.Endpoint, into *ab.Diagnosis) error {
	p, err := t.up(ctx, true)
	if err != nil {
		return err
	}
	for _, turn := range t.turns {
		for _, m := range p[0].modesOf(turn.block, turn.phase) {
			mode := t.Scenario.Modes[m]
			if mode.Name != e.Mode || turn.phase.Name != e.Phase {
				continue
			}
			if err == nil && mode.Session == "" {
				err = p.traced(ctx, turn, mode)
			}
			if err == nil {
				err = t.profiled(ctx, p, turn, m, into)
			}
		}
	}
	err = errors.Join(err, p.down(ctx)) // the traces are complete now
	t.keepTraces(p, e.Mode, e.Phase)
	into.Statements = changedStatements(p[0].report.Traces, p[1].report.Traces, e.Mode, e.Phase)
	return err
}

// traced makes traced requests of both arms.
func (p pair) traced(ctx context.Context, turn turn, mode scenario.Mode) error {
	for try := range tracedTries {
		for _, r := range p {
			if _, err := r.cost(ctx, turn, mode, try); err != nil {
				return err
			}
		}
	}
	return nil
}

// profiled takes the CPU profiles of both arms while each answers, by turns, one user who does not think. The load of the phase itself is mostly too
// light for a profiler that samples 100 times a second of CPU time.
func (t *abTest) profiled(ctx context.Context, p pair, turn turn, mode int, into *ab.Diagnosis) error {
	if err := p.enter(ctx, turn); err != nil {
		return err
	}
	turn.windows = slices.Clone(turn.windows)
	for i := range turn.windows {
		turn.windows[i] = oneUser(turn.windows[i], 0)
		turn.windows[i].For, turn.windows[i].Trace = t.Slice, scenario.Trace{Said: true}
	}
	var profiles [2][]byte
	var errs [2]error
	var both sync.WaitGroup
	for i, r := range p {
		both.Go(func() { profiles[i], errs[i] = r.subject.lab.Profile(ctx, 0, profileSeconds) })
	}
	did := [2]*tally{newTally(len(t.Scenario.Modes)), newTally(len(t.Scenario.Modes))}
	var err error
	end := time.Now().Add(profileSeconds * time.Second)
	for k := 0; err == nil && time.Now().Before(end); k++ {
		for _, arm := range t.quad() {
			if _, err = p[arm].slice(ctx, p[arm].window(turn, 0, k), did[arm]); err != nil {
				break
			}
		}
	}
	both.Wait()
	if err = errors.Join(err, errs[0], errs[1]); err != nil {
		return err
	}
	var requests [2]int64
	for i := range did {
		requests[i] = did[i].modes[mode].ended
	}
	functions, err := cpuprofile.Growth(profiles[0], profiles[1], requests, t.module())
	for _, f := range functions {
		into.Functions = append(into.Functions, ab.Function(f))
	}
	t.test.Profiles = profiles
	if err != nil {
		return err
	}
	var collected [2]float64
	for i := range profiles {
		if collected[i], err = cpuprofile.Collected(profiles[i]); err != nil {
			return fmt.Errorf("arm %s: %w", ab.Letter(i), err)
		}
	}
	into.Collected = &collected
	return nil
}

// module is the path of the module that B's program was built from; empty if that is unknown.
func (t *abTest) module() string {
	info, err := buildinfo.ReadFile(t.Arms[1].Binary)
	if err != nil {
		return ""
	}
	return info.Main.Path
}

// changedStatements returns the statements of traced requests whose calls or times differ, the greatest growth of time first.
func changedStatements(a, b []result.Trace, mode, phase string) []ab.Statement {
	all := map[string]*ab.Statement{}
	for i, traces := range [][]result.Trace{a, b} {
		found := trace.Find(traces, "", mode, phase, "")
		for _, t := range found {
			for _, s := range trace.Statements(t.Spans) {
				if all[s.Shape] == nil {
					all[s.Shape] = &ab.Statement{Name: s.Name(), Shape: s.Shape}
				}
				of := []*ab.Average{&all[s.Shape].A, &all[s.Shape].B}[i]
				of.Calls += float64(s.Count) / float64(len(found))
				of.Time += s.Time / time.Duration(len(found))
			}
		}
	}
	var changed []ab.Statement
	for _, shape := range slices.Sorted(maps.Keys(all)) {
		if s := all[shape]; s.A != s.B {
			changed = append(changed, *s)
		}
	}
	slices.SortStableFunc(changed, func(x, y ab.Statement) int { return cmp.Compare(y.B.Time-y.A.Time, x.B.Time-x.A.Time) })
	return changed
}
