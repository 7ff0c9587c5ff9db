package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"loadlab/app/api"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/trace"
)

const (
	workRequests = 10 // of one user: enough for hits after a page that was missing, and over before pages expire
	workTries    = 3

	// allocationRequests are so many that one probe more or less is no tenth of what they allocate.
	allocationRequests = 100
)

// compareWork compares what the same requests cost both builds, by counters: a query more is found in seconds. It has processes of
// its own, whose spans it receives, so that what is repeated has a name.
func (t *abTest) compareWork(ctx context.Context) error {
	p, err := t.up(ctx, true)
	if err != nil {
		return err
	}
	// Before the first span, so that no export of any is in it.
	err = t.eachMode(p, func(turn turn, mode scenario.Mode) error {
		all, err := p.allocations(ctx, turn, mode)
		t.test.Work = append(t.test.Work, ab.Work{Mode: mode.Name, Phase: turn.phase.Name, Requests: workRequests, Allocations: all})
		return err
	})
	if err == nil {
		i := 0
		err = t.eachMode(p, func(turn turn, mode scenario.Mode) (err error) {
			t.test.Work[i].Tries, err = p.work(ctx, turn, mode)
			i++
			return err
		})
	}
	if err != nil {
		return errors.Join(p.why(ctx, err), p.down(ctx))
	}
	err = p.down(ctx) // the traces are complete now
	for i := range t.test.Work {
		w := &t.test.Work[i]
		if len(w.Grew()) > 0 {
			w.Repeats = newRepeats(p[0].report.Traces, p[1].report.Traces, w.Mode, w.Phase)
			t.keepTraces(p, w.Mode, w.Phase)
		}
	}
	return err
}

