package expose

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/otel/signal"
)

// lasting has the series of what lasts for a time: phases and faults. One that is over stays until a scrape has seen it, or a burst of a few
// milliseconds would be in none.
type lasting struct {
	scenario               string
	phases, starts, faults *prometheus.GaugeVec

	mu  sync.Mutex // guards all, and the entries in it
	all []*entry
}

// entry is one thing that lasts.
type entry struct {
	of         *running // the phase in which it is, and with which it ends
	remove     func()   // its series
	seen, over bool
}

func newLasting(r registrar, scenario string) *lasting {
	labels := []string{signal.LabelMode, signal.LabelPhase, signal.LabelRound}
	with := func(label string) []string { return append(slices.Clip(labels), label) }
	return &lasting{
		scenario: scenario,
		phases:   r.gauge(signal.LoadPhase, "1 while the phase runs, and until a scrape has seen it.", with(signal.LabelScenario)...),
		starts:   r.gauge(signal.LoadPhaseStart, "Unix time at which the phase began; there as long as "+signal.LoadPhase+".", labels...),
		faults:   r.gauge(signal.LoadFault, "1 while the fault lasts, and until a scrape has seen it.", with(signal.LabelFault)...),
	}
}

// phase begins a phase; the caller calls end when it is over.
func (l *lasting) phase(r *running, at time.Time) (end func()) {
	labels := []string{r.mode, r.phase, r.round}
	with := append(slices.Clip(labels), l.scenario)
	l.phases.WithLabelValues(with...).Set(1)
	l.starts.WithLabelValues(labels...).Set(float64(at.UnixMilli()) / 1000)
	l.begin(r, func() {
		l.phases.DeleteLabelValues(with...)
		l.starts.DeleteLabelValues(labels...)
	})
	return func() { l.end(func(e *entry) bool { return e.of == r }) }
}

// fault begins a fault of a phase. It ends with the phase, or before it.
func (l *lasting) fault(r *running, text string) (end func()) {
	labels := []string{r.mode, r.phase, r.round, text}
	l.faults.WithLabelValues(labels...).Set(1)
	this := l.begin(r, func() { l.faults.DeleteLabelValues(labels...) })
	return func() { l.end(func(e *entry) bool { return e == this }) }
}

func (l *lasting) begin(of *running, remove func()) *entry {
	e := &entry{of: of, remove: remove}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
	return e
}

// end ends those which are meant, where they have not ended.
func (l *lasting) end(meant func(*entry) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		e.over = e.over || meant(e)
	}
	l.sweep()
}

// about returns what there is: what a scrape that begins now will see.
func (l *lasting) about() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// saw notes that a scrape has seen these.
func (l *lasting) saw(entries []*entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		e.seen = true
	}
	l.sweep()
}

// sweep removes what is over and was seen.
func (l *lasting) sweep() {
	l.all = slices.DeleteFunc(l.all, func(e *entry) bool {
		if e.over && e.seen {
			e.remove()
			return true
		}
		return false
	})
}
