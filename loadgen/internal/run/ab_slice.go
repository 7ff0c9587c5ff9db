package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/result"
)

// tally sums up the requests of the slices of one arm. It implements measure.Observer.
type tally struct {
	mu    sync.Mutex // guards modes
	modes []tallied
}

// tallied is one mode of a tally.
type tallied struct {
	response              *hist.Histogram // as a run records it: see package measure
	ended, failed, bodies int64
	spent                 map[time.Duration]result.Bucket
}

func newTally(modes int) *tally {
	t := &tally{modes: make([]tallied, modes)}
	for i := range t.modes {
		t.modes[i] = tallied{response: hist.New(), spent: map[time.Duration]result.Bucket{}}
	}
	return t
}

// Scheduled implements measure.Observer.
func (t *tally) Scheduled(int) {}

// Record implements measure.Observer.
func (t *tally) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := &t.modes[mode]
	m.ended++
	m.bodies += o.Bytes
	if o.Kind != measure.OK {
		m.failed++
	}
	if o.Kind == measure.OK || o.Kind == measure.Timeout || o.Kind == measure.Unsent {
		m.response.Record(o.Done.Sub(start.Add(due)))
	}
}

// side is what a mode came to.
func (t *tally) side(mode int) ab.Side {
	m := t.modes[mode]
	s := ab.Side{Requests: m.ended, Failed: m.failed}
	if m.response.Count() > 0 {
		q, _ := ab.Quantiles()
		s.Quantiles = m.response.Quantiles(q...)
	}
	var spent []result.Bucket
	for _, over := range slices.Sorted(maps.Keys(m.spent)) {
		spent = append(spent, m.spent[over])
	}
	s.Body, s.Tail = ab.Halves(spent)
	return s
}

// add adds what the requests of a slice spent their time on.
func (t *tally) add(results []measure.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, r := range results {
		for _, b := range r.Spent {
			sum := t.modes[i].spent[b.Over]
			sum.Add(b)
			t.modes[i].spent[b.Over] = sum
		}
	}
}