// eachMode does something with each mode of each turn, up to the first error. Of a session it is the session, which makes the requests of its modes.
func (t *abTest) eachMode(p pair, do func(turn, scenario.Mode) error) error {
	for _, turn := range t.turns {
		for _, m := range p[0].modesOf(turn.block, turn.phase) {
			if mode := t.Scenario.Modes[m]; mode.Session == "" {
				if err := do(turn, mode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keepTraces keeps the slowest traced request of each arm of a mode and phase. The pair is down.
func (t *abTest) keepTraces(p pair, mode, phase string) {
	for i, r := range p {
		found := trace.Find(r.report.Traces, "", mode, phase, "")
		if len(found) == 0 {
			continue
		}
		kept := *slices.MaxFunc(found, func(x, y *result.Trace) int { return cmp.Compare(x.Response, y.Response) })
		kept.Why = ab.ArmTrace(i)
		t.test.Traces = append(t.test.Traces, kept)
	}
}

// work compares both arms in one mode of a turn, and again if they differ.
func (p pair) work(ctx context.Context, turn turn, mode scenario.Mode) ([]ab.Try, error) {
	var tries []ab.Try
	for try := range workTries {
		var counts [2]ab.Counts
		for i, r := range p {
			var err error
			if counts[i], err = r.cost(ctx, turn, mode, try); err != nil {
				return nil, fmt.Errorf("arm %s, %s: %w", ab.Letter(i), turn.name(), err)
			}
		}
		tries = append(tries, ab.Try{A: counts[0], B: counts[1]})
		if tries[try].Even() {
			break
		}
	}
	return tries, nil
}

// cost makes the requests of one user, with nothing in the cache, and returns what they came to.
func (r *runner) cost(ctx context.Context, turn turn, mode scenario.Mode, try int) (ab.Counts, error) {
	d := r.alone(turn, mode, try, workRequests)
	if err := r.enter(ctx, d); err != nil {
		return ab.Counts{}, err
	}
	if err := (target{r.subject, d}).Flush(ctx); err != nil && !errors.Is(err, lab.ErrNoLab) {
		return ab.Counts{}, err
	}
	r.subject.connections.forget()
	before, err := r.subject.counters(ctx)
	if err != nil {
		return ab.Counts{}, err
	}
	into := newTally(len(r.Scenario.Modes))
	r.observers.begin(r.observed(d))
	_, err = r.slice(ctx, d, into)
	r.observers.end(tallies(into))
	if err != nil {
		return ab.Counts{}, err
	}
	after, err := r.subject.counters(ctx)
	if err != nil {
		return ab.Counts{}, err
	}
	return r.counts(d, into, before, after), nil
}

// allocations compares what both arms allocate for requests of one user that are not traced, and again while B has more.
func (p pair) allocations(ctx context.Context, turn turn, mode scenario.Mode) ([]ab.Allocations, error) {
	if err := p.enter(ctx, turn); err != nil {
		return nil, err
	}
	var all []ab.Allocations
	for try := range workTries {
		var counts [2]int64
		for i, r := range p {
			d := r.alone(turn, mode, try, allocationRequests)
			d.phase.Trace.All = false
			before := r.allocated(ctx)
			if _, err := r.slice(ctx, d, newTally(len(r.Scenario.Modes))); err != nil {
				return nil, fmt.Errorf("arm %s, %s: %w", ab.Letter(i), turn.name(), err)
			}
			if now := r.allocated(ctx); before > 0 && now > 0 {
				counts[i] = now - before
			}
		}
		all = append(all, ab.Allocations{Requests: allocationRequests, A: counts[0], B: counts[1]})
		if !all[try].Grew() {
			break
		}
	}
	return all, nil
}

// allocated returns how many objects the app has allocated; 0 if it does not say.
func (r *runner) allocated(ctx context.Context) int64 {
	u, err := r.subject.lab.Usage(ctx, "")
	if err != nil {
		return 0
	}
	return u.Allocations
}

// alone is a mode of a turn under the requests of one user.
func (r *runner) alone(turn turn, mode scenario.Mode, try, requests int) *driven {
	d := r.newDriven(block{round: try, mode: mode.Name}, indexed{oneUser(turn.phase.Phase, requests), turn.phase.index})
	d.modes = slices.DeleteFunc(d.modes, func(m int) bool { return r.Scenario.Modes[m].Compared() != mode.Name })
	return d
}

// counts sums up the modes that were driven: one, or a session's steps.
func (r *runner) counts(d *driven, into *tally, before, after counters) ab.Counts {
	sum := ab.Counts{Counted: after != nil}
	seen := map[string]bool{}
	for _, m := range d.modes {
		mode := r.Scenario.Modes[m]
		if mode.Steps > 0 {
			continue
		}
		sum.Bytes, sum.Failed = sum.Bytes+into.modes[m].bodies, sum.Failed+into.modes[m].failed
		name := appMode(mode.Method, mode.Path)
		if sum.Counted = sum.Counted && name != ""; !sum.Counted || seen[name] {
			continue
		}
		seen[name] = true
		c := after.of(name).Sub(before.of(name))
		sum.SQL, sum.Rows = sum.SQL+c[api.CountSQL], sum.Rows+c[api.CountRows]
		sum.Redis, sum.Recomputes = sum.Redis+c[api.CountRedis], sum.Recomputes+c[api.CountRecomputes]
	}
	if !sum.Counted {
		sum.SQL, sum.Rows, sum.Redis, sum.Recomputes = 0, 0, 0, 0
	}
	return sum
}

// tallies is what observers want at the end of a phase.
func tallies(t *tally) []measure.Tally {
	all := make([]measure.Tally, len(t.modes))
	for i, m := range t.modes {
		all[i] = measure.Tally{Ended: m.ended, Failed: m.failed, P50: m.response.Quantile(0.5)}
	}
	return all
}

// newRepeats returns the queries that a trace of B repeats more often than any of A.
func newRepeats(a, b []result.Trace, mode, phase string) []string {
	most := func(traces []result.Trace) map[string]trace.Repeat {
		all := map[string]trace.Repeat{}
		for _, t := range trace.Find(traces, "", mode, phase, "") {
			for _, r := range trace.FindQueries(t.Spans).Repeats {
				if r.Count > all[r.Shape].Count {
					all[r.Shape] = r
				}
			}
		}
		return all
	}
	var names []string
	before := most(a)
	for shape, r := range most(b) {
		if n := before[shape].Count; n < r.Count {
			name := r.String()
			if n > 0 {
				name += fmt.Sprintf(" (A: x %d)", n)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
