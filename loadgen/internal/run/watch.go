package run

import (
	"slices"
	"sync"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/impact"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/scenario"
)

// watch sees the requests of a phase that has faults: it keeps a sample of each, and records those that met a fault apart from the others. It
// implements measure.Observer, and passes everything on to next.
type watch struct {
	next    measure.Observer
	bands   []impact.Band // as planned
	oracles []*measure.Oracle
	parts   [2]*part // inside and outside of the bands

	mu      sync.Mutex // guards samples
	samples [][]impact.Sample
}

// part records the requests of a part of a phase.
type part struct {
	recorder *measure.Recorder
	oracles  []*measure.Oracle
	start    sync.Once
}

// aftermath is how long after a fault that happens at a moment its effects are looked for.
const aftermath = time.Second

// newWatch makes a watch over a phase. Oracles are by mode, nil for those whose staleness nobody asks for.
func newWatch(p scenario.Phase, oracles []*measure.Oracle, sessions []bool, next measure.Observer) *watch {
	w := &watch{next: next, oracles: oracles, samples: make([][]impact.Sample, len(oracles))}
	for _, f := range p.Faults {
		w.bands = append(w.bands, bandOf(f, p))
	}
	for i := range w.parts {
		own := make([]*measure.Oracle, len(oracles))
		for m, o := range oracles {
			if o != nil {
				own[m] = &measure.Oracle{}
			}
		}
		w.parts[i] = &part{oracles: own, recorder: measure.NewRecorder(measure.Config{Modes: len(oracles), Sessions: sessions, Oracles: own})}
	}
	return w
}

// bandOf returns the time that a fault is planned to last.
func bandOf(f scenario.Fault, p scenario.Phase) impact.Band {
	if f.Fault.Moment {
		return impact.Band{From: f.At, To: min(f.At+aftermath, p.Length())}
	}
	return impact.Band{From: f.At, To: f.At + f.For}
}

// Scheduled implements measure.Observer.
func (w *watch) Scheduled(mode int) { w.next.Scheduled(mode) }

// Record implements measure.Observer.
func (w *watch) Record(mode int, due time.Duration, start time.Time, o *measure.Outcome) {
	w.next.Record(mode, due, start, o)
	p := w.parts[w.partOf(due, o.Done.Sub(start))]
	p.start.Do(func() { p.recorder.Start(start) })
	p.recorder.Scheduled(mode, due)
	p.recorder.Record(mode, due, o)

	s := impact.Sample{
		Due: due, Done: o.Done.Sub(start), Degraded: o.Cache == api.CacheDown,
		Measured: o.Kind == measure.OK || o.Kind == measure.Timeout || o.Kind == measure.Unsent,
	}
	if o.Kind != measure.OK {
		s.Kind = o.Kind.String()
	} else if oracle := w.oracles[mode]; oracle != nil && o.Version != 0 {
		s.Stale = oracle.Age(o.Version, o.Sent)
	}
	w.mu.Lock()
	w.samples[mode] = append(w.samples[mode], s)
	w.mu.Unlock()
}

// Parts of a phase with faults.
const (
	insideFaults = iota
	outsideFaults
)

func (w *watch) partOf(due, done time.Duration) int {
	for _, b := range w.bands {
		if b.Meets(due, done) {
			return insideFaults
		}
	}
	return outsideFaults
}

// committed passes a price change on to the oracles of the parts.
func (w *watch) committed(version int64, at time.Time) {
	for _, p := range w.parts {
		for _, o := range p.oracles {
			if o != nil {
				o.Committed(version, at)
			}
		}
	}
}

// took returns how long a part of a phase of that length is.
func (w *watch) took(part int, length time.Duration) time.Duration {
	var inside, reached time.Duration
	for _, b := range slices.SortedFunc(slices.Values(w.bands), func(a, b impact.Band) int { return int(a.From - b.From) }) {
		from := max(b.From, reached) // bands of different servers may overlap
		inside += max(0, b.To-from)
		reached = max(reached, b.To)
	}
	if part == insideFaults {
		return inside
	}
	return max(0, length-inside)
}