// measure warms a turn up, and measures it in slices of both arms.
func (t *abTest) measure(ctx context.Context, p pair, turn turn, e *ab.Epoch) (cells []ab.Cell, drivers []result.Driver, err error) {
	for _, w := range turn.warmups {
		for _, r := range p {
			if err := r.whole(ctx, turn.block, w); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := p.enter(ctx, turn); err != nil {
		return nil, nil, err
	}
	warm, n := turn.slicesFor(t.test.Plan.WarmUp), turn.slicesFor(t.test.Plan.Epoch)
	var ignored, kept [2]*tally
	for i := range p {
		ignored[i], kept[i] = newTally(len(t.Scenario.Modes)), newTally(len(t.Scenario.Modes))
	}
	var before [2]api.Usage
	for k := 0; k < warm+n; k += 2 { // of each arm
		into := &kept
		if k < warm {
			into = &ignored
		} else if k == warm {
			before = p.usage(ctx)
		}
		next := [2]int{k, k}
		for _, arm := range t.quad() {
			s, err := p[arm].slice(ctx, p[arm].window(turn, e.Number, next[arm]), into[arm])
			if err != nil {
				return nil, nil, fmt.Errorf("arm %s, %s: %w", ab.Letter(arm), turn.name(), err)
			}
			if next[arm]++; k >= warm {
				drivers, e.Order = append(drivers, s), e.Order+ab.Letter(arm)
			}
		}
	}
	after := p.usage(ctx)
	for _, m := range p[0].modesOf(turn.block, turn.phase) {
		if mode := t.Scenario.Modes[m]; mode.Steps == 0 {
			cells = append(cells, ab.Cell{Mode: mode.Name, Phase: turn.phase.Name, A: kept[0].side(m), B: kept[1].side(m)})
		}
	}
	if len(cells) == 1 { // else it is not known which mode used it
		for i, s := range []*ab.Side{&cells[0].A, &cells[0].B} {
			if before[i].CPU > 0 && after[i].CPU > 0 {
				s.CPU, s.GC = after[i].CPU-before[i].CPU, after[i].GC-before[i].GC
			}
		}
	}
	return cells, drivers, nil
}

// enter makes everything ready for a turn in both arms.
func (p pair) enter(ctx context.Context, turn turn) error {
	for _, r := range p {
		if err := r.enter(ctx, r.newDriven(turn.block, turn.phase)); err != nil {
			return err
		}
	}
	return nil
}

// usage is what the apps have used until now; zeros of one that does not answer.
func (p pair) usage(ctx context.Context) (u [2]api.Usage) {
	for i, r := range p {
		if used, err := r.subject.lab.Usage(ctx, ""); err == nil {
			u[i] = used
		}
	}
	return u
}

// newDriven is a phase that is about to be driven.
func (r *runner) newDriven(b block, p indexed) *driven {
	return &driven{block: b, phase: p, modes: r.modesOf(b, p), oracles: make([]*measure.Oracle, len(r.Scenario.Modes))}
}

// window is slice k of a turn. Everything in it that is drawn is the same for both arms.
func (r *runner) window(t turn, epoch, k int) *driven {
	b := t.block
	b.round = epoch<<8 | k
	d := r.newDriven(b, t.phase)
	d.phase.Phase = t.windows[k%len(t.windows)]
	return d
}

// slice drives what is to be driven, to its end.
func (r *runner) slice(ctx context.Context, d *driven, into *tally) (result.Driver, error) {
	d.record(measure.Config{
		Modes: len(r.Scenario.Modes), Sessions: areSessions(r.Scenario.Modes), Observer: both{into, r.observers}, Replicas: d.phase.World.Replicas,
	})
	slice, cancel := r.subject.whileUp(ctx)
	defer cancel()
	res, err := r.loop(slice, d)
	if err == nil && res.Interrupted {
		err = context.Cause(slice)
	}
	results, unbalanced := r.balanced(d)
	into.add(results)
	return driver(progress.Heading{Mode: d.block.name(), Name: d.phase.Name}, false, res), errors.Join(err, unbalanced)
}

// balanced ends the recording of a slice, and checks that every request of it is accounted for.
func (r *runner) balanced(d *driven) ([]measure.Result, error) {
	results, err := d.recorder.Finish()
	for i := range results {
		if err == nil && !results[i].Ledger.Balanced() {
			err = fmt.Errorf("the ledger of %s does not balance", r.Scenario.Modes[i].Name)
		}
	}
	return results, err
}

// both passes requests on to a tally and to observers.
type both struct {
	*tally
	next measure.Observer
}

// Scheduled implements measure.Observer.
func (b both) Scheduled(mode int) { b.next.Scheduled(mode) }

// Record implements measure.Observer.
func (b both) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	b.tally.Record(mode, due, start, o)
	b.next.Record(mode, due, start, o)
}

// limitsOf returns why an epoch is not to be judged, if the generator was its bottleneck. A slice is too short for shares and percentiles, so that those
// of a turn are the means of its slices, by their lengths and releases; a standstill is that of any slice.
func limitsOf(epoch int, turns [][]result.Driver) []string {
	var limits []string
	for _, slices := range turns {
		sum := result.Driver{Round: epoch}
		var cpu, gc, late float64
		for _, s := range slices {
			seconds, releases := s.Took.Seconds(), float64(s.Release.Count)
			cpu, gc, late = cpu+s.CPU*seconds, gc+s.GCCPU*seconds, late+float64(s.Release.P99)*releases
			sum.Mode, sum.Phase = s.Mode, s.Phase
			sum.Took += s.Took
			sum.Offered, sum.InTime = sum.Offered+s.Offered, sum.InTime+s.InTime
			sum.Release.Count += s.Release.Count
			sum.Release.Max, sum.Hiccup.Max = max(sum.Release.Max, s.Release.Max), max(sum.Hiccup.Max, s.Hiccup.Max)
		}
		if sum.Took > 0 {
			sum.CPU, sum.GCCPU = cpu/sum.Took.Seconds(), gc/sum.Took.Seconds()
		}
		if sum.Release.Count > 0 {
			sum.Release.P99 = time.Duration(late / float64(sum.Release.Count))
		}
		limits = append(limits, generatorLimits([]result.Driver{sum})...)
	}
	return limits
}
