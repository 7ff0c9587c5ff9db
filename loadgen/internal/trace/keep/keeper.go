// Package keep chooses, among the sampled requests of a run, those whose traces are kept, and puts their traces together from the
// spans that arrive: of each mode and phase the slowest requests and the one nearest to the median, and for each fault the one that shows it
// best. It is bounded however long a run is and whatever is sent to it.
package keep

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/trace"
)

// Config is how much is kept. A zero field is its default.
type Config struct {
	Store     *Store // that the spans arrive in
	Slowest   int    // requests of each mode and phase: 3
	Reservoir int    // requests among which the one nearest to the median is sought: 32
	Seed      uint64 // of the reservoir
}

// maxRecent is how many of the last sampled requests are remembered, for the case that a kept one turns out to have waited for them.
const maxRecent = 2048

// Keeper chooses traces. Its methods are safe for concurrent use.
type Keeper struct {
	cfg Config

	mu     sync.Mutex // guards what follows
	rng    *rand.Rand
	cells  map[cellKey]*cell
	order  []*cell // as they began
	recent map[ID]trace.Sample
	ring   []ID // of recent, the next to go at head
	head   int
}

// cellKey names a cell: all rounds of a mode in a phase.
type cellKey struct{ mode, phase string }

// New returns a Keeper.
func New(cfg Config) *Keeper {
	cfg.Slowest = cmp.Or(cfg.Slowest, 3)
	cfg.Reservoir = cmp.Or(cfg.Reservoir, 32)
	return &Keeper{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed^0x7ace)), cells: map[cellKey]*cell{}, recent: map[ID]trace.Sample{},
	}
}

// Offer offers the keeper a sampled request that has ended, with the faults that it met. It is called by those who measure: it
// takes about a microsecond.
func (k *Keeper) Offer(s trace.Sample, faults ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remember(s)
	key := cellKey{s.Mode, s.Phase}
	c := k.cells[key]
	if c == nil {
		c = &cell{keeper: k}
		k.cells[key] = c
		k.order = append(k.order, c)
	}
	c.offer(s)
	for _, f := range faults {
		c.befall(f, s)
	}
}

// remember keeps the last maxRecent samples.
func (k *Keeper) remember(s trace.Sample) {
	if _, known := k.recent[s.TraceID]; known {
		return
	}
	if len(k.ring) < maxRecent {
		k.ring = append(k.ring, s.TraceID)
	} else {
		delete(k.recent, k.ring[k.head])
		k.ring[k.head] = s.TraceID
		k.head = (k.head + 1) % maxRecent
	}
	k.recent[s.TraceID] = s
}

// End ends a phase of a mode, for this round. p50 is the median of its response times; 0 if that is to be
// estimated from the samples. From then on one request of the round stands for the median.
func (k *Keeper) End(mode, phase string, p50 time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.cells[cellKey{mode, phase}]; c != nil {
		c.end(p50)
	}
}

// Lost returns an error if there were spans for which the store had no room, and nil otherwise.
func (k *Keeper) Lost() error {
	if n := k.cfg.Store.Dropped(); n > 0 {
		return fmt.Errorf("%d spans were dropped: there was no room for them", n)
	}
	return nil
}

// pick is a request that is kept.
type pick struct {
	sample trace.Sample
	why    string
	faults []string
}

func (k *Keeper) picks() []pick {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []pick
	for _, c := range k.order {
		all = append(all, c.picks()...)
	}
	return all
}

// Assemble returns the kept traces by mode and phase, as these began: the slowest first, then the median, then those of faults, then what
// those waited for or caused. It waits for spans that it knows to be missing until ctx ends; a trace that is not whole by then has a Problem. It is best
// called when the server has been stopped in order, and so has sent all of its spans.
func (k *Keeper) Assemble(ctx context.Context) []result.Trace {
	picks := k.picks()
	k.await(ctx, picks)
	kept := make(map[ID]bool, len(picks))
	for _, p := range picks {
		kept[p.sample.TraceID] = true
	}
	var traces []result.Trace
	for i, p := range picks {
		traces = append(traces, k.assemble(p))
		cellEnds := i+1 == len(picks) || picks[i+1].sample.Mode != p.sample.Mode || picks[i+1].sample.Phase != p.sample.Phase
		if !cellEnds {
			continue
		}
		for j := i; j >= 0 && picks[j].sample.Mode == p.sample.Mode && picks[j].sample.Phase == p.sample.Phase; j-- {
			traces = append(traces, k.linked(picks[j].sample, kept)...)
		}
	}
	return traces
}

// await waits until no pick has anything missing.
func (k *Keeper) await(ctx context.Context, picks []pick) {
	missing := slices.Clone(picks)
	for {
		missing = slices.DeleteFunc(missing, func(p pick) bool {
			t := k.assemble(p)
			return t.Problem == "" || p.sample.Failed != "" // of a request that failed it is not known what there is
		})
		if len(missing) == 0 {
			return
		}
		select {
		case <-k.cfg.Store.changed:
		case <-ctx.Done():
			return
		}
	}
}

// linked returns the traces that the one of s waited for or caused, unless they are kept already.
func (k *Keeper) linked(s trace.Sample, kept map[ID]bool) []result.Trace {
	var traces []result.Trace
	_, _, related := k.cfg.Store.get(s.TraceID)
	for _, id := range related {
		if kept[id] {
			continue
		}
		kept[id] = true
		if t, ok := k.other(id, s); ok {
			traces = append(traces, t)
		}
	}
	return traces
}

// other returns a trace of which the keeper may not know the request: it may be none.
func (k *Keeper) other(id ID, cause trace.Sample) (result.Trace, bool) {
	k.mu.Lock()
	sample, known := k.recent[id]
	k.mu.Unlock()
	if known {
		return k.assemble(pick{sample: sample, why: result.Linked}), true
	}
	spans, lost, _ := k.cfg.Store.get(id)
	return background(id, cause, spans, lost)
}

func (k *Keeper) assemble(p pick) result.Trace {
	spans, lost, _ := k.cfg.Store.get(p.sample.TraceID)
	return request(p, spans, lost)
}
