// Package live shows a run on a page while it goes on. Requests are counted where they end, in buckets of their response times; once a second what has changed is
// sent to the viewers as server-sent events, encoded once for all. Rounds are added up. Nothing of this waits for a viewer: each has a queue, and one whose queue is full is dropped, and
// comes back by itself for what it has missed.
//
// A run elsewhere, in a cluster, has a Feed there and a Server here, which takes what the feed has.
//
// Figures of a page under way are those of its buckets, to 2%. When the run has ended the page gets its report, whose figures are those of run.json.
package live

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// every is how often viewers get what has changed.
const every = time.Second

// Phase is a phase under way.
type Phase struct {
	Round, Rounds int // of how many; 0 if that is unknown
	Name          string
	Turn          string // the mode in whose turn it runs; "mix" if modes share it
	Load          string
	Warmup        bool
	Took          []string // modes that take part, by the numbers that Scheduled and Record get; empty for those that do not
}

// Watch sees a run from the side. The methods of a nil Watch do nothing, for a run that nobody can look at.
type Watch struct {
	hub *hub

	phase atomic.Pointer[phase] // under way; nil between phases, and in a warm-up
	modes map[string][]*mode    // of the phases so far, by their names; of the goroutine that begins phases

	stop  chan struct{}
	once  sync.Once // closes stop
	ended sync.WaitGroup
}

// phase is what a phase has come to so far.
type phase struct {
	Phase
	modes []*mode
	began time.Time
}

// Started says what will be measured. It is called once, before the first phase.
func (w *Watch) Started(run *result.Run) {
	if w == nil {
		return
	}
	w.hub.start(run)
	w.stop = make(chan struct{})
	w.ended.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.publish()
			case <-w.stop:
				return
			}
		}
	})
}

// Begin begins a phase. It is called before the phase's first request.
func (w *Watch) Begin(p Phase) {
	if w == nil {
		return
	}
	w.hub.status(p)
	if p.Warmup {
		return
	}
	of := &phase{Phase: p, began: time.Now(), modes: make([]*mode, len(p.Took))}
	if w.modes == nil {
		w.modes = map[string][]*mode{}
	}
	was := w.modes[p.Name]
	was = append(was, make([]*mode, max(len(p.Took)-len(was), 0))...)
	w.modes[p.Name] = was
	for i, name := range p.Took {
		if name == "" {
			continue
		}
		if was[i] == nil {
			was[i] = &mode{}
		}
		was[i].begin(p.Rounds != 1)
		of.modes[i] = was[i]
	}
	w.phase.Store(of)
}

// End ends the phase.
func (w *Watch) End() {
	if w == nil {
		return
	}
	w.publish()
	w.phase.Store(nil)
}

// Stopped ends the sending of what is measured. The report may follow.
func (w *Watch) Stopped() {
	if w == nil || w.stop == nil {
		return
	}
	w.once.Do(func() { close(w.stop) })
	w.ended.Wait()
}

func (w *Watch) mode(i int) *mode {
	if w == nil {
		return nil
	}
	p := w.phase.Load()
	if p == nil || i < 0 || i >= len(p.modes) {
		return nil
	}
	return p.modes[i]
}

// Scheduled implements measure.Observer. What is due is counted when it has ended: the moment at which that was is not known here.
func (w *Watch) Scheduled(int) {}

// Record implements measure.Observer.
func (w *Watch) Record(i int, due time.Duration, start time.Time, o *measure.Outcome) {
	if m := w.mode(i); m != nil {
		m.record(due, start, o)
	}
}

// Merge enters what a worker of the run has recorded of a mode since it did so before: nothing of it comes by Record.
func (w *Watch) Merge(d *measure.ModeDelta) {
	if m := w.mode(d.Mode); m != nil {
		m.merge(d)
	}
}

// publish sends what has changed since the last time.
func (w *Watch) publish() {
	p := w.phase.Load()
	if p == nil {
		return
	}
	var changed []entry
	for i, m := range p.modes {
		if m == nil {
			continue
		}
		for _, point := range m.changed() {
			point.Mode, point.Phase, point.Round = i, p.Name, p.Round
			if text, err := json.Marshal(point); err == nil {
				changed = append(changed, entry{key: key{point.Phase, i, point.At}, text: text})
			}
		}
		if total, ok := m.total(time.Since(p.began)); ok {
			total.Mode, total.Phase, total.Round = i, p.Name, p.Round
			if text, err := json.Marshal(total); err == nil {
				changed = append(changed, entry{key: key{p.Name, i, whole}, text: text})
			}
		}
	}
	w.hub.publish(changed)
}
