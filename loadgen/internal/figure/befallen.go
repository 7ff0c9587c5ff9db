package figure

import (
	"slices"
	"time"

	"loadlab/loadgen/internal/result"
)

// Befallen is one fault of one phase, over all rounds.
type Befallen struct {
	Phase, Text string
	Modes       []string                  // that it befell, in the scenario's order
	Of          map[string][]result.Fault // by mode, one a round
	Alone       bool                      // it is the only one of its phase
}

// Faults returns the faults of a run, in the order of its phases.
func (f *Figures) Faults() []Befallen {
	var all []Befallen
	for _, phase := range f.Phases() {
		first := len(all)
		for _, m := range f.Modes() {
			t := f.Total(m, phase)
			if t == nil {
				continue
			}
			for _, x := range t.Faults {
				i := slices.IndexFunc(all[first:], func(o Befallen) bool { return o.Text == x.Text })
				if i < 0 {
					i = len(all) - first
					all = append(all, Befallen{Phase: phase, Text: x.Text, Of: map[string][]result.Fault{}})
				}
				o := &all[first+i]
				if len(o.Of[m]) == 0 {
					o.Modes = append(o.Modes, m)
				}
				o.Of[m] = append(o.Of[m], x)
			}
		}
		for i := range all[first:] {
			all[first+i].Alone = len(all)-first == 1
		}
	}
	return all
}

// Suffered is a fault of one mode over its rounds: sums of counts, and the longest of times.
type Suffered struct {
	Requests, Errors, Degraded int64
	Attempts                   int64          // negative if they are unknown
	Inside, Outside            result.Summary // of the round with the greatest p99
	Detect                     *time.Duration // nil: no request showed it
	Degrade                    *time.Duration // nil: they paid until it ended
	Recover                    *time.Duration // nil: they were not as before while anybody looked
	Lasted, Stalest            time.Duration
	Failed                     map[string]int64
}

// Sum is what the fault came to for a mode.
func (b Befallen) Sum(mode string) Suffered {
	s := Suffered{Failed: map[string]int64{}, Degrade: new(time.Duration), Recover: new(time.Duration)}
	for _, x := range b.Of[mode] {
		i := x.Impact
		s.Requests += i.Inside.Requests
		s.Errors += i.Inside.Errors()
		s.Degraded += i.Inside.Degraded
		for kind, n := range i.Inside.Failed {
			s.Failed[kind] += n
		}
		s.Inside, s.Outside = worse(s.Inside, i.Inside.Response), worse(s.Outside, i.Outside.Response)
		if i.Detect != nil && (s.Detect == nil || *i.Detect > *s.Detect) {
			s.Detect = i.Detect
		}
		s.Degrade, s.Recover = longer(s.Degrade, i.Degrade), longer(s.Recover, i.Recover)
		s.Lasted += x.Ended - x.Began
		s.Stalest = max(s.Stalest, i.Inside.Stalest)
		if i.Attempts < 0 || s.Attempts < 0 {
			s.Attempts = -1
		} else {
			s.Attempts += i.Attempts
		}
	}
	return s
}

func worse(a, b result.Summary) result.Summary {
	if b.Count > 0 && (a.Count == 0 || b.P99 > a.P99) {
		return b
	}
	return a
}

// longer returns the longer of two times; nil is one that has no end.
func longer(a, b *time.Duration) *time.Duration {
	if a == nil || b == nil {
		return nil
	}
	if *b > *a {
		return b
	}
	return a
}
